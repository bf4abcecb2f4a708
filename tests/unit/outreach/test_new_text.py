"""The writer's own words: quotes, signatures and footers of many mail clients and languages, in invented mails."""

import pytest

from services.outreach.replies.rules import new_text, quote_headers, signatures
from tests.processor_time import processor_seconds


def newest(body: str) -> str:
    return " ".join(new_text.extract(body).newest.split())


@pytest.mark.parametrize(
    "header",
    [
        "On Tue, 3 Feb 2026 at 10:00, Ann Lee <ann@acme.example> wrote:",
        "Am 03.02.2026 um 10:00 schrieb Ann Lee <ann@acme.example>:",
        "Ann Lee <ann@acme.example> schrieb am Di., 3. Feb. 2026, 10:00:",
        "Le mar. 3 févr. 2026 à 10:00, Ann Lee <ann@acme.example> a écrit :",
        "El mar, 3 feb 2026 a las 10:00, Ann Lee (<ann@acme.example>) escribió:",
        "Em ter., 3 de fev. de 2026 às 10:00, Ann Lee <ann@acme.example> escreveu:",
        "Op di 3 feb 2026 om 10:00 schreef Ann Lee <ann@acme.example>:",
        "Op 3 feb. 2026, om 10:00 heeft Ann Lee <ann@acme.example> het volgende geschreven:",
        "Il giorno mar 3 feb 2026 alle ore 10:00 Ann Lee <ann@acme.example> ha scritto:",
        "Den tis 3 feb. 2026 kl 10:00 skrev Ann Lee <ann@acme.example>:",
        "tir. 3. feb. 2026 kl. 10.00 skrev Ann Lee <ann@acme.example>:",
        "ti 3. helmik. 2026 klo 10.00 Ann Lee (ann@acme.example) kirjoitti:",
        "W dniu 3.02.2026 o 10:00, Ann Lee pisze:",
        "wt., 3 lut 2026 o 10:00 Ann Lee <ann@acme.example> napisał(a):",
        "út 3. 2. 2026 v 10:00 odesílatel Ann Lee <ann@acme.example> napsal:",
        "Ann Lee <ann@acme.example> ezt írta (időpont: 2026. febr. 3., K, 10:00):",
        "În mar., 3 feb. 2026 la 10:00, Ann Lee <ann@acme.example> a scris:",
        "uto, 3. velj 2026. u 10:00 Ann Lee <ann@acme.example> napisao je:",
        "вт, 3 февр. 2026 г. в 10:00, Ann Lee <ann@acme.example>:",
        "3 февраля 2026 г., 10:00, Ann Lee <ann@acme.example> написал(а):",
        "вт, 3 лют. 2026 р. о 10:00 Ann Lee <ann@acme.example> пише:",
        "На вт, 3.02.2026 г. в 10:00 Ann Lee <ann@acme.example> написа:",
        "2026-02-03, an, 10:00 Ann Lee <ann@acme.example> rašė:",
        "Στις Τρί 3 Φεβ 2026 στις 10:00 π.μ., ο χρήστης Ann Lee <ann@acme.example> έγραψε:",
        "3 Şub 2026 Sal 10:00 tarihinde Ann Lee <ann@acme.example> şunu yazdı:",
        "‫בתאריך יום ג׳, 3 בפבר׳ 2026 ב-10:00 מאת ‪Ann Lee‬‏ <‪ann@acme.example‬‏>:‬",
        "في الثلاثاء، 3 فبراير 2026 في 10:00 ص تمت كتابة ما يلي بواسطة ‪Ann Lee‬‏ <‪ann@acme.example‬‏>:",
        "Ann Lee <ann@acme.example> 于2026年2月3日周二 10:00写道：",
        "在 2026年2月3日，上午10:00，Ann Lee <ann@acme.example> 写道：",
        "2026年2月3日(火) 10:00 Ann Lee <ann@acme.example>:",
        "2026/02/03 10:00、Ann Lee <ann@acme.example>のメール:",
        "2026년 2월 3일 (화) 오전 10:00, Ann Lee <ann@acme.example>님이 작성:",
        "Vào Th 3, 3 thg 2, 2026 vào lúc 10:00 Ann Lee <ann@acme.example> đã viết:",
        "---- On Tue, 03 Feb 2026 10:00:00 +0100 ann@acme.example wrote ----",
        "On Tue, 3 Feb 2026 at 10:00, Ann Lee Whose Name Is Very Long Indeed <\nann@acme.example> wrote:",
        "Le mar. 3 févr. 2026 à 10:00, Ann Lee du service commercial\n<ann@acme.example> a écrit :",
        "On Tue, Feb 3, 2026 at 10:07 AM Ann Lee\n\n<\nmailto:Ann Lee <ann@acme.example>\n> wrote:",
        "2026-02-03 10:00 GMT+01:00 Ann Lee <ann@acme.example>:",
        "On Mon, Feb 2, 2026 at 9:00 AM Ann <a1@acme.example> wrote:",
        "On Mon, Feb 2, 2026 at 9 AM Ann <a1@acme.example> wrote:",
        "On Monday, February 2, 2026 at 09:00:00 AM GMT+1, Ann Lee <ann@acme.example> wrote:",
        "On Feb 2, 2026, 9:00 AM -0500, Ann Lee <ann@acme.example>, wrote:",
        "Am 02.02.2026 um 9:00 AM schrieb Ann 2 <ann@acme.example>:",
    ],
)
@pytest.mark.parametrize("mark", ["> ", ""])
def test_a_quote_is_recognised_by_its_introduction_in_each_language(header, mark):
    assert newest(f"Yes, two of them.\n\n{header}\n{mark}How many do you need?\n") == "Yes, two of them."


@pytest.mark.parametrize(
    "block",
    [
        "From: Ann Lee <ann@acme.example>\nSent: Tuesday, 3 February 2026 10:00\nTo: Bo\nSubject: Hooks",
        "*From:* Ann Lee\n*Sent:* Tuesday, 3 February 2026 10:00\n*To:* Bo\n*Subject:* Hooks",
        "Von: Ann Lee\nGesendet: Dienstag, 3. Februar 2026 10:00\nAn: Bo\nBetreff: Haken",
        "De : Ann Lee <ann@acme.example>\nEnvoyé : mardi 3 février 2026 10:00\nÀ : Bo\nObjet : Crochets",
        "De: Ann Lee\nEnviado el: martes, 3 de febrero de 2026 10:00\nPara: Bo\nAsunto: Ganchos",
        "De: Ann Lee\nEnviada em: terça-feira, 3 de fevereiro de 2026 10:00\nPara: Bo\nAssunto: Ganchos",
        "Van: Ann Lee\nVerzonden: dinsdag 3 februari 2026 10:00\nAan: Bo\nOnderwerp: Haken",
        "Da: Ann Lee\nInviato: martedì 3 febbraio 2026 10:00\nA: Bo\nOggetto: Ganci",
        "Från: Ann Lee\nSkickat: den 3 februari 2026 10:00\nTill: Bo\nÄmne: Krokar",
        "Fra: Ann Lee\nSendt: 3. februar 2026 10:00\nTil: Bo\nEmne: Kroge",
        "Lähettäjä: Ann Lee\nLähetetty: tiistai 3. helmikuuta 2026 10.00\nVastaanottaja: Bo\nAihe: Koukut",
        "Od: Ann Lee\nWysłano: wtorek, 3 lutego 2026 10:00\nDo: Bo\nTemat: Haki",
        "Od: Ann Lee\nOdesláno: úterý 3. února 2026 10:00\nKomu: Bo\nPředmět: Háky",
        "От: Ann Lee\nОтправлено: 3 февраля 2026 г. 10:00\nКому: Bo\nТема: Крюки",
        "Feladó: Ann Lee\nElküldve: 2026. február 3. 10:00\nCímzett: Bo\nTárgy: Kampók",
        "Kimden: Ann Lee\nGönderildi: 3 Şubat 2026 10:00\nKime: Bo\nKonu: Kancalar",
        "Από: Ann Lee\nΣτάλθηκε: 3 Φεβρουαρίου 2026 10:00\nΠρος: Bo\nΘέμα: Γάντζοι",
        "发件人: Ann Lee\n发送时间: 2026年2月3日 10:00\n收件人: Bo\n主题: 挂钩",
        "差出人: Ann Lee\n送信日時: 2026年2月3日 10:00\n宛先: Bo\n件名: フック",
        "보낸 사람: Ann Lee\n보낸 날짜: 2026년 2월 3일 10:00\n받는 사람: Bo\n제목: 고리",
        "From: Ann Lee\n<ann.lee.with.a.very.long.address@acme.example>\nSent: Tuesday\nTo: Bo",
        "Date: Tue, 3 Feb 2026 10:00:00 +0100\nFrom: ann@acme.example\nTo: bo@b.example\nSubject: Hooks",
        "-----Original Message-----\nFrom: Ann Lee\nSubject: Hooks",
        "-------- Ursprüngliche Nachricht --------\nHallo",
        "----- Wiadomość oryginalna -----\nDzień dobry",
        "------------------ 原始邮件 ------------------\n你好",
        "---------- Forwarded message ---------\nHello",
        "Begin forwarded message:\n\n> From: Ann Lee",
        "________________________________\nFrom: Ann Lee\nSent: Tuesday",
    ],
)
def test_a_quote_is_recognised_by_its_header_block(block):
    assert (
        newest(f"Yes, two of them.\n\n{block}\n\nHow many do you need?\nReply STOP to opt out.") == "Yes, two of them."
    )


def test_words_before_an_introduction_on_its_line_are_the_writers():
    for own in ("Two.", "Tuesday 3 pm works.", "3/2/2026 is fine!"):
        assert newest(f"{own} On Tue, Feb 3, 2026 at 9:00 AM, Ann <a1@acme.example> wrote:\n> How many?") == own


def test_an_answer_below_the_quote_is_the_writers():
    assert newest("On 3/2/2026 10:00, Ann Lee wrote:\n> How many?\n\nTwo, please.") == "Two, please."


def test_answers_between_quotes_are_the_writers():
    body = "On 3/2/2026 10:00, Ann Lee wrote:\n> How many?\n\nTwo.\n\n> When?\n\nIn May.\n"
    assert newest(body) == "Two. In May."


def test_two_people_quoting_each_other_leave_the_last_writers_words():
    body = (
        "Fine.\n\nOn 3/2/2026 10:00, Ann Lee wrote:\n> Three?\n>\n> On 2/2/2026 09:00, Bo wrote:\n>> Two?\n>> > One?\n"
    )
    assert newest(body) == "Fine."


def test_what_a_client_broke_off_a_quoted_line_is_no_answer():
    long = "> We would be glad to show you how the new hooks hold twice as much as the\nold ones did\n> in our tests."
    assert newest(f"No.\n\nOn 3/2/2026 10:00, Ann Lee wrote:\n{long}") == "No."


def test_a_sentence_about_writing_is_no_introduction():
    text = "As my colleague wrote: we are fine.\nOn Monday we wrote to you that it is too early."
    assert newest(text) == " ".join(text.split())


def test_a_list_with_colons_is_no_header_block():
    text = "Here is what we need:\nFrom: Cologne\nTo: Porto\nDate: as soon as you can"
    assert newest(text) == " ".join(text.split())


def test_a_receipt_that_names_our_mail_is_kept():
    text = "Your message\n\n   To: Bo\n   Subject: Hooks\n   Sent: Tuesday, 3 February 2026\n\nwas read on Wednesday."
    assert newest(text) == " ".join(text.split())


def test_a_text_that_a_client_marked_wholly_as_a_quote_counts():
    assert newest("> Please call me tomorrow.\n> I mean it.").endswith("I mean it.")


@pytest.mark.parametrize(
    "body",
    [
        "On Tue, 3 Feb 2026 at 10:00, Ann Lee <ann@acme.example> wrote:\n> Reply STOP to opt out",
        "\n\n> On 3 Feb 2026, at 10:00, Ann Lee <ann@acme.example> wrote:\n> Reply STOP to opt out",
        "From: Ann Lee\nSent: Tuesday\nTo: Bo\nSubject: Hooks\n\nReply STOP to opt out",
    ],
)
def test_a_reply_of_nothing_but_our_own_mail_has_no_words(body):
    assert new_text.extract(body) == new_text.NewText("", "")


def test_a_signature_alone_above_a_quote_is_no_text():
    body = "\nBo Hansen\nHead of Purchasing\nHooks Ltd\n\n> On 3 Feb 2026, at 10:00, Ann Lee wrote:\n> Shall we talk?"
    assert newest(body) == ""


@pytest.mark.parametrize(
    "ending",
    [
        "Best,\nBo",
        "Kind regards\nBo Hansen\nHooks Ltd",
        "Thanks\nBo",
        "Mit freundlichen Grüßen\ni. A. Bo Hansen",
        "LG Bo",
        "Cordialement,\nBo Hansen",
        "Bonne journée,\nBo",
        "À jeudi,\nBo Hansen",
        "Un saludo,\nBo",
        "Um abraço,\nBo Hansen",
        "Met vriendelijke groet,\nBo",
        "gr Bo",
        "Cordiali saluti\nBo",
        "Med vänliga hälsningar\nBo",
        "Pozdrawiam,\nBo",
        "С уважением,\nБо",
        "Bo Hansen",
        "Bo Hansen\nHead of Hooks | +45 33 12 34 56",
        "Dr. med. Bo Hansen",
        "Bo @ Hooks Ltd",
        "The team at Hooks Ltd",
        "Bo Hansen\nPlease do not feel obliged to answer outside your working hours.",
        "-- \nBo Hansen",
        "__\nhooks mailing list",
        "Sent from my iPhone",
        "Sent from my iPhone, please excuse typos and brevity in this message.",
        "Von meinem Telefon gesendet",
        "Envoyé de mon mobile",
        "Enviado desde mi móvil",
        "Enviado do meu telemóvel",
        "Verstuurd vanaf mijn telefoon",
        "Inviato da smartphone",
        "Skickat från min telefon",
        "Wysłano z telefonu",
        "Отправлено с телефона",
        "This e-mail is confidential. If you received it in error, delete it.",
        "To unsubscribe from our news write to news@hooks.example",
        "[cid:logo.png@01DC]<https://hooks.example>\nHooks Ltd",
        "When: Tuesday, 3 February 2026 10:00\nWhere: Room 4",
    ],
)
def test_sign_offs_signatures_and_footers_are_left_out(ending):
    assert newest(f"We need two of them by May.\n\n{ending}") == "We need two of them by May."


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nThanks for your mail\nwe would like to see a sample of the large ones first.",
        "Hello,\n\nTuesday works for me",
        "Hi Ann,\n\nBest price for two hundred",
        "Two, please.\n\nIn May",
        "On Monday 3 May Ann wrote:\nwe take four of them, and that still holds.",
        "Yes.\n\nSent from my desk, where I sit far too much, with a question: how many fit?",
    ],
)
def test_sentences_that_look_like_an_ending_are_kept(text):
    assert newest(text) == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "Hi Bob,\n\nThanks for your email.\n\nWe are not interested.",
        "Hi Bob,\n\nThanks for your email.\n\nNot interested",
        "Hallo Bob,\n\nvielen Dank für Ihre Mail.\n\nWir haben kein Interesse.",
        "Bonjour,\n\nMerci pour votre message.\n\nCela ne nous intéresse pas.",
        "Hola:\n\nSaludos desde Madrid.\n\nNo nos interesa.",
        "Olá,\n\nObrigada pela mensagem.\n\nNão temos interesse.",
        "Hoi Bob,\n\nBedankt voor je mail.\n\nGeen interesse.",
        "Buongiorno,\n\nGrazie per la mail.\n\nNon ci interessa.",
        "Hi Bob,\n\nThanks!",
    ],
)
@pytest.mark.parametrize("end", ["\n\nKind regards,\nAnn Lee", "\n\nAnn Lee"])
def test_thanks_at_the_beginning_close_no_letter(text, end):
    assert newest(text + end) == " ".join(text.split())


def test_thanks_before_the_last_sentence_close_no_letter():
    text = "Hi Bob,\n\nWe looked at it.\n\nThanks for your patience.\nThere is no need here."
    assert newest(f"{text}\n\nKind regards,\nAnn Lee") == " ".join(text.split())


def test_a_postscript_is_the_writers_own_and_not_the_newest_text():
    read = new_text.extract("No.\n\nAll the best,\nBo\n\nP.S. Do take us off your list, please, all of us here.")
    assert read.newest == "No."
    assert "take us off your list" in read.own


def test_the_name_and_the_carriers_notes_of_an_sms_are_left_out():
    assert newest("Tuesday at noon. Bring samples. Greta") == "Tuesday at noon. Bring samples."
    assert newest("We answer soon. Msg & data rates may apply. Reply STOP to opt out.") == "We answer soon."
    assert newest("I will come. Thursday") == "I will come. Thursday"


def test_the_line_above_which_a_help_desk_wants_its_answer_is_left_out():
    assert newest("## Please reply above this line ##\n\nYour ticket is open.") == "Your ticket is open."


def test_very_long_words_of_a_writer_are_judged_at_both_ends():
    read = new_text.extract(f"Start here.\n{'word ' * 20_000}\nStop writing to me.")
    assert read.own.startswith("Start here.") and read.own.endswith("Stop writing to me.") and len(read.own) < 11_000


HOSTILE = [" ", "-", "_", "3 May 2020 ", "On 3 May 2020 10:00\n", "(", "[", "<", ">", ">\n", "&", "&gt;\n", "\n", "="]
HOSTILE += ["=20", '"', "'", "-\n", "=\n", "From: a\n", "wrote:\n", "<!--", "Ann Lee\n", "thanks\n", " \n", "a@b.c\n"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_the_time_for_a_hostile_text_grows_with_its_size_and_not_with_its_square(unit):
    def seconds(size: int) -> float:
        text = f"Hello\n{(unit * size)[:size]}"
        return processor_seconds(lambda: new_text.extract(text), enough=0.05)

    small, large = seconds(50_000), seconds(200_000)
    assert large < 0.05 or large < 10 * small


def test_only_a_bounded_number_of_lines_is_looked_at_closely(monkeypatch):
    looks = 0
    original = quote_headers.introduction

    def counted(lines, index):
        nonlocal looks
        looks += 1
        return original(lines, index)

    monkeypatch.setattr(quote_headers, "introduction", counted)
    new_text.extract("".join(f"On {day % 28 + 1} May at {day}\n" for day in range(5_000)))
    assert 0 < looks <= 250


def test_a_name_is_told_from_a_sentence():
    assert signatures.is_proper_name("Ann van der Berg")
    assert not signatures.is_proper_name("Tuesday works for me")
    assert not signatures.is_proper_name("Thursday")
