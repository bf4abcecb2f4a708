"""The way of one lead through the stages, from its `stage.changed` events: moves, and how long it stood in each stage.

An event that a later one corrects no longer holds. What is left is read as a chain in order of revision, so each move
starts where the one before it ended, and never in a stage that was taken back.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

START = "new"
PER_OCTAVE = 4
"""Steps of the duration scale for each doubling: a step is 19 % wide."""
UNKNOWN = -1
"""The step of a duration that nobody knows: an event in between is missing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One `stage.changed`: what it says, and what it amounts to in the chain."""

    revision: int
    event_id: str
    from_said: str
    to: str
    occurred_at: datetime
    created_on: datetime | None
    corrects: tuple[str, ...] = ()
    moved_from: str | None = None
    """The stage it really moved the lead out of; None where it moved nobody or no longer holds."""
    seconds: float | None = None
    """How long the lead had stood there; None where that is not known."""


class Move(NamedTuple):
    """One move as it is counted: when, between which stages, after a stay of which length on the scale."""

    at: datetime
    from_stage: str
    to_stage: str
    stay: int


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a lead stands after its newest step, and since when (None where a gap hides it)."""

    revision: int = 0
    stage: str = START
    entered_on: datetime | None = None


def follows(stand: Stand, step: Step) -> bool:
    """Whether the step can be put at the end of the chain without looking at the earlier ones."""
    return step.revision == stand.revision + 1 and not step.corrects


def extend(stand: Stand, step: Step) -> tuple[Stand, Step]:
    """The chain with the next step at its end. Constant cost, however long the chain."""
    entered = step.created_on if stand.revision == 0 else stand.entered_on
    if step.to == stand.stage:
        return Stand(step.revision, step.to, entered), replace(step, moved_from=None, seconds=None)
    at = max(step.occurred_at, entered) if entered else step.occurred_at
    seconds = (at - entered).total_seconds() if entered else None
    return Stand(step.revision, step.to, at), replace(step, moved_from=stand.stage, seconds=seconds)


def walk(steps: Iterable[Step]) -> tuple[Stand, list[Step]]:
    """The chain from the beginning, over the steps that are known."""
    told = sorted(steps, key=lambda step: step.revision)
    taken_back = {event_id for step in told for event_id in step.corrects}
    stand = Stand()
    walked: list[Step] = []
    for step in told:
        if step.revision != stand.revision + 1:  # one in between is missing: believe its own `from`
            stand = Stand(step.revision - 1, step.from_said, None)
        if step.event_id in taken_back:
            begun = step.created_on if stand.revision == 0 else stand.entered_on
            stand = Stand(step.revision, stand.stage, begun)
            walked.append(replace(step, moved_from=None, seconds=None))
            continue
        stand, placed = extend(stand, step)
        walked.append(placed)
    return stand, walked


def moves(steps: Iterable[Step]) -> list[Move]:
    """What of these steps is counted in the pipeline."""
    return [
        Move(step.occurred_at, step.moved_from, step.to, scale(step.seconds))
        for step in steps
        if step.moved_from is not None
    ]


def scale(seconds: float | None) -> int:
    """The place of a duration on the logarithmic scale: 0 is under a second."""
    if seconds is None:
        return UNKNOWN
    return 0 if seconds < 1 else 1 + int(PER_OCTAVE * math.log2(seconds))


def median_seconds(counts: Sequence[tuple[int, int]]) -> float | None:
    """The median of durations counted on the scale, as [(place, how many)]: exact to one step, 19 %, at worst.

    Inside a step the durations are taken as evenly spread on the logarithmic scale. None where none is known.
    """
    known = sorted((place, count) for place, count in counts if place != UNKNOWN and count > 0)
    half = sum(count for _, count in known) / 2
    below = 0
    for place, count in known:
        if below + count >= half:
            if place == 0:
                return 0.5
            share = (half - below) / count
            return float(2 ** ((place - 1 + share) / PER_OCTAVE))
        below += count
    return None
