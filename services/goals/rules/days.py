"""Time zones and local days. All instants are UTC.

A local day begins at its first instant: where the clock jumps over midnight that is the jump itself, and where midnight
occurs twice it is the first one. So every instant belongs to exactly one day, and days differ in length.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=1_000)
def zone(name: str | None) -> tzinfo:
    """The time zone with that IANA name; UTC where the name is unknown."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def zone_name(name: str | None) -> str:
    """The name of `zone(name)`."""
    found = zone(name)
    return found.key if isinstance(found, ZoneInfo) else "UTC"


@lru_cache(maxsize=20_000)
def day_start(day: date, where: tzinfo) -> datetime:
    """The first instant of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)


def day_of(instant: datetime, where: tzinfo) -> date:
    """The local day to which an instant belongs."""
    try:
        return instant.date() if where is UTC else instant.astimezone(where).date()
    except OverflowError:  # the first and the last hours that a datetime can hold
        return instant.date()


def days_between(first: date, last: date) -> Iterator[date]:
    """Every date from `first` to `last`, both included."""
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def weekday_numbers(names: Iterable[str] | None) -> frozenset[int] | None:
    """Weekday names as numbers (Monday is 0); None means all days."""
    return None if names is None else frozenset(WEEKDAYS.index(name) for name in names)


def working_days_between(start: datetime, end: datetime, where: tzinfo, weekdays: frozenset[int] | None) -> float:
    """How many local days of these weekdays lie between two instants. Each counts as one, whatever its length."""
    if end <= start:
        return 0.0
    total = 0.0
    for day in days_between(day_of(start, where), day_of(end, where)):
        if weekdays is not None and day.weekday() not in weekdays:
            continue
        begins, ends = day_start(day, where), day_start(day + ONE_DAY, where)
        length = (ends - begins).total_seconds()
        if length > 0:  # at the date line a whole day may be left out
            inside = (min(end, ends) - max(start, begins)).total_seconds()
            total += max(0.0, inside) / length
    return total
