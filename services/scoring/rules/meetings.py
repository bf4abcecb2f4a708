"""Which meetings of a lead were held and which are ahead, at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.scoring.rules.signals import Signal


@dataclass(slots=True)
class Meetings:
    """The meetings of a lead at a moment."""

    booked: dict[str, Signal] = field(default_factory=dict)
    """The first `meeting.booked` of each meeting that is not cancelled, by meeting id."""
    held: dict[str, datetime] = field(default_factory=dict)
    """When each meeting passed that was held, by meeting id."""
    ahead: dict[str, datetime] = field(default_factory=dict)
    """When each booked meeting will pass, by meeting id."""
    cancelled: list[Signal] = field(default_factory=list)
    """The `meeting.cancelled` that cancelled a meeting."""


def meetings_at(signals: Iterable[Signal], moment: datetime) -> Meetings:
    """The meetings at a moment, from all `meeting.booked` and `meeting.cancelled` up to it, in any order.

    - A meeting passes at its end, or at the time of its booking if the end is earlier. Then it was held.
    - Booking the same id again moves the meeting: only the end of the last booking counts. With the same end it is the
      same meeting, booked once more: when it passes stays as it is.
    - A cancellation counts only before the meeting passes. A later booking books the meeting again.
    """
    meetings = Meetings()
    ends: dict[str, datetime] = {}
    passes: dict[str, datetime] = {}
    for signal in sorted(signals, key=lambda signal: signal.order):
        meeting_id = str(signal.data["meeting_id"])
        if signal.type == "meeting.booked":
            meetings.booked.setdefault(meeting_id, signal)
            ends_at = datetime.fromisoformat(str(signal.data["ends_at"]))
            if meeting_id not in passes or ends[meeting_id] != ends_at:
                ends[meeting_id], passes[meeting_id] = ends_at, max(ends_at, signal.at)
        elif meeting_id in passes and passes[meeting_id] >= signal.at:
            meetings.cancelled.append(signal)
            del meetings.booked[meeting_id], passes[meeting_id]
    for meeting_id, passes_at in passes.items():
        (meetings.held if passes_at <= moment else meetings.ahead)[meeting_id] = passes_at
    return meetings
