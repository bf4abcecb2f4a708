"""What firms put below a mail never decides its label, and what the writer wrote there does. Invented mails."""

import textwrap

import pytest

from services.outreach.replies.rules import boilerplate, classify, new_text

YES = "Yes please, send me the offer."
FOOTERS = {
    "en": "Please delete this e-mail and all copies if you are not the named addressee. Any unauthorised use, copying "
    "or disclosure of its content is prohibited, and you must not contact the sender again.",
    "en, privacy": "We process your personal data under the GDPR. You have the right to access, to erasure and to "
    "object to processing at any time; write to privacy@acme.example.",
    "en, leaving": "You are receiving this message because you wrote to us. If you no longer wish to receive e-mails "
    "from us, reply with the word unsubscribe.",
    "de": "Hinweise zum Datenschutz: Sie haben jederzeit das Recht auf Auskunft, Berichtigung und Löschung Ihrer Daten "
    "nach Art. 17 DSGVO. Ein Widerspruch ist formlos möglich.",
    "de, confidential": "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, "
    "informieren Sie bitte den Absender und löschen Sie diese Nachricht; schreiben Sie uns nicht mehr.",
    "fr": "Conformément au RGPD, vous disposez d'un droit d'accès, de rectification, d'effacement et d'opposition : "
    "pour demander la suppression de vos données de notre base, écrivez à dpo@acme.example.",
    "fr, confidential": "Ce message et ses pièces jointes sont confidentiels. Si vous n'en êtes pas le destinataire, "
    "merci de le supprimer de votre système et de ne plus contacter l'expéditeur.",
    "es": "Le informamos de que sus datos personales están en nuestro fichero. Si no desea recibir más "
    "comunicaciones, o "
    "quiere ejercer sus derechos de acceso y supresión, escriba a rgpd@acme.example para eliminar sus datos.",
    "it": "Questa comunicazione è riservata. Qualora l'abbiate ricevuta per errore, Vi preghiamo di eliminarlo e "
    "cancellare i dati dal Vostro indirizzo, dandone notizia al mittente.",
    "it, privacy": "Ai sensi del GDPR può esercitare in ogni momento i suoi diritti e chiedere la cancellazione dei "
    "dati personali scrivendo a privacy@acme.example.",
    "pt": "De acordo com a LGPD, o titular pode a qualquer momento pedir a eliminação dos seus dados pessoais e "
    "opor-se ao tratamento, escrevendo para privacidade@acme.example.",
    "nl": "Dit bericht is vertrouwelijk. Bent u niet de geadresseerde, dan verzoeken wij u de afzender te informeren "
    "en dit bericht te verwijderen uit uw systeem. Op grond van de AVG heeft u recht op inzage; u kunt bezwaar maken.",
}


def label(body: str) -> str:
    return classify("email", {}, new_text.extract(body)).label


@pytest.mark.parametrize("width", [72, 10_000])
@pytest.mark.parametrize(
    "signature", ["Regards\nAnn Lee\nAcme Ltd\n\n", "Ann Lee\nAcme Ltd\n\n", "Best\nAnn Lee\n", ""]
)
@pytest.mark.parametrize("footer", FOOTERS.values(), ids=FOOTERS)
def test_a_footer_of_the_firm_opts_nobody_out(footer, signature, width):
    wrapped = "\n".join(textwrap.wrap(footer, width))
    read = new_text.extract(f"Hello,\n\n{YES}\n\n{signature}{wrapped}\n")
    assert read.newest == f"Hello,\n\n{YES}"
    assert classify("email", {}, read).label == "interested"


@pytest.mark.parametrize(
    "below",
    [
        "P.S. Please take me off your list.",
        "PS: Bitte nehmen Sie mich aus Ihrem Verteiler.",
        "P.S.\n\nPlease take me off your list.",
        "P.P.S. Please take me off your list.\nThis e-mail is confidential. If you received it in error, delete it.",
        "Please take me off your list.",
        "Bitte löschen Sie meine Daten aus Ihrer Liste.",
        "Merci de retirer mon adresse de votre liste.",
        "Por favor, bórrenme de su lista.",
        "Por favor, retirem o meu e-mail da lista.",
        "Haal mij van de lijst.",
        "Cancellate il mio indirizzo dalla lista.",
    ],
)
def test_what_the_writer_adds_below_the_sign_off_counts(below):
    assert (
        label(f"Fine product, no doubt.\n\nRegards\nAnn Lee\n\n{below}\n\n{FOOTERS['de, confidential']}") == "opt_out"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hi,\n\nunsubscribe", "opt_out"),
        ("No thanks.\n\nUnsubscribe", "opt_out"),
        ("Hello,\n\nI want to unsubscribe.", "opt_out"),
        ("Hello,\n\nPlease unsubscribe from your list ann@acme.example, that is me.", "opt_out"),
        ("Hello,\n\nWe no longer wish to receive your mails.", "opt_out"),
        ("Hello,\n\nWhat about our preferences for the colour, can they be set?", "question"),
        ("Guten Tag,\n\nist das vertraulich, und was kostet es?", "question"),
        ("Dear Bob,\n\nUnder the GDPR I ask you to erase my personal data and to confirm it.", "opt_out"),
        ("Bonjour,\n\nEn vertu du RGPD, j'exerce mon droit d'accès, et vous demande d'effacer mes données.", "opt_out"),
    ],
)
def test_a_paragraph_of_the_writers_is_kept_whatever_word_is_in_it(body, expected):
    read = new_text.extract(body)
    assert " ".join(read.newest.split()) == " ".join(body.split())
    assert classify("email", {}, read).label == expected


def test_a_letter_that_ends_in_boilerplate_on_the_same_line_is_no_boilerplate():
    text = "We would take four of the large ones, two of them in green, and need them in May. " * 3
    assert not boilerplate.is_boilerplate(f"{text} If you no longer wish to receive e-mails, write to us.")
