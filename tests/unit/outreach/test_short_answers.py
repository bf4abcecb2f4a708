"""A reply of a few plain words: interest, the lack of it, and what only looks like either."""

import pytest

from services.outreach.replies import rules
from services.outreach.replies.rules import new_text


@pytest.mark.parametrize(
    "text",
    [
        "Interested",
        "I'm interested",
        "Hi Sam, I'm very interested.",
        "Hello,\n\nI am interested.\n\nBest regards,\nDana",
        "We would be interested in this.",
        "Sounds good",
        "This sounds interesting.",
        "Very interesting, thanks!",
        "Yes, we're interested",
        "Ich habe Interesse.",
        "Wir sind sehr interessiert",
        "Hallo Herr Reed,\n\ndas hört sich gut an.\n\nViele Grüße\nDana Lee",
        "Je suis intéressée",
        "Ça m'intéresse, merci",
        "Nous serions intéressés par votre offre.",
        "Me interesa",
        "Estoy interesado en su oferta.",
        "Suena bien, gracias",
        "Sono interessata",
        "Siamo interessati alla vostra proposta.",
        "Ik heb interesse",
        "Wij zijn geïnteresseerd.",
        "Tenho interesse",
        "Estou muito interessado",
    ],
)
def test_plain_interest_is_interest(text: str):
    assert rules.short_answers.label(text) == "interested"


@pytest.mark.parametrize(
    "text",
    [
        "Not interested",
        "Thanks, not interested",
        "Thank you, but we're not interested.",
        "No, I'm not interested in this",
        "Hi Sam,\n\nnot interested, sorry.\n\nBest\nDana",
        "We are no longer interested.",
        "Danke, kein Interesse.",
        "Ich bin nicht interessiert",
        "Nein, wir haben leider kein Interesse",
        "Pas intéressé, merci",
        "Nous ne sommes pas intéressés par votre offre.",
        "No me interesa",
        "No, no estamos interesados.",
        "Non interessato",
        "Non siamo più interessati, grazie",
        "Sem interesse",
        "Não estou interessada",
        "Geen interesse, dank u",
        "Ik ben niet geïnteresseerd.",
    ],
)
def test_plain_lack_of_interest_declines(text: str):
    assert rules.short_answers.label(text) == "declined"


@pytest.mark.parametrize(
    "text",
    [
        "Interested?",
        "No, I'm interested",
        "Yes, not interested",
        "He is not interested",
        "My colleague is interested",
        "Interested, but not now",
        "Not interested before May",
        "I'm not sure I am interested",
        "I might be interested",
        "Doesn't sound good",
        "Interest rates",
        "Not only interested",
        "Interesse hat mein Chef",
        "No, sounds good",
    ],
)
def test_words_that_could_change_it_leave_it_to_the_model(text: str):
    assert rules.short_answers.label(text) is None


def test_a_postscript_that_opts_out_beats_a_short_answer():
    body = "Not interested.\n\nBest,\nDana Lee\n\nP.S. Please take me off your list."
    read = new_text.extract(body)
    assert rules.short_answers.label(read.newest) == "declined"
    assert rules.classify("email", {"subject": "Re: pumps"}, read).label == "opt_out"
