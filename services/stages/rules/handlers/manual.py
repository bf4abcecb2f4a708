"""Manual changes: checklist ticks and stage moves by a person."""

from collections.abc import Mapping
from typing import Any

from .. import checklist
from ..fold_state import FoldState
from ..manual_moves import manual_move_refusal
from ..signals import Signal
from ..stages import Stage, title_of
from ..transitions import Trigger


def ticked(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    journey, at, settings = fold.journey, signal.occurred_at, fold.settings_of(signal)
    if checklist.follows_score(settings, data["item"]):
        fold.ignore(signal, "this item follows the score")
        return
    checklist.follow_score(journey, settings, at)
    complete = checklist.is_complete(journey, settings)
    by = signal.actor or "human"
    checklist.set_tick(journey, data["item"], bool(data.get("ticked", True)), by, at, data.get("evidence"))
    if not complete and checklist.is_complete(journey, settings):
        fold.fire_or_ignore(Trigger.CHECKLIST_COMPLETED, signal)


def moved(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Move the lead to any other stage, unless an older signal makes the move void."""
    journey = fold.journey
    to = Stage(data["to"])
    refusal = manual_move_refusal(journey.stage, journey.opted_out, to)
    if refusal is not None:
        fold.ignore(signal, f"void: {refusal}")
    elif to is journey.stage:
        fold.ignore(signal, f"the lead was in {title_of(to)} already", routine=True)
    else:
        reason = data.get("note") or "moved by hand"
        fold.move_by_hand(to, signal.actor or "human", reason, signal, data.get("disqualification_reason"))
