"""Decisions about addresses: which state a failure leads to, and what a suppression forbids. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.outreach.suppression.rules.mail_failures import Failure, mail_failure

__all__ = [
    "BY_THE_LEAD",
    "OPT_OUT_SMS",
    "SOFT_LIMIT",
    "SOFT_WINDOW",
    "Failure",
    "Suppression",
    "address_state",
    "blocklists",
    "mail_failure",
    "sms_failure",
    "suppression_refusal",
]

SOFT_WINDOW = timedelta(days=14)
SOFT_LIMIT = {"email": 5, "sms": 3}
"""How many soft failures within the window make an address invalid."""

BY_THE_LEAD = frozenset({"reply", "stop_word", "unsubscribe"})
"""Values of `how` for opt-outs of the lead itself."""

_HARD_SMS = {"21211", "21614", "30005", "30006"}
_SOFT_SMS = {"30003"}
OPT_OUT_SMS = "21610"


def sms_failure(code: str) -> Failure:
    """A failure by Twilio's error code (https://www.twilio.com/docs/api/errors)."""
    if code in _HARD_SMS:
        return Failure("hard", code, "the number is not valid or cannot be reached")
    if code in _SOFT_SMS:
        return Failure("soft", code, "the phone could not be reached")
    return Failure(None, code, "the provider refused the message")


def address_state(channel: str, failure: Failure, earlier_soft: Iterable[datetime], now: datetime) -> str:
    """`valid`, `soft` or `invalid`: the state of an address after this failure and the soft ones before it."""
    if failure.severity is None:
        return "valid"
    if failure.severity == "hard":
        return "invalid"
    recent = sum(1 for at in earlier_soft if now - at < SOFT_WINDOW)
    return "invalid" if recent + 1 >= SOFT_LIMIT[channel] else "soft"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One row of the suppression list: the channel, how it came about, and whether it was retracted."""

    channel: str
    how: str
    retracted: bool = False


def suppression_refusal(rows: Iterable[Suppression], channel: str) -> str | None:
    """The reason why nothing may be sent on `channel`, or None."""
    for row in rows:
        if not row.retracted and row.channel in (channel, "all"):
            return f"the address is suppressed ({row.how})"
    return None


def blocklists(rows: Iterable[Suppression]) -> bool:
    """Whether a lead captured with such an address is dead. An operator's row for one channel does not cause that."""
    return any(
        not row.retracted and (row.how in BY_THE_LEAD or row.how == "blocklist" or row.channel == "all") for row in rows
    )
