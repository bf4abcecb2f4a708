"""The reply model: how probable each label of a reply is, by its words and its sentence vector.

A linear model: each feature (`reply_features.py`) and each number of the sentence vector (`sentence_vectors.py`) has a
weight for each label. It runs offline, and its file (`weights/reply_model.bin`) is plain arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import log
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from services.outreach.replies.rules.packed_arrays import packed, unpacked
from services.outreach.replies.rules.reply_features import features_of, words_of
from services.outreach.replies.rules.sentence_vectors import Vector, encoder

MODEL_LABELS = (
    "auto_reply",
    "declined",
    "interested",
    "later",
    "meeting_request",
    "moved_company",
    "opt_out",
    "other",
    "out_of_office",
    "question",
    "wrong_person",
    "ordinary",
)
"""What the model tells apart. `ordinary` is text that answers nobody, such as a list's mail; its label is `other`."""
GROUP_WEIGHTS = {"word": 1.0, "part": 1.0, "concept": 0.7, "form": 0.5}
GREATEST_WEIGHT = 0.7
"""The length of each part of what the model reads, chosen by cross-validation. The first half of the sentence vector
has the length 1 less what is common to all texts, the second half this one."""
IDF_STEP = 20.0
"""An idf is kept as a whole number of twentieths."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model reads of one reply: features (number, 1 + log of the count, group), and the sentence vector."""

    numbers: NDArray[np.uint32]
    counts: NDArray[np.float32]
    groups: NDArray[np.uint8]
    vector: Vector


def reading_of(text: str, subject: str, channel: str) -> Reading:
    """What the model reads of a reply. `text`: the writer's own words."""
    groups = features_of(text, subject, channel)
    numbers = [number for each in groups.values() for number in each]
    counts = [1.0 + log(count) if count > 1 else 1.0 for each in groups.values() for count in each.values()]
    which = np.repeat(np.arange(len(groups), dtype=np.uint8), [len(each) for each in groups.values()])
    return Reading(np.array(numbers, np.uint32), np.array(counts, np.float32), which, encoder().vector_of(text))


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model. `numbers`: the features that count, in order; a row of `weights` and of `idf` for each."""

    numbers: NDArray[np.uint32]
    idf: NDArray[np.uint8]
    weights: NDArray[np.int8]
    vector_weights: NDArray[np.int8]
    vector_mean: NDArray[np.float32]
    scales: NDArray[np.float32]
    """Of the weights, of the vector's weights, and the biases, for each label."""
    sharpness: float
    """How much a margin says, so that the probabilities are right on texts that the model does not know."""
    _vector_weights: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_vector_weights", self.vector_weights.astype(np.float32))

    def probabilities(self, reading: Reading) -> dict[str, float]:
        """How probable each label is."""
        found = dict(zip(MODEL_LABELS, _softmax(self.margins(reading) * self.sharpness).tolist(), strict=True))
        found["other"] += found.pop("ordinary")
        return found

    def margins(self, reading: Reading) -> Numbers:
        """How far the reply is on each label's side."""
        rows, values = weighted(reading, self.numbers, self.idf)
        found = (values @ self.weights[rows]) * self.scales[0]
        found += (centred(reading.vector, self.vector_mean) @ self._vector_weights) * self.scales[1] + self.scales[2]
        return cast(Numbers, found.astype(np.float64))

    def evidence(self, sentence: str) -> dict[str, float]:
        """How far the words of a single sentence are on each label's side; nothing else of it counts."""
        numbers = np.array(list(words_of(sentence)), np.uint32)
        zeros = np.zeros(len(numbers), np.uint8)
        reading = Reading(numbers, np.ones(len(numbers), np.float32), zeros, self.vector_mean)
        rows, values = weighted(reading, self.numbers, self.idf)
        margins = (values @ self.weights[rows]) * self.scales[0] + self.scales[2]
        return dict(zip(MODEL_LABELS, margins.tolist(), strict=True))

    def to_bytes(self) -> bytes:
        """The file of this model; the same model gives the same bytes."""
        arrays = {
            name: getattr(self, name)
            for name in ("numbers", "idf", "weights", "vector_weights", "vector_mean", "scales")
        }
        return packed(arrays, {"labels": list(MODEL_LABELS), "sharpness": self.sharpness})

    def save(self, path: Path) -> None:
        """Write the model's file."""
        path.write_bytes(self.to_bytes())

    @staticmethod
    def load(path: Path) -> "Model":
        """The model in a file. Raises ValueError where it is none, or one with other labels."""
        return Model.from_bytes(path.read_bytes())

    @staticmethod
    def from_bytes(data: bytes) -> "Model":
        """The model in the bytes of its file. Raises ValueError where it is none, or one with other labels."""
        arrays, about = unpacked(data)
        if about.get("labels") != list(MODEL_LABELS):
            raise ValueError("the model is about other labels")
        loaded = cast("dict[str, NDArray[Any]]", arrays)
        return Model(**loaded, sharpness=float(cast(float, about["sharpness"])))


@cache
def shipped_model() -> Model:
    """The model that the package ships."""
    return Model.from_bytes((files("services.outreach.replies.rules") / "weights" / "reply_model.bin").read_bytes())


def centred(vector: Vector, mean: Vector) -> Vector:
    """A sentence vector without what is common to all texts, as the model weighs it."""
    sums, greatest = np.split(vector - mean, 2)
    length = float(np.sqrt(np.square(greatest).sum()))
    return np.concatenate([sums, greatest * (GREATEST_WEIGHT / max(length, 1e-9))])


def weighted(
    reading: Reading, numbers: NDArray[np.uint32], idf: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], Numbers]:
    """The rows of the known features of a reply and their values; each group has the length of its weight."""
    rows = np.minimum(np.searchsorted(numbers, reading.numbers), max(0, len(numbers) - 1))
    known = np.flatnonzero(numbers[rows] == reading.numbers) if len(numbers) else np.zeros(0, np.int64)
    rows = rows[known]
    values = reading.counts[known] * (idf[rows] / IDF_STEP)
    groups = reading.groups[known]
    lengths = np.sqrt(np.bincount(groups, values * values, len(GROUP_WEIGHTS)))
    factors = np.array(list(GROUP_WEIGHTS.values())) / np.maximum(lengths, 1e-9)
    return rows, values * factors[groups]


def _softmax(margins: Numbers) -> Numbers:
    raised = np.exp(margins - margins.max())
    return cast(Numbers, raised / raised.sum())


def softmax_rows(margins: Numbers) -> Numbers:
    """The probabilities of many replies, a row each."""
    return np.array([_softmax(row) for row in margins])


def labels_of(margins: Sequence[Numbers]) -> list[str]:
    """The most probable label of each reply."""
    return [
        {"ordinary": "other"}.get(label, label) for row in margins for label in (MODEL_LABELS[int(np.argmax(row))],)
    ]
