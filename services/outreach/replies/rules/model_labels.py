"""The label that the reply model gives, when it is sure enough, and the sentence that the label relies on."""

import re
from dataclasses import dataclass

from services.outreach.replies.rules import reply_model
from services.outreach.replies.rules.reply_model import Model

ENDS_THE_ROAD = frozenset({"opt_out", "moved_company", "declined", "wrong_person"})
"""Labels after which nothing is sent any more: they need a sentence that says so."""
SURE = 0.22
"""The least probability of a label, of one that ends the road, and of one that does so in a mail that a list or a help
desk sent; below it a human labels the reply."""
SURE_OF_AN_END = 0.45
SURE_ON_A_LIST = 0.85
PERHAPS_ORDINARY = 0.20
"""No road ends by a text that is so probably none of our replies at all."""
SENTENCE_SURE = 0.35
"""How probable a label has to be by its sentence alone, too: a text as a whole may look like anything."""
SENTENCES = 16
TRIED = 3
"""Sentences of a text that are looked at for the evidence, and of those the ones that the whole model reads."""

_SENTENCE = re.compile(r"[^.!?\n]{1,400}[.!?]{0,3}")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the model says of a text: its label, how probable each label is, and the sentence with the most evidence.

    `supported`: the sentence says the same by itself.
    """

    label: str
    probabilities: dict[str, float]
    because: str
    supported: bool

    @property
    def probability(self) -> float:
        """How probable the label is."""
        return self.probabilities[self.label]

    def sure(self, *, on_a_list: bool) -> bool:
        """Whether the label may stand without a human. `on_a_list`: list or help desk software sent the mail."""
        if self.label not in ENDS_THE_ROAD:
            return self.probability >= SURE
        if self.probabilities["other"] > PERHAPS_ORDINARY:
            return False
        return self.supported and self.probability >= (SURE_ON_A_LIST if on_a_list else SURE_OF_AN_END)


def assess(text: str, subject: str, channel: str, model: Model, among: tuple[str, ...] = ()) -> Assessment:
    """What the model says of the writer's own words. `among`: the only labels that are possible; all where empty."""
    probabilities = model.probabilities(reply_model.reading_of(text, subject, channel))
    possible = among or tuple(probabilities)
    label = max(possible, key=lambda each: probabilities[each])
    total = sum(probabilities[each] for each in possible)
    shares = {each: probabilities[each] / total for each in possible}
    because, supported = text.strip()[:200], True
    if label in ENDS_THE_ROAD:
        because, by_itself = sentence_for(model, label, text, channel)
        supported = by_itself >= SENTENCE_SURE
    elif label == "question":
        because = next((each for each in _sentences(text) if each.endswith("?")), because)[:200]
    return Assessment(label, {**dict.fromkeys(probabilities, 0.0), **shares}, because, supported)


def sentence_for(model: Model, label: str, text: str, channel: str) -> tuple[str, float]:
    """The sentence that speaks most for a label, and how probable the label is by this sentence alone."""
    sentences = _sentences(text)
    sentences = sentences[: SENTENCES // 2] + sentences[SENTENCES // 2 :][-SENTENCES // 2 :]
    if len(sentences) > TRIED:
        sentences = sorted(sentences, key=lambda sentence: -model.evidence(sentence)[label])[:TRIED]
    found = [
        (model.probabilities(reply_model.reading_of(sentence, "", channel))[label], sentence[:200])
        for sentence in sentences
    ]
    probability, sentence = max(found, default=(0.0, text.strip()[:200]), key=lambda each: each[0])
    return sentence, probability


def _sentences(text: str) -> list[str]:
    """The sentences at the beginning of a text that have letters."""
    found = (hit.group(0).strip() for hit in _SENTENCE.finditer(text[:6_000]))
    return [sentence for sentence in found if any(map(str.isalpha, sentence))]


def sentence_with(words: str, text: str) -> str:
    """The sentence in which these words stand; "" where they go over more than one."""
    return next(
        (hit.group(0) for hit in _SENTENCE.finditer(text[:6_000]) if words in " ".join(hit.group(0).split())), ""
    )
