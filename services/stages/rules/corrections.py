"""What a refold changes about the story told so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .journey import Journey
from .outcome import Transition


@dataclass(frozen=True, slots=True)
class Correction:
    """The transitions told before that no longer hold, and those that the new fold tells instead; both in order."""

    superseded: list[Transition]
    added: list[Transition]

    def __bool__(self) -> bool:
        return bool(self.superseded or self.added)


def compare(old: Sequence[Transition], new: Sequence[Transition]) -> Correction:
    """What a correction must say. An entry is the same when rule, stages, cause and time are; its words may differ."""
    told = {transition.key for transition in old}
    holds = {transition.key for transition in new}
    return Correction(
        superseded=[transition for transition in old if transition.key not in holds],
        added=[transition for transition in new if transition.key not in told],
    )


def standing_at(journey: Journey) -> Transition:
    """Where a lead stands that nothing has moved: what a correction says when all that was told is void."""
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
