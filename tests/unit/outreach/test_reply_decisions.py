"""The order of decisions on an opt-out: what words, model, length and list headers need of each other."""

import pytest

from services.outreach.replies import rules
from services.outreach.replies.rules import model_labels, new_text
from services.outreach.replies.rules.model_labels import Assessment


def assessed(label: str, probability: float, **others: float) -> Assessment:
    rest = dict.fromkeys(("other", "interested", "opt_out", "declined"), 0.001) | others
    return Assessment(label, rest | {label: probability}, "because", True)


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
        (0.13, 0.0, "opt_out", False),
        (0.01, 0.6, "opt_out", False),
        (0.01, 0.2, "other", True),
        (0.01, 0.0, "interested", False),
    ],
)
def test_words_need_little_and_are_never_passed_over_in_silence(model, probability, alone, label, human):
    model(assessed("interested", 0.8, opt_out=probability), alone)
    found = classified("Lovely! But do take me off the list, friend.")
    assert (found.label, found.needs_human) == (label, human)


@pytest.mark.parametrize(
    ("text", "probability", "label"),
    [
        ("Goodbye then.", 0.6, "opt_out"),
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


def test_no_road_ends_by_a_text_that_is_perhaps_no_reply(model):
    model(assessed("declined", 0.6, other=0.1))
    assert classified("We shall not.").label == "declined"
    model(assessed("declined", 0.6, other=0.3))
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
