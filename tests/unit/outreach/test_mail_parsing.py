"""Parsing of raw mails: senders, threads, recipients, parts, encodings. Any bytes are a mail."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outreach.replies.rules import bounces, mail_parsing, mime_parts
from tests.processor_time import processor_seconds


def a_mail(body: str = "hi", *, headers: str = "", content_type: str = "text/plain; charset=utf-8") -> bytes:
    return f"From: ann@lead.example\n{headers}Content-Type: {content_type}\n\n{body}".encode()


def parts(*contents: str, kind: str = "mixed") -> bytes:
    """A multipart mail; each content begins with its own headers."""
    body = "".join(f"--b\n{content}\n" for content in contents)
    return a_mail(f"{body}--b--\n", content_type=f"multipart/{kind}; boundary=b")


PLAIN = "Content-Type: text/plain; charset=utf-8\n\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n"


@pytest.mark.parametrize(
    "header",
    [
        "=?utf-8?Q?B=C3=BCro=2C_K=C3=B6ln?= <office@x.example>",
        "Büro, Köln <office@x.example>",
        '"office, a <other@y.example>" <OFFICE@x.example>',
        "office@x.example (Ann <ann@y.example>)",
        '"Ann <office@x.example>',
        "Ann office@x.example",
        "<office@x.example>,",
        "[mailto:office@x.example]",
        "'office@x.example' <office@x.example>",
        '"office@x.example"',
        "=?utf-8?Q?Ann_<office@x.example>?=",
        "((((Ann office@x.example",
        "office@x.example <office@x.example>, Bob <bob@y.example>",
    ],
)
def test_the_sender_is_read_before_its_name_is_decoded(header):
    assert mail_parsing.parse(f"From: {header}\n\nhi".encode()).sender == "office@x.example"


@pytest.mark.parametrize(
    "header",
    ["Pat <pat.o'brien@acme.example>", "'pat.o'brien@acme.example'", "\"Pat O'Brien\" <Pat.O'Brien@acme.example>"],
)
def test_an_apostrophe_within_an_address_is_a_part_of_it(header):
    assert mail_parsing.parse(f"From: {header}\n\nhi".encode()).sender == "pat.o'brien@acme.example"


@pytest.mark.parametrize("header", ["<>", "MAILER-DAEMON", "", "Ann", '""'])
def test_a_sender_without_an_address_is_nobody(header):
    assert mail_parsing.parse(f"From: {header}\nReply-To: a@b.example\n\nhi".encode()).sender in ("", "a@b.example")
    assert mail_parsing.parse(f"From: {header}\n\nhi".encode()).sender == ""


def test_references_come_newest_first_and_once_with_what_was_answered_before():
    raw = b"From: a@b.example\nReferences: <1@x> <2@x>\n <3@x>\nIn-Reply-To: <2@x>\n\nhi"
    assert mail_parsing.parse(raw).references == ["2@x", "3@x", "1@x"]


def test_a_message_id_in_square_brackets_or_without_any_is_one():
    assert mail_parsing.parse(b"Message-ID: <[1.2@x.example]>\n\nhi").message_id == "1.2@x.example"
    assert mail_parsing.parse(b"Message-ID: 1.2@x.example\n\nhi").message_id == "1.2@x.example"


def test_every_address_that_it_was_sent_to_is_known_with_its_plus_tag():
    raw = (
        b"From: a@b.example\nTo: Sales <Sales+Tok3n@acme.example>\nCc: x@y.example\n"
        b"Delivered-To: inbox@acme.example\nX-Original-To: bounce-77@acme.example\n"
        b"Received: from a by b\n\tfor <last+hop@acme.example>; Thu, 1 Jan 2026 00:00:00 +0000\n\nhi"
    )
    mail = mail_parsing.parse(raw)
    expected = "sales+tok3n x inbox bounce-77 last+hop".split()
    assert [address.partition("@")[0] for address in mail.recipients] == expected
    assert mail.plus_tags == ["tok3n", "hop"]


def test_the_same_id_with_other_content_has_another_digest_and_a_relay_changes_none():
    one = b"From: a@b.example\nMessage-ID: <1@b.example>\nSubject: hello\n\nyes\nAnn\n"
    other, relayed = one.replace(b"yes", b"no"), b"Received: from x\n" + one.replace(b"\n", b"\r\n")
    digests = [mail_parsing.parse(raw).digest for raw in (one, other, relayed)]
    assert digests[0] != digests[1]
    assert digests[0] == digests[2]


def test_encoded_subjects_are_readable_also_where_words_are_cut_or_sloppy():
    def subject(value: str) -> str:
        return mail_parsing.parse(f"Subject: {value}\n\nhi".encode()).subject

    assert subject("=?utf-8?b?R3LDvMOfZQ==?=") == "Grüße"
    assert subject("=?utf-8?b?4oI=?= =?utf-8?b?rCA1?=") == "€ 5"
    assert subject("=?utf-8?Q?Really??=") == "Really?"
    assert subject("=?utf-8?Q?one?= two =?iso-8859-1?Q?f=FCr?=") == "one two für"
    assert subject("=?klingon?Q?plain?=") == "plain"
    assert subject("Größe") == "Größe"


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("Grüße, schönes Wochenende", "utf-8", "iso-8859-1"),
        ("Grüße, schönes Wochenende", "utf-8", "klingon"),
        ("Price: 5 € – “fine”", "cp1252", "iso-8859-1"),
        ("please stöp writing", "latin-1", "utf-8"),
        ("please stöp writing", "latin-1", "us-ascii"),
        ("镕基先生，请不要再写信给我们", "gb18030", "gb2312"),
        ("メールを送らないでください。よろしくお願いします。", "iso2022_jp", ""),
        ("メールを送らないでください。よろしくお願いします。", "cp932", "iso-8859-1"),
        ("メールを送らないでください。よろしくお願いします。", "euc_jp", ""),
        ("더 이상 메일을 보내지 마세요 감사합니다", "cp949", "ks_c_5601-1987"),
        ("Спасибо, нам это не интересно", "koi8_r", "koi8-r"),
        ("Спасибо, нам это не интересно, не пишите больше", "cp1251", "unknown-8bit"),
        ("Proszę więcej nie pisać, jesteśmy zajęci", "cp1250", "iso-8859-2"),
        ("好的，谢谢", "gb18030", ""),
        ("ok", "utf-16", "utf-16"),
    ],
)
def test_a_text_is_what_its_bytes_are_and_not_what_the_label_says(text, codec, label):
    content_type = "text/plain" + (f"; charset={label}" if label else "")
    raw = a_mail("", content_type=content_type) + text.encode(codec)
    assert mail_parsing.parse(raw).body == text


def test_a_western_byte_in_a_utf_8_text_costs_the_text_nothing():
    raw = a_mail("") + "schöne Grüße aus Köln, ".encode() + b"caf\xe9"
    assert mail_parsing.parse(raw).body == "schöne Grüße aus Köln, café"
    raw = a_mail("") + "Спасибо за письмо, ".encode() + b"caf\xe9"
    assert mail_parsing.parse(raw).body == "Спасибо за письмо, café"


def test_a_nul_and_its_escape_are_text_like_any_other():
    mail = mail_parsing.parse(a_mail("remove me \\u0000 now\0!", headers="Subject: a\0b\n"))
    assert mail.body == "remove me \\u0000 now!"
    assert mail.subject == "ab"


def test_all_text_parts_count_in_order():
    mail = mail_parsing.parse(
        parts(f"{PLAIN}one", f"{HTML}<p>two</p>", "Content-Type: image/png\n\nx", f"{PLAIN}three")
    )
    assert mail.body.split() == ["one", "two", "three"]


def test_of_alternatives_the_plain_one_is_read_unless_it_is_empty():
    assert mail_parsing.parse(parts(f"{PLAIN}plain", f"{HTML}<p>html</p>", kind="alternative")).body == "plain"
    assert mail_parsing.parse(parts(f"{PLAIN} \n", f"{HTML}<p>html</p>", kind="alternative")).body == "html"


@pytest.mark.parametrize(
    "stub",
    [
        "Your email client does not support HTML messages.",
        "Dies ist eine HTML-Nachricht. Bitte nutzen Sie ein Programm, das HTML anzeigt.",
        "Si vous ne voyez pas ce message, ouvrez-le dans votre navigateur.",
    ],
)
def test_a_plain_version_that_only_points_to_the_other_is_none(stub):
    assert (
        mail_parsing.parse(parts(f"{PLAIN}{stub}", f"{HTML}<p>No thanks.</p>", kind="alternative")).body == "No thanks."
    )
    alone = parts(f"{PLAIN}{stub}", f"{HTML}<p> </p>", kind="alternative")
    assert mail_parsing.parse(alone).body == stub
    said = parts(f"{PLAIN}Send HTML, please.", f"{HTML}<p>Send HTML,  please.</p>", kind="alternative")
    assert mail_parsing.parse(said).body == "Send HTML, please."


def test_attached_files_and_messages_are_not_the_writers_words():
    forwarded = f"Content-Type: message/rfc822\n\nFrom: x@y.example\n{PLAIN}STOP"
    file = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nSTOP"
    nameless = "Content-Type: text/plain\nContent-Disposition: attachment\n\nSTOP"
    named = 'Content-Type: text/plain; name="notes.txt"\nContent-Disposition: inline\n\nSTOP'
    assert mail_parsing.parse(parts(f"{PLAIN}Yes", forwarded, file, nameless, named)).body.strip() == "Yes"


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--y\nContent-Type: text/plain\n\nYes",
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\nYes\n",
        b"From: a@b.example\nContent-Type: multipart/mixed\n\n--y\nContent-Type: text/plain\n\nYes\n",
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nYes",
        b"From: a@b.example\nContent-Type: ; charset\n\nYes",
        b"From: a@b.example\nContent-Type: text/plain; name*\n\nYes",
        b"From: a@b.example\nContent-Type: nonsense\n\nYes",
        b"From: a@b.example\rSubject: old\r\rYes",
        b"\n\nFrom: a@b.example\n\nYes",
        b"From me Thu Jan  1 00:00:00 2026\nFrom: a@b.example\n\nYes",
    ],
)
def test_a_body_in_broken_parts_or_under_broken_headers_is_read(raw):
    mail = mail_parsing.parse(raw)
    assert (mail.body.strip(), mail.sender) == ("Yes", "a@b.example")


def test_a_nest_of_two_thousand_parts_is_read_to_its_words():
    nest = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2_000))
    mail = mail_parsing.parse(f"From: a@b.example\n{nest}Content-Type: text/plain\n\nYes\n".encode())
    assert mail.body.strip() == "Yes"


def test_broken_base64_and_quoted_printable_are_read_as_far_as_they_go():
    encoded = base64.b64encode(b"please stop writing to me").decode().rstrip("=")
    headers = "Content-Transfer-Encoding: base64\n"
    assert mail_parsing.parse(a_mail(encoded[:20] + "\n*" + encoded[20:], headers=headers)).body == (
        "please stop writing to me"
    )
    assert mail_parsing.parse(a_mail("only plain words here", headers=headers)).body == "only plain words here"
    quoted = "Content-Transfer-Encoding: quoted-printable\n"
    assert mail_parsing.parse(a_mail("Gr=C3=BC=\nne =ZZ =", headers=quoted)).body.startswith("Grüne =ZZ")


def test_lines_that_were_broken_for_sending_are_joined():
    def body(text: str, more: str = "") -> str:
        return mail_parsing.parse(a_mail(text, content_type=f"text/plain; format=flowed{more}")).body

    assert body("one \ntwo\n> a \n> b\n-- \nAnn") == "one two\n> a b\n-- \nAnn"
    assert body("won \nderful", "; delsp=yes") == "wonderful"
    assert body(" >not a quote") == ">not a quote"


def test_an_answer_to_an_invitation_is_shown_in_words():
    calendar = (
        "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nSUMMARY:Demo\\, part\n  one\n"
        "DTSTART;TZID=Europe/Berlin:20260303T140000\n"
        "ATTENDEE;PARTSTAT={};CN=Ann:mailto:ann@lead.example\nCOMMENT:Only 30 minutes\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    for status, answer, words in (
        ("ACCEPTED", "accepted", "Accepted"),
        ("DECLINED", "declined", "Declined"),
        ("TENTATIVE", "tentative", "Tentatively accepted"),
    ):
        raw = parts(f"{PLAIN}See you", f"Content-Type: text/calendar; method=REPLY\n\n{calendar.format(status)}")
        mail = mail_parsing.parse(raw)
        assert mail.calendar_answer is not None
        assert (mail.kind, mail.calendar_answer.answer) == ("calendar_answer", answer)
        first = f"{words}: Demo, part one, Tuesday 3 March 2026 at 14:00 (Europe/Berlin)"
        assert mail.body == f"{first}\n\nOnly 30 minutes\n\nSee you"
    for method, words in (("REQUEST", "Invited"), ("COUNTER", "Proposed another time"), ("CANCEL", "Cancelled")):
        sent = calendar.format("ACCEPTED").replace("REPLY", method)
        mail = mail_parsing.parse(parts(f"Content-Type: text/calendar\n\n{sent}"))
        assert mail.body.startswith(f"{words}: Demo, part one, Tuesday 3 March 2026")
    attached = f"Content-Type: message/rfc822\n\nFrom: x@y.example\nContent-Type: text/calendar\n\n{sent}"
    assert mail_parsing.parse(parts(f"{PLAIN}Look", attached)).calendar_answer is None
    published = parts("Content-Type: text/calendar\n\n" + sent.replace("CANCEL", "PUBLISH"))
    assert mail_parsing.parse(published).calendar_answer is None


def test_a_read_receipt_is_no_reply():
    raw = parts(f"{PLAIN}was read", "Content-Type: message/disposition-notification\n\nDisposition: x; displayed")
    assert mail_parsing.parse(raw).kind == "read_receipt"
    assert mail_parsing.parse(a_mail()).kind == "mail"


def test_an_unsubscribe_token_is_found_in_every_encoding():
    link = "https://acme.example/v1/unsubscribe/" + "t" * 24
    quoted = a_mail(link[:30] + "=\n" + link[30:], headers="Content-Transfer-Encoding: quoted-printable\n")
    encoded = a_mail(base64.b64encode(link.encode()).decode(), headers="Content-Transfer-Encoding: base64\n")
    for raw in (a_mail(link), quoted, encoded):
        assert mail_parsing.parse(raw).tokens == ["t" * 24]


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"From: ", b"Content-Type: ", b"Subject: =?utf-8?B?", a_mail("")])
)
def test_no_bytes_are_refused(data, before):
    mail = mail_parsing.parse(before + data)
    mail.body.encode()
    assert "\0" not in mail.body + mail.subject + mail.sender
    assert isinstance(bounces.failures(mail), list)
    bounces.complaint(mail)


@given(st.lists(st.sampled_from(["--b", "--b--", "", "Content-Type: multipart/mixed; boundary=b", "x", "A: b"])))
def test_no_structure_is_refused(lines):
    mail = mail_parsing.parse(a_mail("\n".join(lines), content_type="multipart/mixed; boundary=b"))
    mail.body.encode()


HOSTILE = [
    " ",
    "-",
    "_",
    "[",
    "<",
    "=?",
    "(",
    "&",
    ">",
    "@",
    '"',
    "\\",
    "a@",
    "=?a?q?",
    "On 3 Feb 2026 wrote: ",
    "5.1.1 ",
]


@pytest.mark.parametrize("repeated", HOSTILE)
@pytest.mark.parametrize(
    "before",
    [
        "From: MAILER-DAEMON@x.example\nReturn-Path: <>\nContent-Type: text/plain; format=flowed\n\n",
        "Content-Type: text/html\n\n",
        "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: ",
        "From: ",
        "Content-Type: ",
        "",
    ],
)
def test_two_hundred_kilobytes_of_anything_take_no_time(before, repeated):
    raw = (before + repeated * (200_000 // len(repeated))).encode()

    def read() -> None:
        mail = mail_parsing.parse(raw)
        bounces.failures(mail)
        bounces.complaint(mail)

    # Usually under 0.05; what grows with the square of the size takes many seconds.
    assert processor_seconds(read, enough=1) < 1


def test_the_number_of_parts_and_of_lines_that_may_divide_them_is_bounded():
    raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nhi\n" * 50_000
    assert len(list(mime_parts.read(raw).walk())) <= mime_parts.MAX_PARTS + 1


@pytest.mark.parametrize("line", [b"--a\nContent-Type: multipart/mixed; boundary=a\n\n", b"--a\n\n", b"--a\n"])
def test_parts_beyond_every_limit_are_no_error(line: bytes) -> None:
    raw = b"From: a@x.example\nContent-Type: multipart/mixed; boundary=a\n\n" + line * 5_000
    assert mail_parsing.parse(raw).sender == "a@x.example"
