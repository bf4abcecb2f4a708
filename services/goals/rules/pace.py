"""How far a goal is along, against an even pace over the days of its period."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from services.goals.rules.days import working_days_between
from services.goals.rules.periods import Period

ON_TRACK = 0.05
"""Within this share of the value that an even pace would have brought, a goal is neither ahead nor behind."""

PaceState = Literal["ahead", "on_track", "behind", "achieved"]


@dataclass(frozen=True, slots=True)
class ElapsedDays:
    """How much of a period has passed, in (working) days."""

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
    state: PaceState
    needed_per_day: float | None
    """What each day left has to bring; None where nothing is missing or no day is left."""
    days_elapsed: float
    days_total: float


def elapsed_days(period: Period, now: datetime, where: tzinfo, weekdays: frozenset[int] | None) -> ElapsedDays:
    """How much of a period has passed. A period without any working day is measured in all its days."""
    total = working_days_between(period.start, period.end, where, weekdays)
    if weekdays is not None and total == 0:
        weekdays, total = None, working_days_between(period.start, period.end, where, None)
    until = min(max(now, period.start), period.end)
    return ElapsedDays(working_days_between(period.start, until, where, weekdays), total)


def pace(value: int, target: int, days: ElapsedDays) -> Pace:
    """How far the goal is along, against an even pace over the (working) days of the period."""
    expected = target * days.share
    missing = target - value
    state: PaceState = "on_track"
    if missing <= 0:
        state = "achieved"
    elif value > expected * (1 + ON_TRACK):
        state = "ahead"
    elif value < expected * (1 - ON_TRACK):
        state = "behind"
    needed = missing / days.left if missing > 0 and days.left > 0 else None
    return Pace(round(expected, 2), state, None if needed is None else round(needed, 2), days.elapsed, days.total)
