"""The lead itself: captured, updated, erased, assigned, scored."""

from collections.abc import Mapping
from typing import Any

from .. import channels, checklist
from ..fold_state import FoldState
from ..ignored import ignored_reason
from ..journey import owner_of
from ..signals import Signal, moment
from ..stages import ACTIVE
from ..transitions import Trigger


def captured(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Begin the journey. The capture of a lead that was merged into this one adds contact details.

    Its owner counts where this lead was captured without one, whichever was captured first.
    """
    journey = fold.journey
    first = journey.created_on is None
    created_on = moment(data.get("created_on") or signal.occurred_at)
    if journey.created_on is None or created_on < journey.created_on:
        journey.created_on = created_on
    if journey.entered_at is None:
        journey.entered_at = signal.occurred_at
    own = signal.lead_id == fold.lead_id and signal.lead_id not in journey.contacts
    if not journey.assigned and (own or journey.owner is None):
        journey.owner = owner_of(data.get("owner")) or journey.owner
    version = int(data.get("version") or 1)
    fresh = channels.update_contact(journey, signal.lead_id, data, version)
    if fresh and not first:
        channels_changed(fold, signal)


def updated(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    if channels.update_contact(fold.journey, signal.lead_id, data, int(data.get("version") or 0)):
        channels_changed(fold, signal)


def channels_changed(fold: FoldState, signal: Signal) -> None:
    """Revive an exhausted lead after a change of the mode or of an address, which moves no other lead."""
    if not fold.fire(Trigger.CHANNELS_CHANGED, signal) and fold.journey.stage not in ACTIVE:
        fold.ignore(signal, *ignored_reason(fold.journey, Trigger.CHANNELS_CHANGED, signal))


def erased(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Remove the person. Stage, dates and counts stay, and no later signal moves the lead."""
    journey = fold.journey
    journey.erased = True
    journey.owner = journey.later_until = None
    journey.hot = journey.alerted = journey.revived = journey.unanswered = False
    journey.contacts, journey.addresses, journey.replies, journey.trusted = {}, {}, {}, {}
    if journey.rule == "manual":
        journey.because = "moved by hand"  # the reason may be a note about the person
    if journey.disqualification_reason is not None:
        journey.disqualification_reason = "erased"
    for meeting in journey.meetings.values():
        meeting.title = None
    for tick in journey.ticks.values():
        tick.evidence = None


def assigned(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    fold.journey.owner = owner_of(data.get("owner"))
    fold.journey.assigned = True


def scored(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Store the score, set the ticks that follow it, and decide whether the lead is hot."""
    journey = fold.journey
    settings = fold.settings_of(signal)
    checklist.drop_ticks(journey, settings, signal.occurred_at)
    journey.score = int(data["total"])
    if settings.checklist:
        complete = checklist.is_complete(journey, settings)
        checklist.follow_score(journey, settings, signal.occurred_at)
        if not complete and checklist.is_complete(journey, settings):
            fold.fire_or_ignore(Trigger.CHECKLIST_COMPLETED, signal)
    fold.update_hot(signal)
