"""When a provider is asked again: back-off of one question, the circuit breaker and the rate limit of a provider."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

MAX_ATTEMPTS = 3
_BACK_OFF = (timedelta(seconds=10), timedelta(minutes=2))
FAILURES = 5
"""Failures in a row after which a provider is left alone for a while."""
_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=10)
MAX_WAITS = 20
"""How often a question is asked of a provider that asks to wait."""
_SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
"""The longest time that a provider may ask for (Retry-After)."""
_MINUTE = timedelta(minutes=1)


def bounded_wait(wait: timedelta) -> timedelta:
    """What a provider asks for (Retry-After), within what is waited for."""
    return min(max(wait, _SHORTEST_WAIT), LONGEST_WAIT)


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When a question that failed `attempts` times is asked again; None: not by itself."""
    return now + _BACK_OFF[attempts - 1] if 0 < attempts < MAX_ATTEMPTS else None


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider has been doing."""

    failures: int = 0
    paused_until: datetime | None = None
    tokens: float | None = None
    tokens_at: datetime | None = None
    minute_began: datetime | None = None
    minute_asked: int = 0
    minute_before: int = 0
    asked: int = 0
    failed: int = 0
    last_answer_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """`unused`, `working`, `failing`, or `paused` (nothing is asked until `paused_until`)."""
        if self.paused_until and self.paused_until > now:
            return "paused"
        if self.failures:
            return "failing"
        return "working" if self.last_answer_at else "unused"

    def asked_in_last_minute(self, now: datetime) -> int:
        """Requests in the last full minute, or in the present one if that has more already."""
        if self.minute_began is None or now - self.minute_began >= 2 * _MINUTE:
            return 0
        return self.minute_asked if now - self.minute_began >= _MINUTE else max(self.minute_before, self.minute_asked)

    def allowance(self, per_minute: int | None, wanted: int, now: datetime, *, breaks: bool) -> int:
        """How many of the wanted requests the rate limit allows now; one, while it is tried whether it works again."""
        if breaks and self.failures >= FAILURES:
            wanted = min(wanted, 1)
        if per_minute is None:
            return wanted
        return max(0, min(wanted, int(self._refilled(per_minute, now))))

    def _refilled(self, per_minute: int, now: datetime) -> float:
        """A token bucket that holds what the limit allows in ten seconds."""
        full = max(1.0, per_minute / 6)
        if self.tokens is None or self.tokens_at is None:
            return full
        return min(full, self.tokens + (now - self.tokens_at).total_seconds() * per_minute / 60)

    def after_asking(self, count: int, per_minute: int | None, now: datetime) -> "ProviderHealth":
        """After `count` requests were sent."""
        began, asked, before = self.minute_began, self.minute_asked, self.minute_before
        if began is None or now - began >= _MINUTE:
            before = asked if began is not None and now - began < 2 * _MINUTE else 0
            began, asked = now, 0
        tokens = self._refilled(per_minute, now) - count if per_minute is not None else None
        return replace(
            self,
            asked=self.asked + count,
            minute_began=began,
            minute_asked=asked + count,
            minute_before=before,
            tokens=tokens,
            tokens_at=now if tokens is not None else None,
        )

    def after_answer(self, now: datetime) -> "ProviderHealth":
        """After an answer, whether it had facts or not."""
        return replace(self, failures=0, paused_until=None, last_answer_at=now)

    def after_failure(
        self, error: str, now: datetime, *, breaks: bool, wait: timedelta | None = None
    ) -> "ProviderHealth":
        """After a failure. `wait`: the provider asked for it. `breaks`: whether failures in a row pause the provider.

        The website of each company is another server, so the failures of some say nothing of the others.
        """
        failures, until = self.failures + 1, self.paused_until
        if wait is not None:
            failures, until = self.failures, now + bounded_wait(wait)
        elif breaks and failures >= FAILURES:
            until = now + min(_LONGEST_PAUSE, _PAUSE * 2 ** min(failures - FAILURES, 10))
        return replace(
            self, failures=failures, paused_until=until, failed=self.failed + 1, last_error=error, last_error_at=now
        )


def health_of(row: Mapping[Any, Any]) -> ProviderHealth:
    """From a stored row, which may have other columns besides."""
    return ProviderHealth(**{name: row[name] for name in ProviderHealth.__dataclass_fields__})
