"""What the outcome of an attempt was, and when it is retried."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.outreach.suppression.rules import OPT_OUT_SMS, sms_failure
from shared.text import clean

GIVE_UP_AFTER = timedelta(hours=48)
LEAST_ATTEMPTS = 10
"""Attempts before a message is given up. They take three hours; for most of the 48 a window may have been shut."""
LONGEST_BACK_OFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt: the next state of the dispatch and the reason. `blames_address`: it bounced."""

    state: str
    reason: str = ""
    code: str = ""
    blames_address: bool = False
    provider_id: str | None = None

    @property
    def plain(self) -> "Outcome":
        """The same outcome without what the other side said of it: for an answer that the database refuses."""
        return replace(self, reason="what the other side answered cannot be stored", provider_id=None)


_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_SENDER_FAULTS = frozenset({7, 8})
"""5.1.7 and 5.1.8 are about the sender's address (RFC 3463)."""

NOT_SENT_STEPS = frozenset({"connect", "tls", "login", "mail", "rcpt", "data"})
"""Steps of an SMTP conversation before the message itself is handed over: a failure in one proves it was not sent."""


def smtp_outcome(step: str, code: int | None, detail: str) -> Outcome:
    """The outcome of an SMTP conversation that ended at `step` with the reply `code` (None: no answer).

    Steps in order: connect, tls, login, mail, rcpt, data (the command), body (the bytes and their end).
    """
    text = clean(detail)[:300]
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
    text = clean(detail)[:300]
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
    """When to retry after `attempts` attempts: 30 s doubled each time, at most an hour.

    None after 48 hours and `LEAST_ATTEMPTS`.
    """
    if now - first_tried_at >= GIVE_UP_AFTER and attempts >= LEAST_ATTEMPTS:
        return None
    return now + min(timedelta(seconds=30 * 2 ** min(attempts - 1, 10)), LONGEST_BACK_OFF)
