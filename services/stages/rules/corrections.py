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


def standing_at(journey: Journey, before: Transition | None) -> Transition:
    """Where the lead stands when all that was told is void: what a correction without a new transition says."""
    at: datetime | None = journey.entered_at or journey.created_on or (before.occurred_at if before else None)
    assert at is not None
    return Transition(
        from_=journey.stage,
        to=journey.stage,
        rule=journey.rule or "correction",
        actor=f"system:{journey.rule or 'correction'}",
        reason=journey.because or "what had moved the lead no longer holds",
        caused_by=journey.caused_by or "",
        occurred_at=at,
        from_status=journey.status,
        status=journey.status,
        disqualification_reason=journey.disqualification_reason,
    )
