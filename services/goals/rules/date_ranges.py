"""Ranges that people give as `from` and `to`, each a date or a date-time.

A date means the whole local day, `to` included ("1 to 31 March"); a date-time means that instant, `to` excluded.
"""

import re
from datetime import UTC, date, datetime, tzinfo

from services.goals.rules.days import ONE_DAY, day_start

_FORM = re.compile(
    r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?\Z",
    re.ASCII,
)
_LOST_PLUS = re.compile(r"(\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:\d\d)\Z")


class InvalidRange(ValueError):
    """A range that cannot be used; `field` is the name of the field that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_form(field: str, text: str) -> None:
    """InvalidRange for a text that a person gives and that has not the form of a date or date-time: other forms of
    ISO 8601 (`20250331`, `2025-W13`) are easily meant otherwise than they are read."""
    if not _FORM.match(_with_plus(text)):
        raise _no_date(field)


def bounds(first: str, last: str, where: tzinfo) -> tuple[datetime, datetime]:
    """The instants [start, end) between two dates or date-times, as UTC. InvalidRange names the field that is wrong."""
    start, end = _instant(first, where, "from"), _instant(last, where, "to", end=True)
    for field, instant in (("from", start), ("to", end)):
        if not 1970 <= instant.year <= 2200:
            raise InvalidRange(field, f"{field} must lie between 1970 and 2200")
    if end <= start:
        raise InvalidRange("to", "to must be later than from")
    return start, end


def _instant(text: str, where: tzinfo, field: str, *, end: bool = False) -> datetime:
    """A date (its first instant; with `end` that of the next day) or a date-time; without an offset it is local."""
    text = _with_plus(text)
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return day_start(day + ONE_DAY if end else day, where)
        instant = datetime.fromisoformat(text.upper())
        return (instant if instant.tzinfo else instant.replace(tzinfo=where)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_date(field) from None


def _with_plus(text: str) -> str:
    """The text; an unescaped plus in a query is received as a blank."""
    return _LOST_PLUS.sub(r"\1+\2", text.strip())


def _no_date(field: str) -> InvalidRange:
    return InvalidRange(field, f"{field} is neither a date (2025-03-31) nor an RFC 3339 date-time")
