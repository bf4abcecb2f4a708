"""The outcome of a fold: the journey, the transitions on the way, the ignored signals, and the crossings to hot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .journey import Journey
from .stages import Stage

MANUAL = "manual"
"""The rule id of a move by a person."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One move from stage to stage, or a change of the status alone (then `from_` is `to`).

    `caused_by` is the id of an event or of a timer; `reason` is a clause for people, without a full stop.
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
    """The facts of the journey just after the transition."""

    @property
    def key(self) -> tuple[object, ...]:
        """The identity of the transition in the timeline; two folds may give it different reasons."""
        return self.rule, self.from_, self.to, self.from_status, self.status, self.caused_by, self.occurred_at


@dataclass(frozen=True, slots=True)
class Ignored:
    """A signal that changed nothing, and why. `routine`: that was to be expected (a second message, for example)."""

    digest: str
    event_id: str
    type: str
    reason: str
    occurred_at: datetime
    routine: bool = False


@dataclass(frozen=True, slots=True)
class BecameHot:
    """The lead became hot, by a score or by a move that opened it again: the content of `lead.became_hot`."""

    total: int
    threshold: int
    caused_by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """`journey` is the object that was advanced; the lists hold what this fold added, in order."""

    journey: Journey
    transitions: list[Transition] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    became_hot: list[BecameHot] = field(default_factory=list)
