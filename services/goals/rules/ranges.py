"""Ranges of time that people ask for: `from` and `to` as dates or as date-times.

A date means the whole local day, `to` included ("1 to 31 March"); a date-time means that instant, `to` excluded.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from services.goals.rules.periods import ONE_DAY, Kind, Period, containing, day_of, day_start

LONGEST = timedelta(days=1_100)
"""A custom period may be three years long."""

_LOST_PLUS = re.compile(r"(\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:\d\d)\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a goal says its periods."""

    kind: Kind
    starts_on: str | None = None
    ends_on: str | None = None

    def current(self, now: datetime, where: tzinfo) -> Period:
        """The period that `now` lies in, or the one period of a custom goal. ValueError says what is wrong with it."""
        if self.kind != "custom":
            return containing(self.kind, day_of(now, where), where)
        for what, asked in (("from", self.starts_on), ("to", self.ends_on)):
            if asked is None:
                raise ValueError(f"{what} is needed for a custom period")
        assert self.starts_on is not None and self.ends_on is not None
        start, end = bounds(self.starts_on, self.ends_on, where)
        if end - start > LONGEST:
            raise ValueError(f"a custom period may be {LONGEST.days} days long")
        return Period(day_of(start, where), day_of(end - timedelta(microseconds=1), where), start, end)


def whole_days(period: Period, where: tzinfo) -> bool:
    """Whether a period begins and ends with a local day."""
    return period.start == day_start(period.first, where) and period.end == day_start(period.last + ONE_DAY, where)


def bounds(first: str, last: str, where: tzinfo) -> tuple[datetime, datetime]:
    """The instants [start, end) between two dates or date-times, as UTC. ValueError says what is wrong with them."""
    start, end = instant(first, where, "from"), instant(last, where, "to", end=True)
    for what, moment in (("from", start), ("to", end)):
        if not 1970 <= moment.year <= 2200:
            raise ValueError(f"{what} must lie between 1970 and 2200")
    if end <= start:
        raise ValueError("to must be later than from")
    return start, end


def instant(text: str, where: tzinfo, what: str, *, end: bool = False) -> datetime:
    """A date (its first instant; with `end` that of the next day) or a date-time; without an offset it is local."""
    # An unescaped plus of a query arrives as a blank.
    text = _LOST_PLUS.sub(r"\1+\2", text.strip())
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return day_start(day + ONE_DAY if end else day, where)
        moment = datetime.fromisoformat(text.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=where)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{what} is neither a date (2025-03-31) nor an RFC 3339 date-time") from None
