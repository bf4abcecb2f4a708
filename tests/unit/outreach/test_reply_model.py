"""The reply model: what it knows of replies that it never saw, that it is made anew, and how fast it is."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from services.outreach.replies import rules, training
from services.outreach.replies.rules import automatic_replies, model_labels, new_text, opt_outs, reply_features
from services.outreach.replies.rules.packed_arrays import packed, unpacked
from services.outreach.replies.rules.reply_model import GROUP_WEIGHTS, Model, reading_of, shipped_model
from services.outreach.replies.training import adaptation
from tests.processor_time import processor_seconds

ROWS = training.rows_in()


def classified(body: str, channel: str = "email", **headers: str) -> rules.Classification:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return rules.classify(channel, named, new_text.NewText(body, body))


def label(body: str, channel: str = "email", **headers: str) -> str:
    return classified(body, channel, **headers).label


def test_a_model_of_a_few_replies_labels_others_better_than_chance():
    some = ROWS[::70]
    held_out = some[::4]
    known = [row for number, row in enumerate(some) if number % 4]
    model = training._trained(training.read(known), [row.label for row in known], 1.0)
    guessed = training.labels_of([model.margins(reading) for reading in training.read(held_out)])
    right = sum(guess == row.label for guess, row in zip(guessed, held_out, strict=True))
    assert right >= 3 * len(held_out) / len({row.label for row in ROWS})


def test_the_same_replies_give_the_same_bytes():
    some = ROWS[::400]
    assert training.train(some).to_bytes() == training.train(some).to_bytes()


def test_models_are_alike_that_differ_by_rounding_only():
    model = shipped_model()
    flipped = model.weights.copy()
    flipped[5, 3] += 1 if flipped[5, 3] < 100 else -1
    another = model.weights.copy()
    another[5, 3] += 2 if another[5, 3] < 100 else -2
    assert training.alike(model, replace(model, weights=flipped, scales=model.scales * np.float32(1.00001)))
    weak = int(np.flatnonzero(abs(model.weights.astype(int)).max(axis=1) == 1)[0])
    rows = {name: np.delete(getattr(model, name), weak, axis=0) for name in ("numbers", "idf", "weights")}
    assert training.alike(model, replace(model, **rows)) and training.alike(replace(model, **rows), model)
    rows = {name: np.delete(getattr(model, name), 5, axis=0) for name in ("numbers", "idf", "weights")}
    assert abs(model.weights[5].astype(int)).max() > 1 and not training.alike(model, replace(model, **rows))
    assert not training.alike(model, replace(model, weights=another))
    assert not training.alike(model, replace(model, scales=model.scales * np.float32(1.001)))
    assert not training.alike(model, replace(model, numbers=model.numbers + np.uint32(1)))


def test_a_tenants_model_knows_its_words_and_keeps_what_it_knew():
    rows = [
        training.LabelledReply(f"The {animal} are {where}.", "Re: x", "email", label)
        for animal in ("goats", "sheep", "cows", "ducks", "hens")
        for where, label in (("grazing beyond the hill", "interested"), ("all down in the barn", "later"))
    ]
    model = adaptation.adapted(shipped_model(), rows)
    assert np.array_equal(model.weights, adaptation.adapted(shipped_model(), rows).weights)
    for text, label in (
        ("The llamas are grazing beyond the hill.", "interested"),
        ("Never write to me again.", "opt_out"),
    ):
        probabilities = model.probabilities(reading_of(text, "Re: x", "email"))
        assert max(probabilities, key=lambda each: probabilities[each]) == label


def test_the_shipped_weights_are_those_that_were_measured():
    assert hashlib.sha256(training.SHIPPED.read_bytes()).hexdigest() == SHIPPED_HASH


def test_the_shipped_files_are_under_ten_megabytes():
    assert sum(path.stat().st_size for path in training.SHIPPED.parent.glob("*.bin")) < 10_000_000


def test_a_saved_model_is_the_same_model(tmp_path: Path):
    path = tmp_path / "model.bin"
    shipped_model().save(path)
    loaded = Model.load(path)
    reading = reading_of("Send me the offer", "Re: pumps", "email")
    assert loaded.probabilities(reading) == shipped_model().probabilities(reading)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="packed arrays"):
        Model.load(path)
    path.write_bytes(packed({}, {"labels": ["yes", "no"], "sharpness": 1.0}))
    with pytest.raises(ValueError, match="other labels"):
        Model.load(path)


def test_packed_arrays_come_back_as_they_were():
    arrays, about = unpacked(packed({"a": np.array([[1, -2]], np.int8)}, {"word": "ü"}))
    assert arrays["a"].tolist() == [[1, -2]]
    assert about == {"word": "ü"}


def test_the_groups_of_features_are_those_that_have_a_weight():
    assert list(reply_features.features_of("Hello?", "Re: x", "email")) == list(GROUP_WEIGHTS)


def test_a_reply_is_labelled_within_a_few_milliseconds():
    texts = [row.text for row in ROWS[::300]]
    label(texts[0])
    assert processor_seconds(lambda: [label(text) for text in texts]) / len(texts) < 0.08


def test_a_text_of_200_kilobytes_costs_little_more():
    label("warm")
    for text in ("stop " * 40_000, "x" * 200_000, "a. " * 66_000, " " * 200_000, "\n" * 200_000, "Reply to " * 22_000):
        assert processor_seconds(partial(label, text), enough=0.5) < 0.5, text[:10]


@pytest.mark.parametrize(
    "word",
    """STOP|Stop.|stop!!!|STOPALL|STOP ALL|Stop-All|UNSUBSCRIBE|Unsubscribe please|CANCEL|END|QUIT|REVOKE|OPTOUT|OPT OUT
    |opt-out|ARRET|ARRÊT|arrêtez svp|PARE|BAJA|baja por favor|SALIR|SAIR|ＳＴＯＰ|STOP 🙏|🛑 stop 🛑|STOP STOP STOP
    |Stop thanks|pls stop|stop texting|ABMELDEN|stopp bitte|afmelden aub|basta grazie|STOP, UNSUBSCRIBE|hi stop
    |stop mate""".split("|"),
)
def test_an_sms_of_nothing_but_a_stop_word_and_politeness_is_final(word: str):
    found = classified(word.strip(), "sms")
    assert (found.label, found.stop_word, found.method) == ("opt_out", True, "rules")


@pytest.mark.parametrize(
    "text",
    [
        "We have got to STOP this bill going up, what would yours be?",
        "Stop by on Thursday at ten",
        "Can I stop and start the plan over winter?",
        "END of month works, say the 29th at noon",
        "We want to cancel the old contract with them and switch, send the offer",
        "How do our customers unsubscribe from the texts?",
        "Don't quit on us, send the quote again please",
    ],
)
def test_a_stop_word_about_something_else_does_not_stop(text: str):
    found = classified(text, "sms")
    assert not found.stop_word
    assert found.label != "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "Lose my number.",
        "If I hear from you again you'll hear from my lawyer.",
        "Please erase everything that you hold about me under the GDPR and confirm it.",
        "Bitte vergessen Sie diese Adresse, ich möchte nichts mehr bekommen.",
        "Merci de ne plus jamais m'écrire.",
        "No quiero recibir nada más de ustedes.",
        "Não quero mais receber mensagens vossas.",
        "Haal mij van de lijst.",
        "Non voglio più ricevere le vostre mail.",
    ],
)
def test_an_opt_out_without_a_stop_word_is_one(text: str):
    found = classified(text)
    assert (found.label, found.stop_word) == ("opt_out", False)


def test_machine_headers_are_judged_before_words():
    absence = "I am out of the office until Monday. Unsubscribe me if this is a newsletter."
    assert label(absence, auto_submitted="auto-replied") == "out_of_office"
    assert label("STOP", auto_submitted="auto-replied") != "opt_out"


@pytest.mark.parametrize(
    "headers",
    [
        {"precedence": "bulk"},
        {"x_auto_response_suppress": "All"},
        {"list_id": "<help.example>"},
        {"precedence": "list"},
    ],
)
def test_a_person_who_writes_through_a_help_desk_is_a_person(headers: dict[str, str]):
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    assert not automatic_replies.is_automatic(named)
    assert automatic_replies.source_of("email", named) in ("software", "a list")
    assert label("Yes, please send us the quote for ten licences.", **headers) == "interested"
    assert label("STOP", **headers) == "opt_out"


def an_assessment(label: str, probability: float) -> model_labels.Assessment:
    rest = dict.fromkeys(("other", "interested", "opt_out", "moved_company", "auto_reply"), 0.001)
    return model_labels.Assessment(label, rest | {label: probability}, "because", 1.0, length=20)


@pytest.mark.parametrize(
    ("found", "probability", "by_a_person", "on_a_list"),
    [("auto_reply", 0.5, "auto_reply", "other"), ("moved_company", 0.6, "moved_company", "other")],
)
def test_what_list_software_sent_needs_more(
    found: str, probability: float, by_a_person: str, on_a_list: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(model_labels, "assess", lambda *_, **__: an_assessment(found, probability))
    assert label("Some text or other.") == by_a_person
    assert label("Some text or other.", precedence="bulk") == on_a_list
    assert classified("Some text or other.", list_id="<dev.example>").needs_human


def test_a_label_that_ends_the_road_names_the_sentence_for_it():
    text = "Hello Ann,\nthe weather is fine here.\nPeter has left the company in May.\nGood luck with the fair!"
    found = classified(text)
    assert (found.label, found.because) == ("moved_company", "Peter has left the company in May.")


def test_without_a_sentence_for_it_no_road_ends(monkeypatch: pytest.MonkeyPatch):
    text = "Hello Ann. Peter has left the company in May."
    assert label(text) == "moved_company"
    monkeypatch.setattr(model_labels, "sentence_for", lambda *_: ("", 0.05))
    assert (classified(text).label, classified(text).needs_human) == ("other", True)


@pytest.mark.parametrize(
    "text",
    [
        "We are not happy with our vendor, send me your prices.",
        "I'm not happy with the old system, so yes, send the details.",
    ],
)
def test_not_happy_with_somebody_is_no_farewell(text: str):
    assert label(text) not in ("moved_company", "declined", "opt_out", "wrong_person")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes please", "interested"),
        ("nein danke", "declined"),
        ("Not now, thanks", "later"),
        ("Wrong number, sorry", "wrong_person"),
        ("Yes?", None),
    ],
)
def test_a_plain_word_is_an_answer(text: str, expected: str | None):
    assert rules.short_answers.label(text) == expected


def test_a_reaction_that_repeats_our_message_says_nothing():
    assert label("Liked “Can we talk? Reply STOP to opt out”", "sms") == "other"
    assert opt_outs.repeats_our_message("Reacted 👍 to “Shall I send the offer?”")


def test_the_method_says_who_gave_the_label():
    assert classified("Stop").method == "rules"
    assert classified("What does the small one cost, and is delivery included?").method == "model"


SHIPPED_HASH = "2ece52cb767b2387e1394221bf9d3a60c6a7df32d227bc7337ec11d19464ad8b"
