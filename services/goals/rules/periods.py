"""Days and periods in a time zone. All intervals are half-open, [start, end), and all instants are UTC.

A local day begins at its first instant: where the clock jumps over midnight that is the jump itself, and where midnight
comes twice it is the first one. So every instant belongs to exactly one day, and days differ in length.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Kind = Literal["week", "month", "quarter", "custom"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A run of whole local days: the dates are what people name, the instants are what is counted."""

    first: date
    """The first day of it."""
    last: date
    """The last day of it."""
    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@lru_cache(maxsize=1_000)
def zone(name: str | None) -> tzinfo:
    """The time zone of that name; an unknown one is UTC."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def zone_name(name: str | None) -> str:
    """The name that is kept: the zone's own, or UTC where nobody knows it."""
    found = zone(name)
    return found.key if isinstance(found, ZoneInfo) else "UTC"


@lru_cache(maxsize=20_000)
def day_start(day: date, where: tzinfo) -> datetime:
    """The first instant of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)


def day_of(instant: datetime, where: tzinfo) -> date:
    """The local day that an instant belongs to."""
    try:
        return instant.date() if where is UTC else instant.astimezone(where).date()
    except OverflowError:  # the first and the last hours of the calendar
        return instant.date()


def days(first: date, last: date) -> Iterator[date]:
    """Every date from `first` to `last`, both included."""
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def of_days(first: date, last: date, where: tzinfo) -> Period:
    """The period from the first to the last of these days, both included."""
    return Period(first, last, day_start(first, where), day_start(last + ONE_DAY, where))


def containing(kind: Kind, day: date, where: tzinfo) -> Period:
    """The week (from Monday), month or quarter that a day lies in."""
    if kind == "week":
        first = day - timedelta(days=day.weekday())
        return of_days(first, first + timedelta(days=6), where)
    if kind == "month":
        first = day.replace(day=1)
        return of_days(first, _months_later(first, 1) - ONE_DAY, where)
    if kind == "quarter":
        first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        return of_days(first, _months_later(first, 3) - ONE_DAY, where)
    raise ValueError("a custom period is the days that it was made of")


def before(kind: Kind, period: Period, where: tzinfo) -> Period:
    """The period of the same kind that ends where this one begins."""
    return containing(kind, period.first - ONE_DAY, where)


def after(kind: Kind, period: Period, where: tzinfo) -> Period:
    """The period of the same kind that begins where this one ends."""
    return containing(kind, period.last + ONE_DAY, where)


def _months_later(first: date, months: int) -> date:
    month = first.month - 1 + months
    return date(first.year + month // 12, month % 12 + 1, 1)


def working(names: Iterable[str] | None) -> frozenset[int] | None:
    """Weekday names as numbers (Monday is 0); None where every day works."""
    return None if names is None else frozenset(WEEKDAYS.index(name) for name in names)


def working_time(start: datetime, end: datetime, where: tzinfo, works: frozenset[int] | None) -> float:
    """How many (working) local days lie between two instants: each counts as one, however long it is that night."""
    if end <= start:
        return 0.0
    total = 0.0
    for day in days(day_of(start, where), day_of(end, where)):
        if works is not None and day.weekday() not in works:
            continue
        begins, ends = day_start(day, where), day_start(day + ONE_DAY, where)
        length = (ends - begins).total_seconds()
        if length > 0:  # a whole day may be jumped over, at the date line
            inside = (min(end, ends) - max(start, begins)).total_seconds()
            total += max(0.0, inside) / length
    return total
