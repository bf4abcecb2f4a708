"""Which meetings were held: a fold over what was booked and cancelled, whatever the order of arrival.

A meeting is held when its end passes and nothing later has moved or cancelled it. Booked again with the same id before
that: moved. Cancelled after its end: it was held all the same. What happens at the very instant of the end comes first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby


@dataclass(frozen=True, slots=True)
class MeetingSignal:
    """One `meeting.booked`, or (`ends_at` None) one `meeting.cancelled`."""

    occurred_at: datetime
    event_id: str
    source: str
    meeting_id: str
    ends_at: datetime | None

    @property
    def order(self) -> tuple[datetime, bytes, bytes]:
        return (self.occurred_at, self.event_id.encode(), self.source.encode())


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the signals of a lead add up to at a moment."""

    held_on: tuple[datetime, ...] = ()
    """The ends of the meetings that were held, sorted."""
    due_on: datetime | None = None
    """When the next meeting passes, if nothing comes between."""


def fold(signals: Iterable[MeetingSignal], now: datetime) -> Calendar:
    """The meetings held until `now`, and when the next one will be."""
    held: list[datetime] = []
    due: list[datetime] = []
    in_order = sorted(signals, key=lambda signal: (signal.meeting_id, signal.order))
    for _, group in groupby(in_order, key=lambda signal: signal.meeting_id):
        told = list(group)
        for signal, following in zip(told, [*told[1:], None], strict=True):
            if signal.ends_at is None:
                continue
            passes = max(signal.ends_at, signal.occurred_at)
            if following is not None and following.occurred_at <= passes:
                continue
            if passes <= now:
                held.append(signal.ends_at)
            else:
                due.append(passes)
    return Calendar(tuple(sorted(held)), min(due, default=None))
