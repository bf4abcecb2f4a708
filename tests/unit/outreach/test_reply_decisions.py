"""The order of decisions on an opt-out: what words, model, length and list headers need of each other."""

import pytest

from services.outreach.keys import message_id
from services.outreach.replies import rules
from services.outreach.replies.rules import automatic_replies, model_labels, new_text
from services.outreach.replies.rules.model_labels import Assessment
from shared.ids import uuid7


def assessed(label: str, probability: float, **others: float) -> Assessment:
    rest = dict.fromkeys(("other", "interested", "opt_out", "declined"), 0.001) | others
    return Assessment(label, rest | {label: probability}, "because", 1.0, length=20)


def classified(body: str, **headers: str) -> rules.Classification:
    return rules.classify("email", headers, new_text.NewText(body, body))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch):
    """Lets the model say this of every text; of a single sentence `alone`."""

    def says(assessment: Assessment, alone: float = 0.0) -> None:
        monkeypatch.setattr(model_labels, "assess", lambda *_, **__: assessment)
        monkeypatch.setattr(rules, "_opt_out_alone", lambda *_: alone)

    return says


@pytest.mark.parametrize(
    ("probability", "alone", "label", "human"),
    [
        (0.09, 0.0, "opt_out", False),
        (0.01, 0.4, "opt_out", False),
        (0.01, 0.2, "other", True),
        (0.01, 0.0, "interested", False),
    ],
)
def test_words_need_little_and_are_never_passed_over_in_silence(model, monkeypatch, probability, alone, label, human):
    model(assessed("interested", 0.8, opt_out=probability), alone)
    monkeypatch.setattr(rules, "_opt_out_by_clause", lambda *_: False)
    found = classified("Lovely! But do take me off the list, friend.")
    assert (found.label, found.needs_human) == (label, human)


@pytest.mark.parametrize(
    ("text", "probability", "label"),
    [
        ("Goodbye then.", 0.45, "opt_out"),
        ("Goodbye then. " * 80, 0.6, "other"),
        ("Goodbye then. " * 80, 0.85, "opt_out"),
    ],
)
def test_by_the_model_alone_a_long_text_needs_more(model, text, probability, label):
    model(assessed("opt_out", probability))
    found = classified(text)
    assert (found.label, found.needs_human) == (label, label == "other")


def test_on_a_list_the_model_alone_does_not_opt_out(model):
    model(assessed("opt_out", 0.97))
    assert classified("Goodbye then.").label == "opt_out"
    found = classified("Goodbye then.", **{"list-id": "<x>"})
    assert (found.label, found.needs_human) == ("other", True)
    assert classified("Please take me off the list.", **{"list-id": "<x>"}).label == "opt_out"


def test_a_clause_with_opt_out_words_is_enough_but_not_in_an_absence_note(model):
    text = "You are our competitor, so take us off your mailing list at once before you tell me your prices."
    model(assessed("interested", 0.9))
    assert classified(text).label == "opt_out"
    model(assessed("out_of_office", 0.9))
    assert classified(text).label == "out_of_office"


@pytest.mark.parametrize(
    ("probability", "headers", "label"),
    [
        (0.3, {"subject": "Re: pumps"}, "declined"),
        (0.3, {"subject": "[EXTERNAL] AW: pumps"}, "declined"),
        (0.3, {}, "declined"),
        (0.3, {"subject": "pumps"}, "other"),
        (0.7, {"subject": "pumps"}, "declined"),
        (0.7, {"subject": "Re: [Users] pumps"}, "other"),
        (0.9, {"subject": "Re: [Users] pumps"}, "declined"),
        (0.7, {"subject": "Re: pumps", "precedence": "bulk"}, "other"),
        (0.9, {"subject": "Re: pumps", "precedence": "bulk"}, "declined"),
        (0.99, {"subject": "Re: pumps", "list-id": "<users.example>"}, "other"),
        (0.3, {"list-id": "<sales.example>", "in-reply-to": "<acdefghijklmnopqrstuvwx234@mail.example>"}, "declined"),
    ],
)
def test_the_less_a_mail_answers_us_the_more_it_needs_to_end_a_road(model, probability, headers, label):
    model(assessed("declined", probability))
    found = classified("We shall not.", **headers)
    assert (found.label, found.needs_human) == (label, label == "other")


def test_a_long_answer_needs_more_to_end_a_road(model, monkeypatch):
    monkeypatch.setattr(model_labels, "assess", lambda *_, **__: Assessment("declined", probabilities, "x", 1.0, 500))
    probabilities = dict.fromkeys(("other", "opt_out"), 0.001) | {"declined": 0.4}
    assert classified("We shall not.").needs_human
    probabilities["declined"] = 0.6
    assert classified("We shall not.").label == "declined"


@pytest.mark.parametrize(
    "subject",
    ["[Ticket #12345] Your offer", "Case 4711: pumps", "Vorgang Nr. 2231", "Demande n° 118845", "RE: Case 12"],
)
def test_what_comes_through_a_help_desk_may_be_a_persons(subject):
    assert not automatic_replies.is_automatic({"subject": subject})
    assert classified("Please take me off your list.", subject=subject).label == "opt_out"
    assert classified("Can we talk on Tuesday at ten?", subject=subject).label == "meeting_request"
    if not subject.startswith("RE:"):
        assert automatic_replies.source_of("email", {"subject": subject}) == "software"


@pytest.mark.parametrize("subject", ["Request 12 received", "Ticket #9921 created", "Vorgang Nr. 2231 ist eingegangen"])
def test_what_a_help_desk_says_of_a_ticket_is_a_machines(subject):
    assert automatic_replies.is_automatic({"subject": subject})


@pytest.mark.parametrize("subject", ["Pedido de 12 sillas", "Case studies 2026", "Fall 2026", "Anfrage zu 40 Stühlen"])
def test_a_word_of_help_desks_beside_a_number_is_no_ticket(subject):
    assert automatic_replies.source_of("email", {"subject": subject}) == "a mail"


def test_a_reference_to_a_mail_of_ours_is_known_by_its_form():
    ours = message_id(uuid7(), "mail.example")
    assert automatic_replies.source_of("email", {"references": f"<x@y> <{ours}>", "list-id": "a"}) == "an answer"
    assert automatic_replies.source_of("email", {"references": "<x@y>", "list-id": "a"}) == "a list"


def test_opt_out_words_in_a_mail_that_answers_nobody_are_for_a_human(model):
    model(assessed("other", 0.9, opt_out=0.1), alone=0.9)
    text = "The new version lets everybody unsubscribe from the list."
    assert classified(text, subject="Version 4 is out").needs_human
    assert classified(text, subject="Re: pumps").label == "opt_out"


def test_no_road_ends_by_a_text_that_is_perhaps_no_reply(model):
    model(assessed("declined", 0.6, other=0.05))
    assert classified("We shall not.").label == "declined"
    model(assessed("declined", 0.6, other=0.2))
    assert classified("We shall not.").needs_human


@pytest.mark.parametrize(
    "text",
    [
        "Oh no, please don't take me off! I was on holiday, send the new range.",
        "Keep me on the list, but don't expect much.",
        "Bitte nicht austragen! Ich war nur im Urlaub.",
        "Ne me retirez pas, j'étais en vacances !",
        "¡No me quite, que estaba de vacaciones!",
        "Não me tire não! Eu estava de férias.",
        "Haal me er niet af, ik was op vakantie!",
        "Non mi tolga! Ero in ferie.",
    ],
)
def test_who_asks_to_stay_does_not_opt_out(text):
    assert rules.opt_outs.asks_to_stay(text)
    assert classified(text).label != "opt_out"


def test_what_the_model_calls_other_is_for_a_human(model):
    model(assessed("other", 0.9))
    assert classified("My uncle keeps goats.").needs_human
