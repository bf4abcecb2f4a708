"""What a change of a goal means for its running period: whether its achievement and published value remain valid."""

from collections.abc import Mapping
from typing import Any

from services.goals.rules.days import zone
from services.goals.rules.filters import normalise_filter
from services.goals.rules.periods import Period, of_days

COUNTED_FIELDS = ("metric", "period", "timezone", "filter", "starts_on", "ends_on")
"""The fields of a goal that decide what is counted, and when."""
PERIOD_FIELDS = ("period", "starts_on", "ends_on")
"""The fields of a goal that decide which days it counts."""
REPORTED_FIELDS = (*COUNTED_FIELDS, "target")
"""The fields of a goal that decide what its report says."""


def differs(before: Mapping[str, Any], after: Mapping[str, Any], fields: tuple[str, ...] = COUNTED_FIELDS) -> bool:
    """Whether any of these fields has another meaning after the change; a filter means the same in any order."""
    return any(_meaning_of(before, field) != _meaning_of(after, field) for field in fields)


def _meaning_of(goal: Mapping[str, Any], field: str) -> Any:
    return normalise_filter(goal["filter"]) if field == "filter" else goal[field]


def moved_period(before: Mapping[str, Any], after: Mapping[str, Any], running: Mapping[str, Any]) -> Period | None:
    """The running period in the time zone of the changed goal; None where the change defines other days.

    Its days stay, whatever day it is now in the new zone, so each is in one report. Where the period has ended there,
    it is closed next; where it has not begun there, nothing is published until it does.
    """
    if after["period"] == "custom" or before["period"] != after["period"]:
        return None
    return of_days(running["first_day"], running["last_day"], zone(after["timezone"]))


def is_same_period(
    before: Mapping[str, Any], after: Mapping[str, Any], running: Mapping[str, Any], period: Period
) -> bool:
    """Whether `period`, the one of the changed goal, continues the running one, so that it stays achieved.

    Another metric or filter counts something else. Another time zone moves the ends, and the days stay the same.
    """
    if differs(before, after, ("metric", "filter")):
        return False
    same_instants = (running["period_start"], running["period_end"]) == (period.start, period.end)
    same_days = (running["first_day"], running["last_day"]) == (period.first, period.last)
    return same_instants or (same_days and not differs(before, after, PERIOD_FIELDS))
