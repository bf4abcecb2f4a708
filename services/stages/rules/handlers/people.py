"""What people do: meetings, checklist ticks, manual moves."""

from collections.abc import Mapping
from typing import Any

from .. import channels, checklist, meetings
from ..folding import Folding
from ..ignoring import why_ignored
from ..signals import Signal, moment
from ..stages import DEAD, OPEN, WON, Stage, title_of
from ..table import Trigger


def booked(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """A meeting is a word from the lead; where it moves nobody, it is on the calendar all the same."""
    journey = folding.journey
    starts_at, ends_at = moment(data["starts_at"]), moment(data["ends_at"])
    if not meetings.book(journey, data["meeting_id"], starts_at, ends_at, data.get("title")):
        folding.ignore(signal, "the meeting has taken place at this very time", routine=True)
        return
    journey.unanswered = False
    channels.clear_used_up(journey)
    if not folding.fire(Trigger.MEETING_BOOKED, signal) and journey.stage not in OPEN:
        folding.ignore(signal, *why_ignored(journey, Trigger.MEETING_BOOKED, signal))


def cancelled(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    reason = meetings.cancel(folding.journey, data["meeting_id"])
    if reason is not None:
        folding.ignore(signal, reason)
    else:
        folding.fire_or_ignore(Trigger.MEETING_CANCELLED, signal)


def ticked(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    journey, at, settings = folding.journey, signal.occurred_at, folding.settings_of(signal)
    if checklist.follows_score(settings, data["item"]):
        folding.ignore(signal, "this item follows the score")
        return
    checklist.follow_score(journey, settings, at)
    complete = checklist.is_complete(journey, settings)
    by = signal.actor or "human"
    checklist.tick(journey, data["item"], bool(data.get("ticked", True)), by, at, data.get("evidence"))
    if not complete and checklist.is_complete(journey, settings):
        folding.fire_or_ignore(Trigger.CHECKLIST_COMPLETED, signal)


def moved(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """Any stage to any other, except out of dead, and out of won to anything but dead after an opt-out."""
    journey = folding.journey
    to = Stage(data["to"])
    refusal = why_no_manual_move(journey.stage, journey.opted_out, to)
    if refusal is not None:
        folding.ignore(signal, f"void: {refusal}")
    elif to is journey.stage:
        folding.ignore(signal, f"the lead was in {title_of(to)} already", routine=True)
    else:
        reason = data.get("note") or "moved by hand"
        folding.move_by_hand(to, signal.actor or "human", reason, signal, data.get("disqualification_reason"))


def why_no_manual_move(stage: Stage, opted_out: bool, to: Stage) -> str | None:
    """Why a person may not make this move; None when they may (or when it is no move at all)."""
    if to is stage:
        return None
    if stage is DEAD:
        return "the lead is dead, and a dead lead is never revived"
    if stage is WON and opted_out and to is not DEAD:
        return "the customer opted out and can only be moved to dead"
    return None
