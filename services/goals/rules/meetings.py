"""Which meetings were held: a fold over what was booked and cancelled, whatever the order of arrival.

A meeting is held when its end passes and nobody has cancelled it by then. Booked again with the same id: moved, and
held at its new end only. Cancelled after its end: it was held all the same. What happens at the very instant of the
end comes first. The stage service reads meetings in the same way.
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
    for _, told in groupby(in_order, key=lambda signal: signal.meeting_id):
        booking: MeetingSignal | None = None
        for signal in told:
            if signal.ends_at is not None:
                booking = signal
            elif booking is not None and signal.occurred_at <= _passes(booking):
                booking = None
        if booking is not None and booking.ends_at is not None:
            if _passes(booking) <= now:
                held.append(booking.ends_at)
            else:
                due.append(_passes(booking))
    return Calendar(tuple(sorted(held)), min(due, default=None))


def _passes(booking: MeetingSignal) -> datetime:
    """When a booked meeting passes: at its end, or at once where that lies before the booking."""
    return max(booking.ends_at or booking.occurred_at, booking.occurred_at)
