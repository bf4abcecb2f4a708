"""Decisions about one dispatch: may it leave now, what did an attempt come to, is a channel used up. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.outreach.rules import MODES, Window, consent_allows, misplaced
from services.outreach.suppression.rules import OPT_OUT_SMS, sms_failure

GIVE_UP_AFTER = timedelta(hours=48)
SPACING = "spacing between two messages of the mailbox"
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"sending", "refused", "failed"}),
    "sending": frozenset({"sent", "failed", "unknown", "queued"}),
    "unknown": frozenset({"sent", "failed"}),
    "sent": frozenset(),
    "failed": frozenset(),
    "refused": frozenset(),
}
"""What may follow what. From `unknown` nothing leads back to a second attempt. The database checks the same table."""


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; look again at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never."""

    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of the lead, the address and the mailbox at the moment of sending."""

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
    last_word_at: datetime | None
    timezone: str | None
    window: Window | None
    sent_today: int
    per_day: int | None
    day_ends: datetime
    last_sent_at: datetime | None
    spacing: timedelta


def decide(facts: Facts, now: datetime) -> Go | Wait | Refuse:
    """Go, wait (window, caps, spacing) or refuse for good with the reason."""
    refusal = _refusal(facts)
    if refusal:
        return Refuse(refusal)
    if facts.window:
        opens = facts.window.next_open(now, facts.timezone)
        if opens > now:
            return Wait(opens, "outside the sending window")
    if facts.per_day is not None and facts.sent_today >= facts.per_day:
        return Wait(facts.day_ends, f"the mailbox has sent its {facts.per_day} messages of today")
    if facts.last_sent_at and facts.last_sent_at + facts.spacing > now:
        return Wait(facts.last_sent_at + facts.spacing, SPACING)
    return Go()


def _refusal(facts: Facts) -> str | None:
    if not facts.lead_known:
        return "the lead is not known any more"
    if facts.merged:
        return "the lead was merged into another"
    if facts.opted_out:
        return "the lead has opted out"
    if facts.suppressed:
        return facts.suppressed
    if facts.address != facts.to:
        return "the lead's address has changed"
    if facts.address_state == "invalid":
        return "the address does not work any more"
    if facts.channel not in MODES[facts.mode]:
        return f"outreach mode {facts.mode} does not use {facts.channel}"
    denied = consent_allows(facts.channel, facts.consent, facts.unknown_allows)
    if denied:
        return denied
    if facts.last_word_at and facts.last_word_at > facts.cause_at:
        return "the lead has written since the draft was made"
    return misplaced(facts.kind, facts.stage, facts.stage_rule)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to: a state of the dispatch, why, and what it says of the address."""

    state: str
    reason: str = ""
    code: str = ""
    blames_address: bool = False
    provider_id: str | None = None


_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_OF_THE_SENDER = frozenset({7, 8})
"""5.1.7 and 5.1.8 speak of the sender's address (RFC 3463)."""

PROVABLY_NOT_SENT = frozenset({"connect", "tls", "login", "mail", "rcpt", "data"})
"""Steps of an SMTP conversation before the message itself has been handed over."""


def smtp_outcome(step: str, code: int | None, detail: str) -> Outcome:
    """The outcome of an SMTP conversation that ended at `step` with reply `code` (None: no answer).

    Steps in order: connect, tls, login, mail, rcpt, data (the command), body (the bytes and their end).
    """
    text = " ".join(detail.split())[:300]
    if step == "body" and code is None:
        return Outcome("unknown", f"no answer after the end of the message: {text}")
    if code is not None and 200 <= code < 300 and step == "body":
        return Outcome("sent", text, str(code))
    if code is not None and code >= 500 and step not in ("connect", "tls", "login"):
        return Outcome("failed", f"{code} {text}", str(code), _blames_recipient(step, text))
    if step in PROVABLY_NOT_SENT or (code is not None and 400 <= code < 500):
        return Outcome("queued", f"not sent, {step}: {code or ''} {text}".replace(":  ", ": "), str(code or ""))
    return Outcome("unknown", f"{step}: {code} {text}", str(code or ""))


def _blames_recipient(step: str, text: str) -> bool:
    """Does a refusal speak of the recipient? Some servers look the address up only after DATA: the code says so."""
    enhanced = _ENHANCED.search(text)
    if enhanced and enhanced.group(1) == "1":
        return int(enhanced.group(2)) not in _OF_THE_SENDER
    return step == "rcpt"


_REFUSED_UNREAD = frozenset({401, 403, 404, 408, 425, 429, 503})
"""Answers of a provider that say nothing of the message: no right, no such account, too much, not now."""


def sms_outcome(status: int | None, code: str, detail: str, connected: bool = True) -> Outcome:
    """The outcome of a provider's HTTP answer. `status` None: none came; `connected`: the request may have arrived.

    The number is blamed only by a code that speaks of it, never for a refusal as such.
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
    """When to try again after `attempts` attempts: 30 s doubled each time, at most an hour; None after 48 hours."""
    if now - first_tried_at >= GIVE_UP_AFTER:
        return None
    return now + min(timedelta(seconds=30 * 2 ** min(attempts - 1, 10)), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """What went out on a channel to the present address since the lead's last word; nurture check-ins not counted."""

    channel: str
    sent: int
    last_sent_at: datetime | None


def used_up_at(
    use: ChannelUse, last_word_at: datetime | None, after_messages: int, after_days: float
) -> datetime | None:
    """From when the channel is used up: four messages went out, and 14 days pass without a word (both are settings).

    None as long as fewer went out.
    """
    if use.sent < after_messages or use.last_sent_at is None:
        return None
    since = max(use.last_sent_at, last_word_at) if last_word_at else use.last_sent_at
    return since + timedelta(days=after_days)


def exhausted(mode: str, usable: Iterable[str], used: Iterable[str]) -> list[str] | None:
    """The channels of the mode that are known and work, when every one of them is used up; None otherwise."""
    channels = [channel for channel in MODES[mode] if channel in set(usable)]
    return channels if channels and set(channels) <= set(used) else None
