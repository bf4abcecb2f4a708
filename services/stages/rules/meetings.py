"""Meetings: booked, moved, cancelled, passed."""

from datetime import datetime

from .journey import BOOKED, CANCELLED, PASSED, Journey, Meeting


def book(journey: Journey, meeting_id: str, starts_at: datetime, ends_at: datetime, title: str | None = None) -> bool:
    """Books the meeting, moves it, or books it anew after a cancellation; an older timer of it is void.

    False when it has taken place at this very time: said once more, it is not held once more.
    """
    known = journey.meetings.get(meeting_id)
    if known is not None and (known.starts_at, known.ends_at, known.state) == (starts_at, ends_at, PASSED):
        return False
    journey.meetings[meeting_id] = Meeting(starts_at, ends_at, title=title)
    return True


def cancel(journey: Journey, meeting_id: str) -> str | None:
    """Cancels a meeting that is booked; otherwise answers why there is nothing to cancel."""
    meeting = journey.meetings.get(meeting_id)
    if meeting is None:
        return "nobody booked this meeting"
    if meeting.state == PASSED:
        return "the meeting had already taken place"
    if meeting.state == CANCELLED:
        return "the meeting was already cancelled"
    meeting.state = CANCELLED
    return None


def ahead(journey: Journey, moment: datetime) -> bool:
    """Whether a meeting that is not cancelled ends after the moment."""
    return any(meeting.state == BOOKED and meeting.ends_at > moment for meeting in journey.meetings.values())


def next_end(journey: Journey) -> tuple[datetime, str] | None:
    """The booked meeting that ends first: when, and its id."""
    return min(
        ((meeting.ends_at, id) for id, meeting in journey.meetings.items() if meeting.state == BOOKED),
        default=None,
    )


def next_start(journey: Journey, moment: datetime) -> datetime | None:
    """When the next meeting starts that has not ended at the moment."""
    return min(
        (each.starts_at for each in journey.meetings.values() if each.state == BOOKED and each.ends_at > moment),
        default=None,
    )


def last_end(journey: Journey) -> datetime | None:
    """The latest end of all meetings that are not cancelled, those ahead included."""
    return max((each.ends_at for each in journey.meetings.values() if each.state != CANCELLED), default=None)
