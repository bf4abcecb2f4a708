"""The qualification checklist: which items are ticked, which are missing, and whether it is complete."""

from datetime import datetime

from .journey import Journey, Tick
from .settings import Item, TenantSettings

SCORE_SLACK = 10
"""Points: a tick by "score at least N" holds until the score is more than this below N."""

BY_SCORE, BY_REPLY = "score", "reply"


def missing(journey: Journey, settings: TenantSettings) -> list[Item]:
    """The required items that are not ticked."""
    return [item for item in settings.checklist if item.required and not is_ticked(journey, item)]


def is_complete(journey: Journey, settings: TenantSettings) -> bool:
    """Whether there is a required item, and a signal has ticked all of them (changing the list ticks nothing)."""
    required = False
    for item in settings.checklist:
        if item.required:
            required = True
            if not _tick_is_set(journey, item):
                return False
    return required


def set_tick(journey: Journey, item: str, ticked: bool, by: str, at: datetime, evidence: str | None = None) -> None:
    """Tick or untick an item."""
    journey.ticks[item] = Tick(ticked, by, at, evidence)


def follow_score(journey: Journey, settings: TenantSettings, at: datetime) -> None:
    """Set the ticks of the items that follow the score by the last score."""
    for item in settings.checklist:
        if item.score_at_least is None or journey.score is None:
            continue
        now = score_ticks(journey, item)
        before = journey.ticks.get(item.id)
        if before is None and not now:
            continue
        if before is None or before.ticked != now:
            journey.ticks[item.id] = Tick(now, BY_SCORE, at)


def drop_ticks(journey: Journey, settings: TenantSettings, at: datetime) -> None:
    """Untick the items that the last score ticked and would not tick by the present list: their N was raised since."""
    for item in settings.checklist:
        if item.score_at_least is not None and _tick_is_set(journey, item) and not score_ticks(journey, item):
            journey.ticks[item.id] = Tick(False, BY_SCORE, at)


def score_ticks(journey: Journey, item: Item) -> bool:
    """Whether the present score ticks an item "score at least N"; a set tick holds down to N-10."""
    if item.score_at_least is None or journey.score is None:
        return False
    before = journey.ticks.get(item.id)
    slack = SCORE_SLACK if before is not None and before.ticked else 0
    return journey.score >= item.score_at_least - slack


def follows_score(settings: TenantSettings, item_id: str) -> bool:
    """Whether the score ticks the item, so that a person cannot."""
    return any(item.id == item_id and item.score_at_least is not None for item in settings.checklist)


def describe_missing(journey: Journey, settings: TenantSettings) -> str | None:
    """The missing items for people: "authority is missing, score 62 of 70"; None when the checklist is complete."""
    return ", ".join(_describe(journey, item) for item in missing(journey, settings)) or None


def is_ticked(journey: Journey, item: Item) -> bool:
    """Whether the item is ticked now; an item that follows the score is read from the score."""
    return _tick_is_set(journey, item) if item.score_at_least is None else score_ticks(journey, item)


def _describe(journey: Journey, item: Item) -> str:
    if item.score_at_least is not None:
        return f"score {journey.score or 0} of {item.score_at_least}"
    label = item.label if item.label[1:2].isupper() else item.label[:1].lower() + item.label[1:]
    return f"{label} is missing"


def _tick_is_set(journey: Journey, item: Item) -> bool:
    tick = journey.ticks.get(item.id)
    return tick is not None and tick.ticked
