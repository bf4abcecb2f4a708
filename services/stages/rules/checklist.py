"""The qualification checklist: which items are ticked, what is missing, and which tick completes it."""

from datetime import datetime

from .journey import Journey, Tick
from .settings import Item, Settings

SCORE_SLACK = 10  # a score tick holds from N up to N-10 down
BY_SCORE, BY_REPLY = "score", "reply"


def missing(journey: Journey, settings: Settings) -> list[Item]:
    """The required items that are not ticked."""
    return [item for item in settings.checklist if item.required and not is_ticked(journey, item)]


def is_complete(journey: Journey, settings: Settings) -> bool:
    """At least one required item, and all of them ticked by a signal (a changed list alone ticks nothing)."""
    required = False
    for item in settings.checklist:
        if item.required:
            required = True
            if not _ticked(journey, item):
                return False
    return required


def tick(journey: Journey, item: str, ticked: bool, by: str, at: datetime, evidence: str | None = None) -> None:
    journey.ticks[item] = Tick(ticked, by, at, evidence)


def follow_score(journey: Journey, settings: Settings, at: datetime) -> None:
    """Sets the items that follow the score to what the score last read says."""
    for item in settings.checklist:
        if item.score_at_least is None or journey.score is None:
            continue
        now = holds(journey, item)
        before = journey.ticks.get(item.id)
        if before is None and not now:
            continue
        if before is None or before.ticked != now:
            journey.ticks[item.id] = Tick(now, BY_SCORE, at)


def holds(journey: Journey, item: Item) -> bool:
    """Whether the present score ticks an item with `score_at_least`, which it loses only ten points below."""
    if item.score_at_least is None or journey.score is None:
        return False
    before = journey.ticks.get(item.id)
    slack = SCORE_SLACK if before is not None and before.ticked else 0
    return journey.score >= item.score_at_least - slack


def follows_score(settings: Settings, item_id: str) -> bool:
    """Whether a rule ticks the item, so that no person does."""
    return any(item.id == item_id and item.score_at_least is not None for item in settings.checklist)


def to_qualify(journey: Journey, settings: Settings) -> str | None:
    """What is missing, for people: "authority is missing, score 62 of 70"; None when nothing is."""
    return ", ".join(_lack(journey, item) for item in missing(journey, settings)) or None


def is_ticked(journey: Journey, item: Item) -> bool:
    """Whether the item is ticked now; one that follows the score is read from the score."""
    return _ticked(journey, item) if item.score_at_least is None else holds(journey, item)


def _lack(journey: Journey, item: Item) -> str:
    if item.score_at_least is not None:
        return f"score {journey.score or 0} of {item.score_at_least}"
    label = item.label if item.label[1:2].isupper() else item.label[:1].lower() + item.label[1:]
    return f"{label} is missing"


def _ticked(journey: Journey, item: Item) -> bool:
    tick = journey.ticks.get(item.id)
    return tick is not None and tick.ticked
