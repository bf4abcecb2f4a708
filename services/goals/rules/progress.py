"""How a goal stands against the calendar, where it is heading, and how sure that is.

The forecast, in words (also given with each forecast as `method`):

    The rest of the period is expected to bring leads at a daily rate that joins what this period brought so far with
    what the days before it brought. History counts as much as `HISTORY_DAYS` days of this period do, so it leads in
    the first days and fades. The range holds the result in 8 of 10 periods if days vary as they did: a normal
    approximation whose variance is the number expected, times how unevenly the days came (variance over mean, 1 to
    50), widened for the uncertainty of the rate itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from services.goals.rules.periods import Period, working_time

HISTORY_DAYS = 10.0
"""How many days of the present period the whole history weighs."""
LEAST_SEEN = 1 / 24
"""Days that a rate is taken over at least."""
EIGHT_OF_TEN = 1.2816
"""The normal quantile that leaves a tenth on either side."""
ON_TRACK = 0.05
"""Within this share of what was to be expected by now, a goal is neither ahead nor behind."""

METHOD = (
    "daily rate of this period joined with that of the days before it (which weigh {weight:g} days), times the days "
    "left; range: 8 of 10, normal approximation with the unevenness of the days ({unevenness:.1f})"
)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where `now` lies in a period, in (working) days."""

    elapsed: float
    total: float

    @property
    def left(self) -> float:
        return max(0.0, self.total - self.elapsed)

    @property
    def share(self) -> float:
        return min(1.0, self.elapsed / self.total) if self.total else 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The value beside what an even pace would have brought by now."""

    expected: float
    state: Literal["ahead", "on_track", "behind", "achieved"]
    needed_per_day: float | None
    """What each day that is left has to bring; None when nothing is missing or no day is left."""
    days_elapsed: float
    days_total: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The value expected at the end of the period; `low` to `high` holds it in 8 of 10 periods."""

    expected: float
    low: int
    high: int
    method: str


def calendar(period: Period, now: datetime, where: tzinfo, works: frozenset[int] | None) -> Calendar:
    """A period without any working day is measured in all its days."""
    total = working_time(period.start, period.end, where, works)
    if works is not None and total == 0:
        works, total = None, working_time(period.start, period.end, where, None)
    reached = min(max(now, period.start), period.end)
    return Calendar(working_time(period.start, reached, where, works), total)


def pace(value: int, target: int, at: Calendar) -> Pace:
    """How far the goal is along, against an even pace over the (working) days of the period."""
    expected = target * at.share
    missing = target - value
    state: Literal["ahead", "on_track", "behind", "achieved"] = "on_track"
    if missing <= 0:
        state = "achieved"
    elif value > expected * (1 + ON_TRACK):
        state = "ahead"
    elif value < expected * (1 - ON_TRACK):
        state = "behind"
    needed = missing / at.left if missing > 0 and at.left > 0 else None
    return Pace(round(expected, 2), state, None if needed is None else round(needed, 2), at.elapsed, at.total)


def forecast(value: int, at: Calendar, history: Sequence[int], *, falls: bool) -> Forecast:
    """Where the value will stand at the period's end.

    `history` is the count of each (working) day before the period, oldest first; days before the first count are no
    history. `falls`: whether the metric can lose what it has (a status that is left again), so that the range may
    reach below the present value.
    """
    first = next((index for index, number in enumerate(history) if number), len(history))
    past = list(history[first:])
    mean = sum(past) / len(past) if past else 0.0
    weight = min(HISTORY_DAYS, float(len(past)))
    seen = at.elapsed + weight
    # The first lead of the first minute says nothing of a month.
    rate = (value + mean * weight) / max(seen, LEAST_SEEN) if seen > 0 else 0.0
    unevenness = _unevenness(past, mean)
    coming = rate * at.left
    variance = unevenness * max(coming, 0.5 if at.left else 0.0) * (1 + at.left / max(seen, 1.0))
    reach = EIGHT_OF_TEN * math.sqrt(variance)
    lowest = 0 if falls and at.left else value
    low = max(lowest, math.floor(value + coming - reach))
    high = max(low, math.ceil(value + coming + reach))
    return Forecast(round(value + coming, 1), low, high, METHOD.format(weight=weight, unevenness=unevenness))


def _unevenness(past: Sequence[int], mean: float) -> float:
    """Variance over mean of the daily counts: 1 for days as random as leads that come singly, more for bursts."""
    if len(past) < 5 or mean <= 0:
        return 2.0
    variance = sum((number - mean) ** 2 for number in past) / (len(past) - 1)
    return min(50.0, max(1.0, variance / mean))
