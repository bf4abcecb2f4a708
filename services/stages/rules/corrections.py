"""Corrections: how the transitions of a new fold differ from the published ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .journey import Journey
from .outcome import Transition


@dataclass(frozen=True, slots=True)
class Correction:
    """The published transitions that no longer hold, and the transitions that are new; both in order."""

    superseded: list[Transition]
    added: list[Transition]


def compare(published: Sequence[Transition], folded: Sequence[Transition]) -> Correction:
    """The correction that leads from the published transitions to those of a new fold.

    Two transitions are the same when their `key` is; their reasons may differ.
    """
    known = {transition.key for transition in published}
    holds = {transition.key for transition in folded}
    return Correction(
        superseded=[transition for transition in published if transition.key not in holds],
        added=[transition for transition in folded if transition.key not in known],
    )


def correction_without_move(journey: Journey) -> Transition:
    """The transition that a correction publishes when no transition is left: the lead is where it was captured."""
    return Transition(
        from_=journey.stage,
        to=journey.stage,
        rule="correction",
        actor="system:correction",
        reason="what had moved the lead no longer holds",
        caused_by="",
        occurred_at=last_moment(journey),
        from_status=journey.status,
        status=journey.status,
        facts=journey.facts(),
    )


def last_moment(journey: Journey) -> datetime:
    """When the newest signal or timer of a captured lead happened."""
    assert journey.last_order is not None
    return journey.last_order[0]
