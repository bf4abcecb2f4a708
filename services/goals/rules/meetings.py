"""Which meetings of a lead were held, from its bookings and cancellations, in any order of arrival.

A meeting is held when its end passes and it has not been cancelled by then. A booking with a known id moves the
meeting: it is held at its new end only. With the same end it changes nothing. A cancellation after the end changes
nothing. Events at the very instant of the end are applied before the meeting passes.
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
        """The order of a lead's signals: `Received.order`."""
        return (self.occurred_at, self.event_id.encode(), self.source.encode())


@dataclass(frozen=True, slots=True)
class Meetings:
    """The meetings of a lead at a moment."""

    held_on: tuple[datetime, ...] = ()
    """The ends of the meetings that were held, sorted."""
    due_on: datetime | None = None
    """When the next meeting passes, unless an event changes it."""


def meetings_at(signals: Iterable[MeetingSignal], now: datetime) -> Meetings:
    """The meetings that were held until `now`, and when the next one passes."""
    held: list[datetime] = []
    due: list[datetime] = []
    in_order = sorted(signals, key=lambda signal: (signal.meeting_id, signal.order))
    for _, of_meeting in groupby(in_order, key=lambda signal: signal.meeting_id):
        booking: MeetingSignal | None = None
        for signal in of_meeting:
            if signal.ends_at is not None:
                if booking is None or booking.ends_at != signal.ends_at:
                    booking = signal
            elif booking is not None and signal.occurred_at <= _passes_at(booking):
                booking = None
        if booking is not None and booking.ends_at is not None:
            if _passes_at(booking) <= now:
                held.append(booking.ends_at)
            else:
                due.append(_passes_at(booking))
    return Meetings(tuple(sorted(held)), min(due, default=None))


def _passes_at(booking: MeetingSignal) -> datetime:
    """When a booked meeting passes: at its end, or at the booking where that is later."""
    return max(booking.ends_at or booking.occurred_at, booking.occurred_at)
