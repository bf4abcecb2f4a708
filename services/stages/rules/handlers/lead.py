"""The lead itself: captured, updated, erased, assigned, scored."""

from collections.abc import Mapping
from typing import Any

from .. import channels, checklist
from ..folding import Folding
from ..ignoring import why_ignored
from ..queue import hot_after
from ..signals import Signal, moment
from ..stages import ACTIVE
from ..table import Trigger


def captured(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """The lead is here. A second one, of a lead merged into this, is news about the contact details."""
    journey = folding.journey
    first = journey.created_on is None
    created_on = moment(data.get("created_on") or signal.occurred_at)
    if journey.created_on is None or created_on < journey.created_on:
        journey.created_on = created_on
    if journey.entered_at is None:
        journey.entered_at = signal.occurred_at
    if journey.owner is None and not journey.assigned:
        journey.owner = data.get("owner")
    version = int(data.get("version") or 1)
    fresh = channels.learn_contact(journey, data.get("lead_id") or signal.lead_id, data, version)
    if fresh and not first:
        reachable_anew(folding, signal)


def updated(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    lead_id = data.get("lead_id") or signal.lead_id
    if channels.learn_contact(folding.journey, lead_id, data, int(data.get("version") or 0)):
        reachable_anew(folding, signal)


def reachable_anew(folding: Folding, signal: Signal) -> None:
    """A changed mode or address can only revive; where it could not, that is said."""
    if not folding.fire(Trigger.REACHABLE_ANEW, signal) and folding.journey.stage not in ACTIVE:
        folding.ignore(signal, *why_ignored(folding.journey, Trigger.REACHABLE_ANEW, signal))


def erased(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """Removes the person; stage, dates and counts stay, and nothing moves the lead any more."""
    journey = folding.journey
    journey.erased = True
    journey.owner = journey.later_until = None
    journey.hot = journey.revived = journey.unanswered = False
    journey.contacts, journey.addresses, journey.replies, journey.trusted = {}, {}, {}, {}
    if journey.rule == "manual":
        journey.because = "moved by hand"  # a note may speak of the person
    if journey.disqualification_reason is not None:
        journey.disqualification_reason = "erased"
    for meeting in journey.meetings.values():
        meeting.title = None
    for tick in journey.ticks.values():
        tick.evidence = None


def assigned(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    folding.journey.owner = data.get("owner")
    folding.journey.assigned = True


def scored(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    journey = folding.journey
    settings = folding.settings_of(signal)
    journey.score = total = int(data["total"])
    if settings.checklist:
        complete = checklist.is_complete(journey, settings)
        checklist.follow_score(journey, settings, signal.occurred_at)
        if not complete and checklist.is_complete(journey, settings):
            folding.fire_or_ignore(Trigger.CHECKLIST_COMPLETED, signal)
    was_hot = journey.hot
    journey.hot = hot_after(was_hot, total, settings, journey.stage)
    if journey.hot and not was_hot:
        folding.became_hot(total, settings.hot_up, signal)
