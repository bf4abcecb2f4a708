"""Meetings: booked and cancelled, by people or by other systems."""

from collections.abc import Mapping
from typing import Any

from .. import channels, meetings
from ..fold_state import FoldState
from ..ignored import ignored_reason
from ..signals import Signal, moment
from ..stages import OPEN
from ..transitions import Trigger


def booked(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Book the meeting, which is a contact from the lead; it is kept even where it does not move the lead."""
    journey = fold.journey
    starts_at, ends_at = moment(data["starts_at"]), moment(data["ends_at"])
    if not meetings.book(journey, data["meeting_id"], starts_at, ends_at, data.get("title")):
        fold.ignore(signal, "the meeting has already passed at this very time", routine=True)
        return
    journey.unanswered = False
    channels.clear_used_up(journey)
    if not fold.fire(Trigger.MEETING_BOOKED, signal) and journey.stage not in OPEN:
        fold.ignore(signal, *ignored_reason(journey, Trigger.MEETING_BOOKED, signal))


def cancelled(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    reason = meetings.cancel(fold.journey, data["meeting_id"])
    if reason is not None:
        fold.ignore(signal, reason)
    else:
        fold.fire_or_ignore(Trigger.MEETING_CANCELLED, signal)
