"""Dry run: the moves that a change of the settings would bring, before it is saved."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .fold import advance
from .journey import Journey
from .outcome import Transition
from .settings import SettingsHistory, TenantSettings

HORIZON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DryRunMove:
    """A move within the horizon; `anyway`: the lead would make it at the same time without the change."""

    transition: Transition
    anyway: bool


def dry_run(
    journey: Journey, history: SettingsHistory, changed: TenantSettings, now: datetime, horizon: timedelta = HORIZON
) -> list[DryRunMove]:
    """The moves until the horizon if the changed settings held from now on and no signal was received.

    Settings never change the past, so the stored journey is enough. It is copied, not changed.
    """
    until = now + horizon
    anyway = {transition.key for transition in _moves(journey, history, until)}
    proposed = history.followed_by(replace(changed, valid_from=now))
    return [DryRunMove(each, each.key in anyway) for each in _moves(journey, proposed, until)]


def _moves(journey: Journey, history: SettingsHistory, until: datetime) -> Iterable[Transition]:
    return advance(deepcopy(journey), (), history, until).transitions
