"""Who asks to be contacted, on the other channel, or not before a day does not opt out; who refuses contact does."""

from datetime import date

import pytest

from services.outreach.replies import rules
from services.outreach.replies.rules import contact_requests, label_details, model_labels, new_text
from services.outreach.replies.rules.model_labels import Assessment

GOES_ON = {"interested", "meeting_request", "later", "question", "other"}
FOR_EVER = [
    "Don't contact me again.",
    "Please do not call, text or email me any more.",
    "Don't call me or email me again.",
    "Please don't call me again. Remove me from your list.",
    "dont contact me",
    "Stop contacting me.",
    "Stop emailing me before I call my lawyer on Monday.",
    "Don't ever email me again. Until today I was patient.",
    "Remove me from your list before May.",
    "Kontaktieren Sie mich nicht mehr.",
    "Bitte keine Anrufe und keine Mails mehr.",
    "Ne me contactez plus.",
    "No me contacten más.",
    "No me llamen ni me escriban más.",
    "Non mi contattate più.",
    "Não me contacte mais.",
    "Neem geen contact meer met mij op.",
]


def classified(text: str, channel: str = "email") -> rules.Classification:
    return rules.classify(channel, {"subject": "Re: pumps"}, new_text.NewText(text, text))


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("text", FOR_EVER)
def test_who_refuses_all_contact_opts_out(text: str, channel: str):
    assert classified(text, channel).label == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "Please contact me by phone.",
        "You can contact me any time.",
        "Please get in touch with me.",
        "More information please.",
        "Add me to your list.",
        "Please subscribe me to your newsletter.",
        "I never got your first email. Please resend.",
        "We can't find your last message, please send again.",
        "Your mail ended up in my spam folder.",
        "Stop by any time.",
        "Never heard of you, tell me more.",
        "Hi Sam,\n\nplease contact me by phone.\n\nBest regards",
        "Please text me instead.",
        "Bitte kontaktieren Sie mich.",
        "Könnten Sie mich bitte telefonisch kontaktieren?",
        "Nehmen Sie mich bitte in Ihren Verteiler auf.",
        "Bitte mehr Informationen.",
        "Merci de me contacter par téléphone.",
        "Ajoutez-moi à votre liste, merci.",
        "Por favor contácteme por teléfono.",
        "Inclúyame en su lista de correo.",
        "Mi contatti telefonicamente per favore.",
        "Por favor me contate por telefone.",
        "Neem contact met mij op, alstublieft.",
    ],
)
def test_who_asks_to_be_contacted_does_not_opt_out(text: str):
    assert contact_requests.asks_for_contact(text)
    assert classified(text).label in GOES_ON


def test_an_opt_out_that_the_model_sees_in_such_a_request_is_for_a_human(monkeypatch: pytest.MonkeyPatch):
    sees = Assessment("opt_out", {"opt_out": 0.99, "other": 0.001}, "because", 1.0, 20)
    monkeypatch.setattr(model_labels, "assess", lambda *_, **__: sees)
    assert classified("Goodbye then.").label == "opt_out"
    found = classified("Please contact me at the depot.")
    assert (found.label, found.needs_human) == ("other", True)


@pytest.mark.parametrize(
    "text",
    [
        *FOR_EVER,
        "Contact me again and you will hear from our lawyer.",
        "Who told you to contact me?",
        "Spam. Bloqué.",
        "Next time you write to me I will complain.",
        "Warum schreiben Sie mir?",
    ],
)
def test_who_refuses_or_threatens_asks_for_nothing(text: str):
    assert not contact_requests.asks_for_contact(text)
    assert not contact_requests.asks_for_another_channel(text)
    assert not contact_requests.waits_for_a_day(text)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Please don't email me again before May.", "2026-05-01"),
        ("Don't email me again until June.", "2026-06-01"),
        ("Please don't contact us before Q3.", "2026-07-01"),
        ("Bitte kontaktieren Sie mich nicht vor Juni.", "2026-06-01"),
        ("Bitte keine weiteren Mails bis September.", "2026-09-01"),
        ("Bitte schreiben Sie mir nicht vor dem 1. Mai.", "2026-05-01"),
        ("Ne me contactez plus avant septembre.", "2026-09-01"),
        ("No me escriban más hasta septiembre, por favor.", "2026-09-01"),
        ("Non mi contatti più prima di settembre.", "2026-09-01"),
        ("Não me contactem mais antes de outubro, por favor.", "2026-10-01"),
        ("Neem voor september geen contact meer met mij op.", "2026-09-01"),
    ],
)
def test_not_before_a_day_is_later(text: str, until: str):
    assert classified(text).label == "later"
    assert label_details.details_of("later", text, None, date(2026, 3, 10)) == {"later_until": until}


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("Don't call me, email me the pricing.", "email"),
        ("Please don't call me, just email the details.", "email"),
        ("Never text me, use this email. What's the price?", "email"),
        ("Please stop texting, email works better for me. I'd like a demo.", "email"),
        ("dont text me, email me please", "sms"),
        ("Bitte keine Anrufe, schicken Sie mir die Unterlagen per Mail.", "email"),
        ("Rufen Sie mich bitte nicht an, schreiben Sie mir eine E-Mail.", "email"),
        ("Ne m'appelez pas, envoyez-moi un mail.", "email"),
        ("No me llamen, envíenme la información por correo.", "email"),
        ("Non chiamatemi, mandatemi una mail con i prezzi.", "email"),
        ("Não me ligue, mande por e-mail.", "email"),
        ("Bel me niet, stuur een mail met de details.", "email"),
    ],
)
def test_one_channel_for_the_other_closes_no_lead(text: str, channel: str):
    assert contact_requests.asks_for_another_channel(text)
    assert classified(text, channel).label in GOES_ON
