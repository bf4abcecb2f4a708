"""What a fold answers: the journey, the moves on the way, what was ignored and why, and hot alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .journey import Journey
from .stages import Stage

MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Transition:
    """One move, or a change of the status alone (then `from_` is `to`).

    `caused_by` is an event id, or a timer's id; `reason` a clause for people, without a full stop.
    """

    from_: Stage
    to: Stage
    rule: str
    actor: str
    reason: str
    caused_by: str
    occurred_at: datetime
    from_status: str
    status: str
    disqualification_reason: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The facts of the journey just after it."""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two transitions of two folds the same entry of the timeline; its words may differ."""
        return self.rule, self.from_, self.to, self.from_status, self.status, self.caused_by, self.occurred_at


@dataclass(frozen=True, slots=True)
class Ignored:
    """A signal that changed nothing, and why. `routine`: nothing else was to be expected (a second message)."""

    digest: str
    event_id: str
    type: str
    reason: str
    occurred_at: datetime
    routine: bool = False


@dataclass(frozen=True, slots=True)
class BecameHot:
    """The score reached the threshold from below: what `lead.became_hot` says."""

    total: int
    threshold: int
    caused_by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """The journey is the very object that was advanced; the lists hold what this fold added, in order."""

    journey: Journey
    transitions: list[Transition] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    became_hot: list[BecameHot] = field(default_factory=list)
