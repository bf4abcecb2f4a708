"""What a changed goal means for its running period: whether what was told and achieved still speaks of it."""

from collections.abc import Mapping
from typing import Any

from services.goals.rules.periods import Period

ASKED = ("metric", "period", "timezone", "filter", "starts_on", "ends_on")
"""What is counted, and when."""


def differs(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, ...] = ASKED) -> bool:
    return any(before[name] != after[name] for name in names)


def goes_on(before: Mapping[str, Any], after: Mapping[str, Any], running: Mapping[str, Any], period: Period) -> bool:
    """Whether the running period, as it is asked for now, is the same one: then it stays achieved.

    Another metric or filter counts something else. Another time zone moves the ends, and the days stay the same.
    """
    if differs(before, after, ("metric", "filter")):
        return False
    same_instants = (running["period_start"], running["period_end"]) == (period.start, period.end)
    same_days = (running["first_day"], running["last_day"]) == (period.first, period.last)
    return same_instants or (same_days and not differs(before, after, ("period", "starts_on", "ends_on")))
