"""Meetings: booked, moved, cancelled, passed.

A meeting passes when its end passes and it is not cancelled by then: `timers.py` derives that moment.
"""

from datetime import datetime

from .journey import BOOKED, CANCELLED, PASSED, Journey, Meeting


def book(journey: Journey, meeting_id: str, starts_at: datetime, ends_at: datetime, title: str | None = None) -> bool:
    """Book the meeting, move it, or book it again after a cancellation; its earlier timer is void.

    False when the meeting has already passed at this very time: a repeated booking does not make it pass twice.
    """
    known = journey.meetings.get(meeting_id)
    if known is not None and (known.starts_at, known.ends_at, known.state) == (starts_at, ends_at, PASSED):
        return False
    journey.meetings[meeting_id] = Meeting(starts_at, ends_at, title=title)
    return True


def cancel(journey: Journey, meeting_id: str) -> str | None:
    """Cancel a booked meeting; for any other, the reason why it cannot be cancelled."""
    meeting = journey.meetings.get(meeting_id)
    if meeting is None:
        return "nobody booked this meeting"
    if meeting.state == PASSED:
        return "the meeting had already taken place"
    if meeting.state == CANCELLED:
        return "the meeting was already cancelled"
    meeting.state = CANCELLED
    return None


def has_passed(meeting: Meeting, moment: datetime) -> bool:
    """Whether the meeting has taken place, or will have once its timer has fired."""
    return meeting.state == PASSED or (meeting.state == BOOKED and meeting.ends_at <= moment)


def has_meeting_ahead(journey: Journey, moment: datetime) -> bool:
    """Whether a meeting that is not cancelled ends after the moment."""
    return any(meeting.state == BOOKED and meeting.ends_at > moment for meeting in journey.meetings.values())


def next_end(journey: Journey) -> tuple[datetime, str] | None:
    """The booked meeting that ends first: its end and its id."""
    return min(
        ((meeting.ends_at, id) for id, meeting in journey.meetings.items() if meeting.state == BOOKED),
        default=None,
    )


def next_start(journey: Journey, moment: datetime) -> datetime | None:
    """The start of the next meeting that has not ended at the moment."""
    return min(
        (each.starts_at for each in journey.meetings.values() if each.state == BOOKED and each.ends_at > moment),
        default=None,
    )


def last_end(journey: Journey) -> datetime | None:
    """The latest end of all meetings that are not cancelled, also of those ahead."""
    return max((each.ends_at for each in journey.meetings.values() if each.state != CANCELLED), default=None)
