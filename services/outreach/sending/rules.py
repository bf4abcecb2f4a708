"""Decisions about one dispatch: may it be sent now, what was the outcome of an attempt, is a channel used up. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.outreach.rules import MODES, Window, consent_refusal, stage_refusal
from services.outreach.suppression.rules import OPT_OUT_SMS, sms_failure

GIVE_UP_AFTER = timedelta(hours=48)
LONGEST_BACK_OFF = timedelta(hours=1)
SPACING = "spacing between two messages of the mailbox"
"""The reason of a dispatch that waits for its mailbox. It is stored, and finds those that wait for the same."""

State = Literal["queued", "sending", "sent", "failed", "unknown", "refused"]

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"sending", "refused", "failed"}),
    "sending": frozenset({"sent", "failed", "unknown", "queued"}),
    "unknown": frozenset({"sent", "failed"}),
    "sent": frozenset(),
    "failed": frozenset(),
    "refused": frozenset(),
}
"""The states of a dispatch, each with those that may follow. An `unknown` message is never sent a second time.

The trigger `guard_dispatch` of the database has the same table; a test compares the two.
"""


class ForbiddenTransition(Exception):
    """A dispatch may not change its state like that: a mistake in the code, never in a request."""


def check_transition(before: str, after: str) -> None:
    """Raise ForbiddenTransition unless a dispatch may go from one state to the other, or keeps its state."""
    if after != before and after not in TRANSITIONS[before]:
        raise ForbiddenTransition(f"a dispatch does not go from {before} to {after}")


@dataclass(frozen=True, slots=True)
class Go:
    """The message may be sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The message may not be sent now; decide afresh at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message may never be sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class SendConditions:
    """What is true of the lead, the address and the mailbox at the moment of sending.

    `to`: the address that was approved; `address`: the lead's present one. `suppressed`: why the address is
    suppressed. `last_reply_at`: when the lead last replied. `per_day`: the mailbox's cap, `day_ends` when it is reset.
    """

    channel: str
    kind: str
    to: str
    cause_at: datetime
    lead_known: bool
    address: str | None
    address_state: str
    suppressed: str | None
    opted_out: bool
    merged: bool
    consent: str
    unknown_allows: tuple[str, ...]
    mode: str
    stage: str
    stage_rule: str | None
    last_reply_at: datetime | None
    timezone: str | None
    window: Window | None
    sent_today: int
    per_day: int | None
    day_ends: datetime
    last_sent_at: datetime | None
    spacing: timedelta


def decide(conditions: SendConditions, now: datetime) -> Go | Wait | Refuse:
    """Go, wait (window, cap, spacing), or refuse for good with the reason."""
    refusal = _refusal(conditions)
    if refusal:
        return Refuse(refusal)
    if conditions.window:
        opens = conditions.window.next_open(now, conditions.timezone)
        if opens > now:
            return Wait(opens, "outside the sending window")
    if conditions.per_day is not None and conditions.sent_today >= conditions.per_day:
        return Wait(conditions.day_ends, f"the mailbox has sent its {conditions.per_day} messages of today")
    if conditions.last_sent_at and conditions.last_sent_at + conditions.spacing > now:
        return Wait(conditions.last_sent_at + conditions.spacing, SPACING)
    return Go()


def _refusal(conditions: SendConditions) -> str | None:
    if not conditions.lead_known:
        return "the lead is not known any more"
    if conditions.merged:
        return "the lead was merged into another"
    if conditions.opted_out:
        return "the lead has opted out"
    if conditions.suppressed:
        return conditions.suppressed
    if conditions.address != conditions.to:
        return "the lead's address has changed"
    if conditions.address_state == "invalid":
        return "the address does not work any more"
    if conditions.channel not in MODES[conditions.mode]:
        return f"outreach mode {conditions.mode} does not use {conditions.channel}"
    refusal = consent_refusal(conditions.channel, conditions.consent, conditions.unknown_allows)
    if refusal:
        return refusal
    if conditions.last_reply_at and conditions.last_reply_at > conditions.cause_at:
        return "the lead has written since the draft was made"
    return stage_refusal(conditions.kind, conditions.stage, conditions.stage_rule)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt: the next state of the dispatch and the reason. `blames_address`: it bounced."""

    state: str
    reason: str = ""
    code: str = ""
    blames_address: bool = False
    provider_id: str | None = None


_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_SENDER_FAULTS = frozenset({7, 8})
"""5.1.7 and 5.1.8 are about the sender's address (RFC 3463)."""

NOT_SENT_STEPS = frozenset({"connect", "tls", "login", "mail", "rcpt", "data"})
"""Steps of an SMTP conversation before the message itself is handed over: a failure in one proves it was not sent."""


def smtp_outcome(step: str, code: int | None, detail: str) -> Outcome:
    """The outcome of an SMTP conversation that ended at `step` with the reply `code` (None: no answer).

    Steps in order: connect, tls, login, mail, rcpt, data (the command), body (the bytes and their end).
    """
    text = " ".join(detail.split())[:300]
    if step == "body" and code is None:
        return Outcome("unknown", f"no answer after the end of the message: {text}")
    if code is not None and 200 <= code < 300 and step == "body":
        return Outcome("sent", text, str(code))
    if code is not None and code >= 500 and step not in ("connect", "tls", "login"):
        return Outcome("failed", f"{code} {text}", str(code), _blames_recipient(step, text))
    if step in NOT_SENT_STEPS or (code is not None and 400 <= code < 500):
        return Outcome("queued", f"not sent, {step}: {code or ''} {text}".replace(":  ", ": "), str(code or ""))
    return Outcome("unknown", f"{step}: {code} {text}", str(code or ""))


def _blames_recipient(step: str, text: str) -> bool:
    """Whether a refusal is about the recipient, by its code: some servers check the address only after DATA."""
    enhanced = _ENHANCED.search(text)
    if enhanced and enhanced.group(1) == "1":
        return int(enhanced.group(2)) not in _SENDER_FAULTS
    return step == "rcpt"


_REFUSED_UNREAD = frozenset({401, 403, 404, 408, 425, 429, 503})
"""HTTP answers of a provider that are not about the message: no right, no such account, too much, not now."""


def sms_outcome(status: int | None, code: str, detail: str, connected: bool = True) -> Outcome:
    """The outcome of a provider's HTTP answer. `status` None: no answer; `connected`: it may have had the request.

    Only a code that is about the number blames it, never a refusal as such.
    """
    text = " ".join(detail.split())[:300]
    if status is None:
        return Outcome("unknown", f"no answer: {text}") if connected else Outcome("queued", f"no connection: {text}")
    blames = code == OPT_OUT_SMS or sms_failure(code).severity is not None
    if status in _REFUSED_UNREAD and not blames:
        return Outcome("queued", f"not sent: {status} {code} {text}", code)
    if 200 <= status < 300:
        return Outcome("sent", text, code)
    if 400 <= status < 500:
        return Outcome("failed", f"{status} {code} {text}", code, blames)
    return Outcome("unknown", f"{status} {text}", code)


def retry_at(attempts: int, first_tried_at: datetime, now: datetime) -> datetime | None:
    """When to retry after `attempts` attempts: 30 s doubled each time, at most an hour; None after 48 hours."""
    if now - first_tried_at >= GIVE_UP_AFTER:
        return None
    return now + min(timedelta(seconds=30 * 2 ** min(attempts - 1, 10)), LONGEST_BACK_OFF)


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """Messages to the lead's present address since its last reply or meeting; nurture check-ins do not count."""

    channel: str
    sent: int
    last_sent_at: datetime | None


def used_up_at(
    use: ChannelUse, last_contact_at: datetime | None, after_messages: int, after_days: float
) -> datetime | None:
    """From when the channel is used up: so many messages were sent, and so many days pass without a reply.

    None as long as fewer were sent. `last_contact_at`: the lead's last reply or meeting.
    """
    if use.sent < after_messages or use.last_sent_at is None:
        return None
    since = max(use.last_sent_at, last_contact_at) if last_contact_at else use.last_sent_at
    return since + timedelta(days=after_days)


def exhausted(mode: str, usable: Iterable[str], used: Iterable[str]) -> list[str] | None:
    """The usable channels of the mode, when every one of them is used up; None otherwise."""
    channels = [channel for channel in MODES[mode] if channel in set(usable)]
    return channels if channels and set(channels) <= set(used) else None
