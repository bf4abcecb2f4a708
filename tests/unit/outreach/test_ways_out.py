"""The question how to get off the list is an opt-out, or a human looks at it; how others leave is a question."""

import pytest

from services.outreach.replies import rules
from services.outreach.replies.rules import new_text, ways_out


def classified(text: str) -> rules.Classification:
    return rules.classify("email", {"subject": "Re: pumps"}, new_text.NewText(text, text))


@pytest.mark.parametrize(
    "text",
    [
        "How do I unsubscribe?",
        "Where do I unsubscribe?",
        "Where is the unsubscribe button?",
        "When will you stop writing to me?",
        "Can I get removed from this list?",
        "Would it be possible to be removed?",
        "Hi Sam,\nhow do I opt out?\nThanks",
        "Why do you keep mailing me?",
        "Is there a way to not get these?",
        "Wie kann ich mich abmelden?",
        "Wo kann ich mich hier abmelden?",
        "Wie melde ich mich ab?",
        "Comment se désinscrire ?",
        "Où est le lien de désinscription ?",
        "¿Cómo me doy de baja?",
        "¿Cómo cancelo la suscripción?",
        "Come faccio a cancellarmi?",
        "Come mi cancello dalla lista?",
        "Como cancelo a minha inscrição?",
        "Como me descadastro?",
        "Hoe kan ik me uitschrijven?",
        "Hoe meld ik me af?",
    ],
)
def test_who_asks_the_way_out_is_never_passed_over(text: str):
    found = classified(text)
    assert ways_out.asks_the_way_out(text)
    assert found.label == "opt_out" or found.needs_human


@pytest.mark.parametrize(
    "text",
    [
        "How do your customers unsubscribe?",
        "What happens when a user unsubscribes?",
        "Is the unsubscribe link included in the basic plan?",
        "Kann ich das monatlich abbestellen?",
        "Wie melden sich Ihre Kunden ab?",
        "Comment vos clients se désabonnent-ils ?",
        "¿Puedo darme de baja al mes sin penalización?",
        "Como é que os clientes saem da lista?",
        "Hoe melden uw klanten zich af?",
        "What does it cost?",
    ],
)
def test_how_others_or_contracts_end_is_a_question(text: str):
    assert not ways_out.asks_the_way_out(text)
    assert classified(text).label == "question"


def test_in_the_mail_of_a_list_nobody_asks_us():
    text = "Where is the unsubscribe button?"
    assert rules.classify("email", {"list-id": "<x>"}, new_text.NewText(text, text)).label != "opt_out"
