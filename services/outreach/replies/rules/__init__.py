"""The label of a reply: machine headers first, then certain words, then the reply model; the rest is for a human."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.outreach.replies.rules import (
    automatic_replies,
    contact_requests,
    line_wraps,
    model_labels,
    new_text,
    opt_outs,
    short_answers,
    ways_out,
    wrong_addresses,
)
from services.outreach.replies.rules.automatic_replies import Source
from services.outreach.replies.rules.model_labels import Assessment
from services.outreach.replies.rules.reply_model import MODEL_LABELS, Model, reading_of, shipped_model

WRONG_ADDRESS_LABELS = frozenset({"wrong_person", "moved_company"})
"""Labels with which "this is not their number" makes the address invalid."""


OPT_OUT_WITH_WORDS = 0.08
OPT_OUT_BY_MODEL = 0.40
OPT_OUT_OF_A_LONG_TEXT = 0.80
OPT_OUT_BY_SOFTWARE = 0.90
OPT_OUT_BY_ITSELF = 0.30
OPT_OUT_BY_CLAUSE = 0.60
"""How probable an opt-out has to be: where words say so too, by the model alone, so in a long text, with words in a
mail that a list or a help desk sent (there the model alone does not do), of the sentence with the words by itself, and
of its part between commas (which an absence note does not count: it may speak of another list)."""
LONG = 800
"""Characters; whoever writes so much and opts out has a word for it."""
PERHAPS_BY_ITSELF = 0.10
"""So probable by itself, a sentence with such words is shown to a human: an opt-out is never passed over in silence."""
PERHAPS_AN_OPT_OUT = "perhaps an opt-out"
OF_A_MACHINE = 0.10
"""How probable a departure has to be by its sentence alone where a machine tells of it."""


@dataclass(frozen=True, slots=True)
class Classification:
    """The label of a reply, how sure it is (0 to 1), and the words that it relies on (`because`).

    `needs_human`: a person has to label the reply. `stop_word`: an SMS that is only a STOP word, which no later label
    retracts. `wrong_address`: the writer says that the address is not the lead's. `method`: who gave the label.
    """

    label: str
    confidence: float
    because: str
    needs_human: bool = False
    stop_word: bool = False
    wrong_address: bool = False
    method: Literal["rules", "model"] = "rules"


def classify(
    channel: str, headers: Mapping[str, str], read: new_text.NewText, model: Model | None = None
) -> Classification:
    """Label a reply. `headers`: names in lower case; `model`: the tenant's own, else the one that is shipped."""
    model = model or shipped_model()
    subject = headers.get("subject", "")
    read = new_text.NewText(line_wraps.unwrapped(read.newest), line_wraps.unwrapped(read.own))
    text = read.newest or read.own
    if automatic_replies.is_automatic(headers):
        return _of_a_machine(channel, subject, text, model)
    word = opt_outs.stop_word(read)
    if word:
        return Classification("opt_out", 0.99, word, stop_word=channel == "sms")
    if by_subject := _by_the_subject(read, subject, model):
        return by_subject
    if not any(map(str.isalnum, text)):
        return _for_a_human("there are no words")
    if opt_outs.repeats_our_message(text):
        return Classification("other", 0.9, text[:200])
    answer = None if opt_outs.opt_out_words(read.own) else short_answers.label(text)
    if answer:
        wrong = answer in WRONG_ADDRESS_LABELS and wrong_addresses.names_wrong_address(text, channel)
        return Classification(answer, 0.9, text, wrong_address=wrong)
    stays = opt_outs.asks_to_stay(read.own)
    possible = tuple(each for each in MODEL_LABELS if each not in ("opt_out", "ordinary")) if stays else ()
    assessment = model_labels.assess(text, subject, channel, model, possible)
    source = automatic_replies.source_of(channel, headers)
    if _has_left_only_the_address(read.own, assessment):
        wrong = wrong_addresses.names_wrong_address(read.own, channel)
        return Classification("wrong_person", 0.9, text[:200], wrong_address=wrong)
    if not stays and (
        found := _less_than_an_opt_out(read.own, assessment, source) or _opt_out(read, assessment, model, source)
    ):
        return found
    by_software = source in ("software", "a list")
    doubtful = by_software and assessment.label == "auto_reply" and assessment.probability < 0.6
    if doubtful or not assessment.sure(source):
        return _for_a_human("the model is not sure", assessment)
    if assessment.label == "other":
        return _for_a_human("it says nothing that has a label of its own", assessment)
    wrong = assessment.label in WRONG_ADDRESS_LABELS and wrong_addresses.names_wrong_address(read.own, channel)
    return _by_the_model(assessment, wrong_address=wrong)


def _by_the_subject(read: new_text.NewText, subject: str, model: Model) -> Classification | None:
    """The opt-out in the subject of a mail that says nothing, or None; a subject with "Re:" is our own."""
    if not subject.strip() or automatic_replies.is_an_answer(subject) or not new_text.is_empty(read):
        return None
    if word := opt_outs.keyword(subject):
        return Classification("opt_out", 0.99, word)
    words = opt_outs.opt_out_words(subject)
    if words and (probability := _probable_opt_out(subject, model)) >= OPT_OUT_BY_ITSELF:
        return Classification("opt_out", round(probability, 3), words)
    return _for_a_human(PERHAPS_AN_OPT_OUT) if words else None


def _has_left_only_the_address(own: str, assessment: Assessment) -> bool:
    """Whether a text says that somebody has given up the number, which the model may take for a departure or worse."""
    if assessment.label not in ("moved_company", "opt_out", "other") or opt_outs.opt_out_words(own):
        return False
    return wrong_addresses.has_left_only_the_address(own)


def _of_a_machine(channel: str, subject: str, text: str, model: Model) -> Classification:
    """An absence, a departure or another automatic reply; no other word of a machine counts."""
    assessment = model_labels.assess(text, subject, channel, model, automatic_replies.MACHINE_LABELS)
    if assessment.label == "moved_company":
        wrong = wrong_addresses.names_wrong_address(text, channel)
        return (
            _by_the_model(assessment, wrong_address=wrong)
            if assessment.by_itself >= OF_A_MACHINE
            else _for_a_human("no sentence says so", assessment)
        )
    return Classification(assessment.label, round(assessment.probability, 3), assessment.because)


def _less_than_an_opt_out(own: str, assessment: Assessment, source: Source) -> Classification | None:
    """What is less than the opt-out that words or model see in it: "not before May", or one channel for the other."""
    words = opt_outs.opt_out_words(own)
    if source != "an answer" or not (words or assessment.label in ("opt_out", "declined")):
        return None
    if sentence := contact_requests.waits_for_a_day(own):
        probability = round(max(assessment.probabilities["later"], 0.5), 3)
        away = assessment.label in automatic_replies.MACHINE_LABELS
        return None if away else Classification("later", probability, sentence[:200])
    return _for_a_human(PERHAPS_AN_OPT_OUT, assessment) if contact_requests.asks_for_another_channel(own) else None


def _opt_out(read: new_text.NewText, assessment: Assessment, model: Model, source: Source) -> Classification | None:
    """An opt-out by words and model together; None where there is none. What is left in doubt is for a human."""
    probability = assessment.probabilities["opt_out"]
    words = opt_outs.opt_out_words(read.own)
    if words and source in ("software", "a list"):
        if probability >= OPT_OUT_BY_SOFTWARE:
            return Classification("opt_out", round(probability, 3), words)
    elif words:
        alone = _opt_out_alone(read.own, words, model)
        enough = probability >= OPT_OUT_WITH_WORDS or alone >= OPT_OUT_BY_ITSELF
        elsewhere = source != "an answer" and assessment.label == "other"
        if not elsewhere and (enough or _opt_out_by_clause(read.own, words, assessment, model)):
            return Classification("opt_out", round(max(probability, alone, 0.5), 3), words)
        if enough or alone >= PERHAPS_BY_ITSELF:
            return _for_a_human(PERHAPS_AN_OPT_OUT, assessment)
    elif contact_requests.asks_for_contact(read.own):
        pass
    elif probability >= (OPT_OUT_OF_A_LONG_TEXT if len(read.own) > LONG else OPT_OUT_BY_MODEL):
        ours = source == "an answer" and assessment.probabilities["other"] <= model_labels.NEEDS[source].other
        if assessment.label != "opt_out" and ours:
            return _by_the_model(assessment, "opt_out")
        if assessment.label == "opt_out" and assessment.ends_the_road(source):
            return _by_the_model(assessment)
    if assessment.label == "opt_out" or (source in ("an answer", "a mail") and ways_out.asks_the_way_out(read.own)):
        return _for_a_human(PERHAPS_AN_OPT_OUT, assessment)
    return None


def _opt_out_alone(text: str, words: str, model: Model) -> float:
    """How probable an opt-out is by the sentence with these words alone, whatever stands around it."""
    return _probable_opt_out(model_labels.sentence_with(words, text), model)


def _opt_out_by_clause(text: str, words: str, assessment: Assessment, model: Model) -> bool:
    """Whether the part of a sentence with these words is an opt-out, in a text that is no absence note."""
    if assessment.label in automatic_replies.MACHINE_LABELS:
        return False
    return _probable_opt_out(model_labels.clause_with(words, text), model) >= OPT_OUT_BY_CLAUSE


def _probable_opt_out(part: str, model: Model) -> float:
    return model.probabilities(reading_of(part, "", "email"))["opt_out"] if part else 0.0


def _by_the_model(assessment: Assessment, label: str | None = None, *, wrong_address: bool = False) -> Classification:
    label = label or assessment.label
    probability = round(assessment.probabilities[label], 3)
    because = assessment.because
    return Classification(label, probability, because, wrong_address=wrong_address, method="model")


def _for_a_human(reason: str, assessment: Assessment | None = None) -> Classification:
    if assessment is None:
        return Classification("other", 0.0, reason, needs_human=True)
    confidence = round(assessment.probabilities["other"], 3)
    because = reason if assessment.label == "other" else f"{reason}: {assessment.label}?"
    return Classification("other", confidence, because, needs_human=True, method="model")
