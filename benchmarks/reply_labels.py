"""Figures of reading replies: labels on a development set, and on data/replies by cross-validation."""

import time
from collections.abc import Mapping, Sequence

from services.outreach.replies import training
from services.outreach.replies.rules import Classification, classify, new_text

Row = Mapping[str, object]


def labelled(rows: Sequence[Row], *, gold_text: bool) -> tuple[list[Classification], float]:
    """The classification of each reply, and the milliseconds of one. `gold_text`: own words as they should be."""
    texts = [
        new_text.NewText(str(row["newest_text"]), str(row["newest_text"]))
        if gold_text
        else new_text.extract(str(row["body"]))
        for row in rows
    ]
    headers = [{name.lower(): value for name, value in dict(row["headers"]).items()} for row in rows]  # type: ignore[call-overload]
    classify("email", {}, new_text.NewText("warm", "warm"))
    started = time.perf_counter()
    found = [classify(str(row["channel"]), head, text) for row, head, text in zip(rows, headers, texts, strict=True)]
    return found, (time.perf_counter() - started) * 1000 / max(1, len(rows))


def print_labels(rows: Sequence[Row]) -> dict[str, float]:
    """Print how well replies are labelled, with their own words as they should be and as they are extracted."""
    figures: dict[str, float] = {}
    for name, gold_text in (("gold text", True), ("extracted text", False)):
        found, milliseconds = labelled(rows, gold_text=gold_text)
        figures |= {f"{name}: {key}": value for key, value in _figures(rows, found).items()}
        figures[f"{name}: ms a reply"] = milliseconds
        _print_by_label([str(row["label"]) for row in rows], [each.label for each in found])
    for key, value in figures.items():
        print(f"{key:<60} {value:8.3f}")
    return figures


def print_cross_validated() -> dict[str, float]:
    """Print the figures of data/replies, each fifth labelled by a model of the others (takes minutes)."""
    rows = training.shipped_rows()
    found = training.cross_validated(rows)
    figures = dict(training.describe(found))
    replies = [number for number, row in enumerate(rows) if row.label != "ordinary"]
    _print_by_label([rows[n].label for n in replies], [found.predicted[n] for n in replies])
    for key, value in figures.items():
        print(f"cross-validated: {key:<43} {value:8.3f}")
    return figures


def _figures(rows: Sequence[Row], found: Sequence[Classification]) -> dict[str, float]:
    gold, guesses = [str(row["label"]) for row in rows], [each.label for each in found]
    picks = {"all": list(range(len(rows))), "hard": [n for n, row in enumerate(rows) if row["hard"]]}
    picks |= {
        lang: [n for n, row in enumerate(rows) if row["lang"] == lang]
        for lang in sorted({str(r["lang"]) for r in rows})
    }
    figures = {
        f"macro-F1, {name}": training.macro_f1([gold[n] for n in pick], [guesses[n] for n in pick])
        for name, pick in picks.items()
    }
    wanted = [each for each, label in zip(found, gold, strict=True) if label == "opt_out"]
    others = [each for each, label in zip(found, gold, strict=True) if label != "opt_out"]
    figures["opt-outs found"] = _share(each.label == "opt_out" for each in wanted)
    figures["opt-outs found or shown to a human"] = _share(
        each.label == "opt_out" or each.needs_human for each in wanted
    )
    figures["false opt-outs"] = _share(each.label == "opt_out" for each in others)
    figures["left to humans"] = _share(each.needs_human for each in found)
    return figures


def _share(hits: object) -> float:
    each = list(hits)  # type: ignore[call-overload]
    return sum(each) / len(each) if each else 0.0


def _print_by_label(gold: Sequence[str], guesses: Sequence[str]) -> None:
    print(f"{'label':<18}{'precision':>10}{'recall':>10}")
    for label in sorted(set(gold)):
        right = sum(a == b == label for a, b in zip(gold, guesses, strict=True))
        print(f"{label:<18}{right / max(1, list(guesses).count(label)):>10.2f}{right / list(gold).count(label):>10.2f}")
