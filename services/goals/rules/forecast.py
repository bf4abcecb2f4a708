"""The forecast of a goal's value at the end of its period, with a range.

The days left are expected to bring leads at a daily rate that joins this period with the days before it. The history
weighs as much as HISTORY_WEIGHT days of this period, so it dominates in the first days and fades. The range holds the
result in 8 of 10 periods if days vary as they did: a normal approximation whose variance is the number expected, times
how unevenly the days came (variance over mean, 1 to 50), widened for the uncertainty of the rate itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.goals.rules.pace import ElapsedDays

LOOKBACK_DAYS = 56
"""The history of a forecast: so many days before the period."""
HISTORY_WEIGHT = 10.0
"""As many days of the present period weigh as much as the whole history."""
LEAST_SEEN = 1 / 24
"""A rate is taken over at least so many days: the first lead of the first minute says nothing about a month."""
EIGHT_OF_TEN = 1.2816
"""The quantile of the normal distribution that leaves a tenth on either side."""
LEAST_DAYS = 5
"""With less history the unevenness of days is not estimated."""

FALLING_METRICS = frozenset({"qualified_created"})
"""Metrics that count a state as it is now: their value may fall."""

METHOD = (
    "daily rate of this period joined with that of the days before it (which weigh {weight:g} days), times the days "
    "left; range: 8 of 10, normal approximation with the unevenness of the days ({unevenness:.1f})"
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The value expected at the end of the period; `low` to `high` holds it in 8 of 10 periods."""

    expected: float
    low: int
    high: int
    method: str


def forecast(value: int, days: ElapsedDays, history: Sequence[int], *, falls: bool) -> Forecast:
    """The value expected at the end of the period.

    `history`: the count of each (working) day before the period, oldest first; days before the first count are left
    out. `falls`: whether the metric's value may fall, so that the range may reach below the present value.
    """
    first = next((index for index, number in enumerate(history) if number), len(history))
    past = list(history[first:])
    mean = sum(past) / len(past) if past else 0.0
    weight = min(HISTORY_WEIGHT, float(len(past)))
    seen = days.elapsed + weight
    rate = (value + mean * weight) / max(seen, LEAST_SEEN) if seen > 0 else 0.0
    unevenness = _unevenness(past, mean)
    coming = rate * days.left
    variance = unevenness * max(coming, 0.5 if days.left else 0.0) * (1 + days.left / max(seen, 1.0))
    reach = EIGHT_OF_TEN * math.sqrt(variance)
    lowest = 0 if falls and days.left else value
    low = max(lowest, math.floor(value + coming - reach))
    high = max(low, math.ceil(value + coming + reach))
    return Forecast(round(value + coming, 1), low, high, METHOD.format(weight=weight, unevenness=unevenness))


def _unevenness(past: Sequence[int], mean: float) -> float:
    """Variance over mean of the daily counts: 1 where leads come singly and at random, more for bursts."""
    if len(past) < LEAST_DAYS or mean <= 0:
        return 2.0
    variance = sum((number - mean) ** 2 for number in past) / (len(past) - 1)
    return min(50.0, max(1.0, variance / mean))
