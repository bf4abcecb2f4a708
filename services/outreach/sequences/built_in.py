"""The sequences that stand ready in every tenant, switched off: one for leads in nurture, one to begin with a lead."""

from collections.abc import Mapping
from typing import Any

_WEEKDAYS = {"days": ["mon", "tue", "wed", "thu"], "start": "09:00", "end": "16:30"}


def _step(delay: str, strategy: str, *, channel: str = "best", working_days: bool = False) -> dict[str, Any]:
    return {
        "step": None,
        "channel": channel,
        "delay": delay,
        "working_days": working_days,
        "review": None,
        "template": False,
        "subject": None,
        "body": None,
        "strategy": strategy,
    }


def _sequence(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "steps": list(steps),
        "window": _WEEKDAYS,
        "holidays": None,
        "review": "each",
        "if_blocked": "skip",
        "if_rejected": "skip",
        "if_expired": "ask_again",
        "exit_stages": [],
        "enrol_when": None,
    }


BUILT_IN: Mapping[str, dict[str, Any]] = {
    "nurture": _sequence(
        "Nurture",
        _step("P30D", "check_in"),
        _step("P30D", "useful"),
        _step("P45D", "check_in"),
        _step("P60D", "useful"),
        _step("P90D", "check_in"),
    ),
    "outbound": _sequence(
        "First contact",
        _step("PT0S", "introduction", working_days=True),
        _step("P3D", "follow_up", working_days=True),
        _step("P4D", "useful", working_days=True),
        _step("P7D", "last_word", working_days=True),
    ),
}
"""By name: check-ins that grow rarer, for somebody for whom it was too early; and a first contact with a polite end."""
