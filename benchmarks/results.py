"""Results of the measurements, by name and variant: printed for people, saved as JSON for programs."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

Measurements = dict[str, dict[str, dict[str, float]]]
"""{measurement: {variant: {"rate" or "p50_ms" and "p99_ms", "ratio"}}}"""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50 and p99 of durations in milliseconds."""
    return {"p50_ms": round(statistics.median(values), 2), "p99_ms": round(percentile(values, 0.99), 2)}


def median_ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """The median over rounds of our rate divided by the other's in the same round."""
    return statistics.median(one / other for one, other in zip(ours, others, strict=True))


def save(measured: Measurements, path: Path) -> None:
    """Add measurements to a file, and replace earlier ones of the same name."""
    earlier: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(earlier | measured, option=orjson.OPT_INDENT_2))


def print_table(title: str, measured: dict[str, dict[str, float]], goals: dict[str, str]) -> None:
    """Print one measurement; `goals` has a text for the ratio that a variant should have."""
    names = list(dict.fromkeys(name for values in measured.values() for name in values))
    width = max(map(len, measured)) + 2
    print(f"\n{title}\n{'':{width}}" + "".join(f"{name:>12}" for name in names) + "   goal", flush=True)
    for variant, values in measured.items():
        cells = "".join(f"{values[name]:>12,.2f}" if name in values else f"{'':>12}" for name in names)
        print(f"{variant:{width}}{cells}   {goals.get(variant, '')}", flush=True)
