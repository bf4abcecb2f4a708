"""The label that the reply model gives, when it is sure enough, and the sentence that the label relies on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.outreach.replies.rules import reply_model
from services.outreach.replies.rules.automatic_replies import Source
from services.outreach.replies.rules.reply_model import Model

ENDS_THE_ROAD = frozenset({"opt_out", "moved_company", "declined", "wrong_person"})
"""Labels after which nothing is sent any more: they need a sentence that says so."""
SURE = 0.22
"""The least probability of any label; below it a human labels the reply."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a label that ends the road needs: how probable it is, by the sentence that says most for it alone too (a
    text as a whole may look like anything), and how probable it may be that the text is none of our replies at all."""

    probability: float
    by_itself: float
    other: float


NEEDS: Mapping[Source, Needs] = {
    "an answer": Needs(0.22, 0.10, 0.12),
    "a mail": Needs(0.60, 0.40, 0.05),
    "software": Needs(0.85, 0.50, 0.05),
}
"""By where the text comes from; the post of a list ends no road."""
LONG_ANSWER = 400
LONG_ANSWER_NEEDS = Needs(0.50, 0.35, 0.08)
"""An answer that is longer than so many characters has more sentences in which a chance may say something."""
SENTENCES = 16
TRIED = 3
"""Sentences of a text that are looked at for the evidence, and of those the ones that the whole model reads."""

_SENTENCE = re.compile(r"(?:[^.!?\n]|[.](?=\w)){1,400}[.!?]{0,3}")
"""A full stop within a word, as in an address or a number, ends no sentence."""
_CLAUSE = re.compile(r"[^.!?\n,;:()]{1,400}")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the model says of a text: its label, how probable each label is, and the sentence with the most evidence.

    `by_itself`: how probable the label is by this sentence alone.
    """

    label: str
    probabilities: dict[str, float]
    because: str
    by_itself: float
    length: int
    """Characters of the text."""

    @property
    def probability(self) -> float:
        """How probable the label is."""
        return self.probabilities[self.label]

    def sure(self, source: Source) -> bool:
        """Whether the label may stand without a human."""
        if self.label not in ENDS_THE_ROAD:
            return self.probability >= SURE
        return self.ends_the_road(source)

    def ends_the_road(self, source: Source) -> bool:
        """Whether a label that ends the road has what it needs."""
        needs = NEEDS.get(source)
        if needs is None:
            return False
        if source == "an answer" and self.length > LONG_ANSWER:
            needs = LONG_ANSWER_NEEDS
        enough = self.probability >= needs.probability and self.by_itself >= needs.by_itself
        return enough and self.probabilities["other"] <= needs.other


def assess(text: str, subject: str, channel: str, model: Model, among: tuple[str, ...] = ()) -> Assessment:
    """What the model says of the writer's own words. `among`: the only labels that are possible; all where empty."""
    probabilities = model.probabilities(reply_model.reading_of(text, subject, channel))
    possible = among or tuple(probabilities)
    label = max(possible, key=lambda each: probabilities[each])
    total = sum(probabilities[each] for each in possible)
    shares = {each: probabilities[each] / total for each in possible}
    because, by_itself = text.strip()[:200], 1.0
    if label in ENDS_THE_ROAD:
        sentences = _sentences(text)
        if len(sentences) > 1:
            because, by_itself = sentence_for(model, label, sentences, channel)
    elif label == "question":
        because = next((each for each in _sentences(text) if each.endswith("?")), because)[:200]
    return Assessment(label, {**dict.fromkeys(probabilities, 0.0), **shares}, because, by_itself, len(text))


def sentence_for(model: Model, label: str, sentences: Sequence[str], channel: str) -> tuple[str, float]:
    """The sentence that speaks most for a label, and how probable the label is by this sentence alone."""
    sentences = [*sentences[: SENTENCES // 2], *sentences[SENTENCES // 2 :][-SENTENCES // 2 :]]
    if len(sentences) > TRIED:
        sentences = sorted(sentences, key=lambda sentence: -model.evidence(sentence)[label])[:TRIED]
    found = [
        (model.probabilities(reply_model.reading_of(sentence, "", channel))[label], sentence[:200])
        for sentence in sentences
    ]
    probability, sentence = max(found, key=lambda each: each[0])
    return sentence, probability


def _sentences(text: str) -> list[str]:
    """The sentences at the beginning of a text that have letters."""
    found = (hit.group(0).strip() for hit in _SENTENCE.finditer(text[:6_000]))
    return [sentence for sentence in found if any(map(str.isalpha, sentence))]


def sentence_with(words: str, text: str) -> str:
    """The sentence in which these words stand; "" where they go over more than one."""
    return _part_with(words, text, _SENTENCE)


def clause_with(words: str, text: str) -> str:
    """The part of a sentence, between commas, in which these words stand; "" where they go over more than one."""
    return _part_with(words, text, _CLAUSE)


def _part_with(words: str, text: str, parts: re.Pattern[str]) -> str:
    found = (hit.group(0) for hit in parts.finditer(text[:6_000]))
    return next((part for part in found if words in " ".join(part.split())), "")
