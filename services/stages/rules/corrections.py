"""What a refold changes about the story told so far."""

from collections.abc import Sequence
from dataclasses import dataclass

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
