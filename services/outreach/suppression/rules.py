"""Decisions about addresses: which state a failure leads to, and what a suppression forbids. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

SOFT_WINDOW = timedelta(days=14)
SOFT_LIMIT = {"email": 5, "sms": 3}
"""How many soft failures within the window make an address invalid."""

BY_THE_LEAD = frozenset({"reply", "stop_word", "unsubscribe"})
"""Values of `how` for opt-outs of the lead itself."""

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")

_HARD_SMS = {"21211", "21614", "30005", "30006"}
_SOFT_SMS = {"30003"}
OPT_OUT_SMS = "21610"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not delivered. `severity` None: a refusal that is not about the address (policy, content)."""

    severity: str | None
    code: str
    detail: str


def mail_failure(code: str, detail: str = "") -> Failure:
    """A failure by its enhanced status code (RFC 3463) or SMTP reply code. Only codes about the address count.

    5.1.x (address), 5.2.1 (mailbox disabled), 5.4.4 (no route): hard. 4.x, 5.2.x (full), other 5.x.x of delivery: soft.
    5.6.x and 5.7.x (content, policy) blame the message, not the address.
    """
    hit = _ENHANCED.search(code) or _ENHANCED.search(detail)
    if hit:
        status, subject, detail_code = hit.group(1), int(hit.group(2)), int(hit.group(3))
        if status == "2":
            return Failure(None, hit.group(0), detail)
        if status == "5" and subject in (6, 7):
            return Failure(None, hit.group(0), detail)
        hard = status == "5" and (subject == 1 or (subject, detail_code) in ((2, 1), (4, 4), (0, 0)))
        return Failure("hard" if hard else "soft", hit.group(0), detail)
    if code[:1] == "5":
        return Failure("hard" if code[:3] in ("550", "551", "553", "521", "556") else "soft", code, detail)
    return Failure("soft" if code[:1] == "4" else None, code, detail)


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
