"""Dry run: which moves a change of the settings would bring, before it is saved."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .fold import advance
from .journey import Journey
from .outcome import Transition
from .settings import Settings, SettingsHistory

HORIZON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Move:
    """A move within the horizon; `anyway`: it would come at the same time without the change."""

    transition: Transition
    anyway: bool


def dry_run(
    journey: Journey, history: SettingsHistory, changed: Settings, now: datetime, horizon: timedelta = HORIZON
) -> list[Move]:
    """The moves from now until the horizon if the changed settings held from now on and no signal came.

    Settings say nothing about the past, so the stored journey is enough; it is not changed.
    """
    until = now + horizon
    anyway = {transition.key for transition in _moves(journey, history, until)}
    proposed = history.followed_by(replace(changed, valid_from=now))
    return [Move(each, each.key in anyway) for each in _moves(journey, proposed, until)]


def _moves(journey: Journey, history: SettingsHistory, until: datetime) -> Iterable[Transition]:
    return advance(deepcopy(journey), (), history, until).transitions
