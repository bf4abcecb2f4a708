"""Timers: when a booked meeting's end passes, and when a lead has been quiet for too long.

Timers are never stored: each follows from the journey and the settings. A timer fires at the later of its due time and
the signal that set it, after every signal of the same instant.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from . import meetings
from .journey import AFTER_ALL, Journey
from .settings import SettingsHistory
from .stages import CONTACTED, ENGAGED, MEETING_COMPLETED, QUALIFIED

MEETING_PASSED, QUIET = "meeting-passed", "quiet"
QUIET_STAGES = frozenset({CONTACTED, ENGAGED, QUALIFIED, MEETING_COMPLETED})
_NEVER = datetime.max.replace(tzinfo=UTC)


class Timer(NamedTuple):
    """One timer of a journey: `about` is the meeting's id, or the moment since which the lead is quiet."""

    kind: str
    fires_at: datetime
    about: str | datetime
    days: float = 0

    @property
    def id(self) -> str:
        """The name of the timer in `caused_by`; the same facts give the same id."""
        about = self.about if isinstance(self.about, str) else self.about.isoformat()
        return f"timer:{self.kind}:{about}@{self.fires_at.isoformat()}"


def next_timer(journey: Journey, history: SettingsHistory) -> Timer | None:
    """The timer that fires next, or None. Of two at the same instant, that of the meeting."""
    if journey.erased:
        return None
    meeting = _meeting_timer(journey) if journey.meetings else None
    if journey.stage not in QUIET_STAGES:
        return meeting
    quiet = _quiet_timer(journey, history)
    if meeting is None or quiet is None:
        return meeting or quiet
    return meeting if meeting.fires_at <= quiet.fires_at else quiet


def next_due(journey: Journey, history: SettingsHistory) -> datetime | None:
    """When the next timer of the journey fires; None when none is set."""
    timer = next_timer(journey, history)
    return timer.fires_at if timer else None


def _not_before_last(journey: Journey, due: datetime) -> datetime:
    last = journey.last_order
    return due if last is None or due > last[0] else last[0]


def _meeting_timer(journey: Journey) -> Timer | None:
    found = meetings.next_end(journey)
    if found is None:
        return None
    ends_at, meeting_id = found
    return Timer(MEETING_PASSED, _not_before_last(journey, ends_at), meeting_id)


def quiet_since(journey: Journey) -> datetime | None:
    """The moment since which the lead is quiet; None while a sequence runs, and before the lead is captured."""
    since = journey.entered_at
    if since is None or any(journey.sequences.values()):
        return None
    last_end = meetings.last_end(journey) if journey.meetings else None
    for other in (journey.last_reply_at, last_end, journey.sequence_ended_at):
        if other is not None and other > since:
            since = other
    return since


def _quiet_timer(journey: Journey, history: SettingsHistory) -> Timer | None:
    since = quiet_since(journey)
    if since is None:
        return None
    # The lead goes quiet at the first moment at which the settings of that moment say so. A shorter period applies from
    # its commit on, to leads that have been quiet for longer.
    for settings, period, valid_from, valid_until in history.quiet_periods:
        try:
            due = since + period
        except OverflowError:
            due = _NEVER
        if due < valid_from:
            due = valid_from
        if valid_until is None or due < valid_until:
            return Timer(QUIET, _not_before_last(journey, due), since, settings.quiet_days)
    return None


def timer_order(moment: datetime) -> tuple[datetime, bytes, bytes]:
    """The position of a fired timer among the signals: after all signals of its instant."""
    return moment, AFTER_ALL, b""
