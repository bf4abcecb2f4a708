"""The warning of a gateway above a mail takes neither its label nor its words. Invented mails."""

import textwrap

import pytest

from services.outreach.replies.rules import classify, new_text

BANNERS = [
    "CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless "
    "you "
    "recognize the sender and know the content is safe.",
    "CAUTION: This email originated from outside of the organization.\nDo not click links or open attachments.",
    "*** EXTERNAL EMAIL: this message was sent from outside Acme. Think before you click. ***",
    "[EXTERNAL]",
    "EXTERNAL EMAIL\nThis email is from an external sender. Be cautious.",
    "You don't often get email from ann@acme.example. Learn why this is important",
    "Warning: The sender of this message is external. Please report suspicious mails.",
    "ACHTUNG: Diese E-Mail stammt von einem externen Absender. Klicken Sie nicht auf Links und öffnen Sie keine "
    "Anhänge, "
    "wenn Sie den Absender nicht kennen.",
    "Sie erhalten nicht oft eine E-Mail von ann@acme.example. Erfahren Sie, warum dies wichtig ist",
    "ATTENTION : Cet e-mail provient de l'extérieur de l'organisation. Ne cliquez pas sur les liens.",
    "Vous n'obtenez pas souvent d'e-mail à partir de ann@acme.example. Découvrez pourquoi cela est important",
    "PRECAUCIÓN: Este correo electrónico se originó fuera de la organización. No haga clic en los enlaces.",
    "No suele recibir correos electrónicos de ann@acme.example. Por qué es esto importante",
    "ATENÇÃO: Este e-mail foi enviado de fora da organização. Não clique em links.",
    "Não costuma receber e-mails de ann@acme.example. Saiba por que isto é importante",
    "ATTENZIONE: Questa e-mail proviene dall'esterno dell'organizzazione. Non cliccare sui link.",
    "Non si ricevono spesso messaggi di posta elettronica da ann@acme.example. Scopri perché è importante",
    "LET OP: Deze e-mail is afkomstig van buiten de organisatie. Klik niet op links.",
    "U ontvangt niet vaak e-mail van ann@acme.example. Meer informatie over waarom dit belangrijk is",
]
ANSWERS = {
    "declined": "Hi Bob,\n\nno thanks, we are not interested.",
    "meeting_request": "Hi Bob, shall we talk on Tuesday at 10:30?",
    "opt_out": "unsubscribe",
}


@pytest.mark.parametrize("between", ["\n\n", "\n", "\n________________________________\n\n"])
@pytest.mark.parametrize("banner", BANNERS)
@pytest.mark.parametrize("label", ANSWERS)
def test_a_banner_is_no_word_of_the_writer(label, banner, between):
    for above in (banner, f"{'-' * 40}\n{banner}"):
        read = new_text.extract(f"{above}{between}{ANSWERS[label]}")
        assert read.newest == ANSWERS[label]
        assert classify("email", {}, read).label == label


@pytest.mark.parametrize("banner", BANNERS)
def test_a_banner_may_be_wrapped_and_stand_on_the_line_of_the_text(banner):
    answer = ANSWERS["declined"]
    assert new_text.extract("\n".join(textwrap.wrap(banner, 76)) + f"\n\n{answer}").newest == answer
    if banner.endswith("."):
        assert new_text.extract(f"{banner} {answer}").newest == answer


@pytest.mark.parametrize(
    "text",
    [
        "This mail came from my old address, please use the new one.",
        "Do not click on anything, he said. We do not need it.",
        "External sales is what we do ourselves.",
        "External",
        "Attention: we are closed on Monday.",
    ],
)
def test_what_a_writer_says_like_a_banner_is_kept(text):
    assert new_text.extract(text).newest == text
