"""The periods of a goal: weeks, months, quarters, or one custom period. Intervals are half-open, [start, end)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from services.goals.rules.date_ranges import InvalidRange, bounds
from services.goals.rules.days import ONE_DAY, day_of, day_start

PeriodKind = Literal["week", "month", "quarter", "custom"]

LONGEST = timedelta(days=1_100)
"""A custom period may be three years long."""


@dataclass(frozen=True, slots=True)
class Period:
    """An interval with the local days that it covers: people name the days, metrics count by the instants."""

    first: date
    last: date
    """The last day, included."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PeriodDefinition:
    """How a goal defines its periods; `starts_on` and `ends_on` are the `from` and `to` of a custom period."""

    kind: PeriodKind
    starts_on: str | None = None
    ends_on: str | None = None

    def period_at(self, now: datetime, where: tzinfo) -> Period:
        """The period that contains `now`, or the one custom period. InvalidRange names the field that is wrong."""
        if self.kind != "custom":
            return containing(self.kind, day_of(now, where), where)
        if self.starts_on is None:
            raise InvalidRange("from", "from is needed for a custom period")
        if self.ends_on is None:
            raise InvalidRange("to", "to is needed for a custom period")
        start, end = bounds(self.starts_on, self.ends_on, where)
        if end - start > LONGEST:
            raise InvalidRange("period", f"a custom period may be at most {LONGEST.days} days long")
        return Period(day_of(start, where), day_of(end - timedelta(microseconds=1), where), start, end)


def of_days(first: date, last: date, where: tzinfo) -> Period:
    """The period from the first to the last of these days, both included."""
    return Period(first, last, day_start(first, where), day_start(last + ONE_DAY, where))


def containing(kind: PeriodKind, day: date, where: tzinfo) -> Period:
    """The week (from Monday), month or quarter that contains a day. ValueError for a custom period."""
    if kind == "week":
        first = day - timedelta(days=day.weekday())
        return of_days(first, first + timedelta(days=6), where)
    if kind == "month":
        first = day.replace(day=1)
        return of_days(first, _months_later(first, 1) - ONE_DAY, where)
    if kind == "quarter":
        first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        return of_days(first, _months_later(first, 3) - ONE_DAY, where)
    raise ValueError("a custom period does not follow from a day")


def previous(kind: PeriodKind, period: Period, where: tzinfo) -> Period:
    """The period of the same kind that ends where this one begins."""
    return containing(kind, period.first - ONE_DAY, where)


def following(kind: PeriodKind, period: Period, where: tzinfo) -> Period:
    """The period of the same kind that begins where this one ends."""
    return containing(kind, period.last + ONE_DAY, where)


def has_whole_days(period: Period, where: tzinfo) -> bool:
    """Whether a period begins and ends at the boundary of a local day."""
    return period.start == day_start(period.first, where) and period.end == day_start(period.last + ONE_DAY, where)


def _months_later(first: date, months: int) -> date:
    month = first.month - 1 + months
    return date(first.year + month // 12, month % 12 + 1, 1)
