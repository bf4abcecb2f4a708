"""Training of the reply model: from labelled replies to its weights, the same bytes each time on the same machine.

`python -m services.outreach.replies.training` trains the shipped model anew from `data/replies`; with `--check` it only
says whether the shipped file is what comes out, but for rounding. It takes about two minutes, needs numpy and nothing
else, and runs in the service's container too.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.outreach.replies.rules.reply_model import (
    GROUP_WEIGHTS,
    IDF_STEP,
    MODEL_LABELS,
    Model,
    Numbers,
    Reading,
    centred,
    labels_of,
    reading_of,
    softmax_rows,
    weighted,
)
from services.outreach.replies.rules.sentence_vectors import Vector

DATA = Path(__file__).resolve().parents[4] / "data" / "replies"
SHIPPED = Path(__file__).resolve().parents[1] / "rules" / "weights" / "reply_model.bin"
CLASSES = len(MODEL_LABELS)
FOLDS = 5
COST = 0.8
"""What an error costs beside the size of the weights; best by cross-validation of a tenth to 1.6."""
SHARPNESS = 3.75
"""How much a margin says (see `Model.sharpness`), as `_sharpness` found it by cross-validation."""
ROUNDS = 10
"""How often each reply is looked at; the weights change little afterwards."""
SEEN_IN = {"word": 2, "part": 3, "concept": 2, "form": 2}
"""In how many replies a feature has to occur to count."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of features and of the sentence vector, and the biases: a column for each label."""

    features: Numbers
    vector: Numbers
    bias: Numbers


@dataclass(frozen=True, slots=True)
class LabelledReply:
    """A reply and its label. `text`: the writer's own words; `subject` is "" for an SMS."""

    text: str
    subject: str
    channel: str
    label: str
    lang: str = ""
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What cross-validation says: each reply judged by a model that did not know it."""

    macro_f1: float
    hard_macro_f1: float
    f1_by_label: dict[str, float]
    f1_by_language: dict[str, float]
    predicted: list[str]
    probabilities: Numbers


def rows_in(folder: Path = DATA, pattern: str = "*.jsonl") -> list[LabelledReply]:
    """The labelled replies in the files of a folder, in the order of names and lines."""
    return [
        LabelledReply(
            row["text"], row.get("subject") or "", row["channel"], row["label"], row.get("lang", ""), row["hard"]
        )
        for path in sorted(folder.glob(pattern))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]


def shipped_rows() -> list[LabelledReply]:
    """What the shipped model is trained on: the replies, and ordinary text that answers nobody."""
    ordinary = DATA / "ordinary"
    return rows_in() + rows_in(ordinary, "documentation.jsonl") + rows_in(ordinary, "??.jsonl")


def read(rows: Iterable[LabelledReply]) -> list[Reading]:
    """What the model reads of each reply."""
    return [reading_of(row.text, row.subject, row.channel) for row in rows]


def train(rows: Sequence[LabelledReply], readings: Sequence[Reading] | None = None) -> Model:
    """The model of these replies. The same replies in the same order give the same model."""
    readings = read(rows) if readings is None else readings
    return _trained(readings, [row.label for row in rows], SHARPNESS)


def alike(one: Model, other: Model) -> bool:
    """Whether two models are the same but for rounding, in which processors differ: by 1 in a weight, by 1e-4 else.

    A feature without any weight is not in a model, so a weight of 1 may be missing with its feature.
    """
    _, of_one, of_other = np.intersect1d(one.numbers, other.numbers, assume_unique=True, return_indices=True)
    weights = (
        one.weights[of_one].astype(int) - other.weights[of_other],
        np.delete(one.weights, of_one, axis=0),
        np.delete(other.weights, of_other, axis=0),
        one.vector_weights.astype(int) - other.vector_weights,
    )
    return (
        one.sharpness == other.sharpness
        and np.array_equal(one.idf[of_one], other.idf[of_other])
        and all(abs(each).max(initial=0) <= 1 for each in weights)
        and np.allclose(one.vector_mean, other.vector_mean, rtol=1e-4, atol=1e-6)
        and np.allclose(one.scales, other.scales, rtol=1e-4, atol=1e-6)
    )


def cross_validated(rows: Sequence[LabelledReply], readings: Sequence[Reading] | None = None) -> Figures:
    """How well models that are trained on four fifths of the replies label the rest."""
    labels = [row.label for row in rows]
    margins = _margins_by_folds(read(rows) if readings is None else readings, labels)
    predicted = labels_of(list(margins))
    replies = [number for number, label in enumerate(labels) if label != "ordinary"]
    hard = [number for number, row in enumerate(rows) if row.hard]
    return Figures(
        macro_f1([labels[n] for n in replies], [predicted[n] for n in replies]),
        macro_f1([labels[n] for n in hard], [predicted[n] for n in hard]),
        f1_by_label([labels[n] for n in replies], [predicted[n] for n in replies]),
        {lang: _f1_where(rows, predicted, lang) for lang in sorted({row.lang for row in rows})},
        predicted,
        softmax_rows(margins * _sharpness(labels, margins)),
    )


def f1_by_label(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """The F1 of each label that occurs: 2 x right / (predicted + gold)."""
    right = Counter(label for label, guess in zip(gold, predicted, strict=True) if label == guess)
    total = Counter(gold) + Counter(predicted)
    return {label: 2 * right[label] / total[label] for label in sorted(set(gold))}


def macro_f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """The mean F1 of the labels that occur."""
    each = f1_by_label(gold, predicted)
    return sum(each.values()) / len(each) if each else 0.0


def _f1_where(rows: Sequence[LabelledReply], predicted: Sequence[str], lang: str) -> float:
    pairs = [
        (row.label, guess)
        for row, guess in zip(rows, predicted, strict=True)
        if row.lang == lang and row.label != "ordinary"
    ]
    return macro_f1([label for label, _ in pairs], [guess for _, guess in pairs])


def folds_of(count: int) -> NDArray[np.int64]:
    """The fold of each reply, by chance but always the same."""
    return np.random.Generator(np.random.PCG64(7)).permutation(count) % FOLDS


def _margins_by_folds(readings: Sequence[Reading], labels: Sequence[str]) -> Numbers:
    folds = folds_of(len(labels))
    margins = np.zeros((len(labels), CLASSES))
    for fold in range(FOLDS):
        known = np.flatnonzero(folds != fold).tolist()
        model = _trained([readings[n] for n in known], [labels[n] for n in known], 1.0)
        for number in np.flatnonzero(folds == fold).tolist():
            margins[number] = model.margins(readings[number])
    return margins


def _sharpness(labels: Sequence[str], margins: Numbers) -> float:
    """The factor with which the probabilities of unknown replies are most nearly right (least log loss)."""
    at = (np.arange(len(labels)), [MODEL_LABELS.index(label) for label in labels])
    losses = {
        factor / 4: float(-np.log(softmax_rows(margins * (factor / 4))[at] + 1e-12).mean()) for factor in range(4, 33)
    }
    return min(losses, key=lambda factor: losses[factor])


def _trained(readings: Sequence[Reading], labels: Sequence[str], sharpness: float) -> Model:
    numbers, idf = _vocabulary(readings)
    mean = np.mean([reading.vector for reading in readings], axis=0).astype(np.float32)
    sparse = [weighted(reading, numbers, idf) for reading in readings]
    dense = np.array([centred(reading.vector, mean) for reading in readings], np.float64)
    nothing = Weights(np.zeros((len(numbers), CLASSES)), np.zeros((dense.shape[1], CLASSES)), np.zeros(CLASSES))
    return model_of(numbers, idf, support_vectors(sparse, dense, labels, nothing), mean, sharpness)


def model_of(
    numbers: NDArray[np.uint32], idf: NDArray[np.uint8], weights: Weights, mean: Vector, sharpness: float
) -> Model:
    """The model with these weights, in bytes; features that weigh nothing are left out."""
    small, scale = _in_bytes(weights.features)
    small_vector, vector_scale = _in_bytes(weights.vector)
    kept = np.flatnonzero(np.abs(small).max(axis=1) > 0)
    scales = np.array([scale, vector_scale, weights.bias], np.float32)
    return Model(numbers[kept], idf[kept], small[kept], small_vector, mean, scales, sharpness)


def _vocabulary(readings: Sequence[Reading]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """The features that occur often enough, and how rare each is."""
    numbers, first, seen = np.unique(
        np.concatenate([reading.numbers for reading in readings]), return_index=True, return_counts=True
    )
    groups = np.concatenate([reading.groups for reading in readings])[first]
    kept = seen >= np.array([SEEN_IN[group] for group in GROUP_WEIGHTS])[groups]
    rare = [min(255, round((log((1 + len(readings)) / (1 + count)) + 1) * IDF_STEP)) for count in seen[kept].tolist()]
    return numbers[kept].astype(np.uint32), np.array(rare, np.uint8)


def support_vectors(
    sparse: Sequence[tuple[NDArray[np.int64], Numbers]], dense: Numbers, labels: Sequence[str], start: Weights
) -> Weights:
    """A linear support vector machine for each label. `start`: weights to stay near to; zeros where nothing is known.

    Dual coordinate descent with squared hinge loss (Hsieh and others, 2008), all labels in one pass. `start` is
    changed in place.
    """
    weights, vector_weights, bias = start.features, start.vector, start.bias
    sides = np.where(np.array(labels)[:, None] == np.array(MODEL_LABELS)[None, :], 1.0, -1.0)
    alphas = np.zeros((len(labels), CLASSES))
    soft = 0.5 / COST
    lengths = np.array([values @ values for _, values in sparse]) + (dense * dense).sum(axis=1) + 1.0 + soft
    chance = np.random.Generator(np.random.PCG64(11))
    for _ in range(ROUNDS):
        for number in chance.permutation(len(labels)):
            rows, values = sparse[number]
            present = weights[rows]
            margin = values @ present + dense[number] @ vector_weights + bias
            side, alpha = sides[number], alphas[number]
            fresh = np.maximum(alpha - (side * margin - 1.0 + alpha * soft) / lengths[number], 0.0)
            step = (fresh - alpha) * side
            moved = np.flatnonzero(step)
            if len(moved):
                alphas[number] = fresh
                weights[rows] = present + values[:, None] * step
                vector_weights += dense[number][:, None] * step
                bias += step
    return start


def _in_bytes(weights: Numbers) -> tuple[NDArray[np.int8], Numbers]:
    """Weights as whole numbers from -127 to 127, and the factor for each label."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127.0
    return np.round(weights / scale).astype(np.int8), scale


def describe(figures: Figures) -> Mapping[str, float]:
    """The figures of a cross-validation by name."""
    return {"macro-F1": figures.macro_f1, "macro-F1, hard": figures.hard_macro_f1, **figures.f1_by_language}
