"""What goals publishes. The subject of these events is the goal's id."""

from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Moment


class GoalProgressed(Event):
    """The goal's value changed; published at most once a second for each goal."""

    type = "goal.progressed"
    publisher = "goals"
    about: ClassVar[str] = "goal"
    goal_id: UUID
    period_start: Moment
    current_value: int
    target: int


class GoalAchieved(GoalProgressed):
    """The goal reached its target in this period; published once for each period."""

    type = "goal.achieved"
