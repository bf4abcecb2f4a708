"""The moves of a lead between stages and its time in each, from its `stage.changed` events.

A transition that a later one corrects no longer holds. The others form a chain in the order of their revisions: each
move starts where the one before it ended, never in a stage that was corrected away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from services.goals.rules.durations import place_of
from services.goals.rules.stages import START


@dataclass(frozen=True, slots=True)
class Transition:
    """One `stage.changed` of a lead: its own fields, and the move that it is in the chain."""

    revision: int
    event_id: str
    from_stage: str
    """The `from` of the event; `moved_from` differs where the transition before it was corrected."""
    to_stage: str
    occurred_at: datetime
    created_on: datetime | None
    corrects: tuple[str, ...] = ()
    moved_from: str | None = None
    """The stage that the lead left; None where it stayed, or where the transition no longer holds."""
    seconds: float | None = None
    """How long the lead had been in that stage; None where that is unknown."""


class Move(NamedTuple):
    """One move as the pipeline report counts it; `stay` is the time in `from_stage`, a place on the duration scale."""

    at: datetime
    from_stage: str
    to_stage: str
    stay: int


@dataclass(frozen=True, slots=True)
class CurrentStage:
    """The stage of a lead after its newest transition, and since when (None where a missing revision hides it)."""

    revision: int = 0
    stage: str = START
    entered_on: datetime | None = None


def is_next(current: CurrentStage, transition: Transition) -> bool:
    """Whether the transition can be appended to the chain without reading the earlier ones."""
    return transition.revision == current.revision + 1 and not transition.corrects


def append(current: CurrentStage, transition: Transition) -> tuple[CurrentStage, Transition]:
    """The chain with the next transition at its end, at the same cost for a chain of any length."""
    entered = transition.created_on if current.revision == 0 else current.entered_on
    if transition.to_stage == current.stage:
        stayed = replace(transition, moved_from=None, seconds=None)
        return CurrentStage(transition.revision, transition.to_stage, entered), stayed
    at = max(transition.occurred_at, entered) if entered else transition.occurred_at
    seconds = (at - entered).total_seconds() if entered else None
    moved = replace(transition, moved_from=current.stage, seconds=seconds)
    return CurrentStage(transition.revision, transition.to_stage, at), moved


def rebuild(transitions: Iterable[Transition]) -> tuple[CurrentStage, list[Transition]]:
    """The chain from its beginning, over the transitions that were received."""
    in_order = sorted(transitions, key=lambda transition: transition.revision)
    corrected = {event_id for transition in in_order for event_id in transition.corrects}
    current = CurrentStage()
    chain: list[Transition] = []
    for transition in in_order:
        if transition.revision != current.revision + 1:
            current = _after_missing_revisions(current, transition)
        if transition.event_id in corrected:
            entered = transition.created_on if current.revision == 0 else current.entered_on
            current = CurrentStage(transition.revision, current.stage, entered)
            chain.append(replace(transition, moved_from=None, seconds=None))
            continue
        current, placed = append(current, transition)
        chain.append(placed)
    return current, chain


def _after_missing_revisions(current: CurrentStage, transition: Transition) -> CurrentStage:
    """What is known just before a transition that follows missing revisions: its own `from`, and not since when.

    One that stays where the lead was known to be is taken at its word, and the time in stage goes on: the stage service
    leaves revisions out when it publishes the stages of all leads again, after it was restored.
    """
    stays = transition.from_stage == transition.to_stage == current.stage
    entered = transition.created_on if current.revision == 0 else current.entered_on
    return CurrentStage(transition.revision - 1, transition.from_stage, entered if stays else None)


def moves_of(transitions: Iterable[Transition]) -> list[Move]:
    """The moves that the pipeline report counts."""
    return [
        Move(transition.occurred_at, transition.moved_from, transition.to_stage, place_of(transition.seconds))
        for transition in transitions
        if transition.moved_from is not None
    ]
