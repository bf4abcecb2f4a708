"""A tenant's own reply model: the shipped one, drawn towards the labels that the tenant's people gave.

Only these labels are read, and the weights stay near the shipped ones, so that what they say nothing about stays as it
is, and training takes seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.outreach.replies.rules.reply_model import (
    GROUP_WEIGHTS,
    IDF_STEP,
    Model,
    Reading,
    centred,
    labels_of,
    weighted,
)
from services.outreach.replies.training import (
    SEEN_IN,
    LabelledReply,
    Weights,
    folds_of,
    macro_f1,
    model_of,
    read,
    support_vectors,
)

FEWEST = 20
"""Labels that a tenant needs at least: of fewer the figures would say nothing."""
MOST = 5_000
"""Labels that are read at most, the latest first."""
LARGEST = 6_000_000
"""Bytes of a tenant's model at most."""
RAREST = 9.0
"""The idf of words that the shipped replies do not have."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How a model labels replies that people have labelled and that it does not know. Shares from 0 to 1."""

    macro_f1: float
    right: float
    opt_outs_found: float
    false_opt_outs: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The shipped model beside the tenant's, on the tenant's replies; the tenant's by cross-validation."""

    replies: int
    shipped: Figures
    tenant: Figures


def adapted(shipped: Model, rows: Sequence[LabelledReply], readings: Sequence[Reading] | None = None) -> Model:
    """The tenant's model. The same rows in the same order give the same model."""
    readings = read(rows) if readings is None else readings
    numbers, idf, start = _start(shipped, readings)
    sparse = [weighted(reading, numbers, idf) for reading in readings]
    dense = np.array([centred(reading.vector, shipped.vector_mean) for reading in readings], np.float64)
    weights = support_vectors(sparse, dense, [row.label for row in rows], start)
    return model_of(numbers, idf, weights, shipped.vector_mean, shipped.sharpness)


def compared(shipped: Model, rows: Sequence[LabelledReply], readings: Sequence[Reading]) -> Comparison:
    """Both models on the tenant's replies. Each reply is judged by a model that was drawn towards the others only."""
    gold, folds = [row.label for row in rows], folds_of(len(rows))
    by_tenant = [""] * len(rows)
    for fold in range(int(folds.max()) + 1):
        known, asked = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
        model = adapted(shipped, [rows[n] for n in known], [readings[n] for n in known])
        for number in asked:
            by_tenant[number] = labels_of([model.margins(readings[number])])[0]
    by_shipped = labels_of([shipped.margins(reading) for reading in readings])
    return Comparison(len(rows), _figures(gold, by_shipped), _figures(gold, by_tenant))


def _figures(gold: Sequence[str], guessed: Sequence[str]) -> Figures:
    pairs = list(zip(gold, guessed, strict=True))
    wanted = [guess == "opt_out" for label, guess in pairs if label == "opt_out"]
    others = [guess == "opt_out" for label, guess in pairs if label != "opt_out"]
    right = [label == guess for label, guess in pairs]
    return Figures(macro_f1(gold, guessed), _share(right), _share(wanted), _share(others))


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def _start(shipped: Model, readings: Sequence[Reading]) -> tuple[np.ndarray, np.ndarray, Weights]:
    """The shipped features and weights, and with them the features that only the tenant's replies have."""
    seen, first, counts = np.unique(
        np.concatenate([reading.numbers for reading in readings]), return_index=True, return_counts=True
    )
    groups = np.concatenate([reading.groups for reading in readings])[first]
    often = counts >= np.array([SEEN_IN[group] for group in GROUP_WEIGHTS])[groups]
    numbers = np.union1d(shipped.numbers, seen[often]).astype(np.uint32)
    at = np.searchsorted(numbers, shipped.numbers)
    idf = np.full(len(numbers), round(RAREST * IDF_STEP), np.uint8)
    idf[at] = shipped.idf
    features = np.zeros((len(numbers), shipped.weights.shape[1]))
    features[at] = shipped.weights * shipped.scales[0].astype(np.float64)
    vector = shipped.vector_weights * shipped.scales[1].astype(np.float64)
    return numbers, idf, Weights(features, vector, shipped.scales[2].astype(np.float64).copy())
