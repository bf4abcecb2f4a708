"""The qualification checklist: which items are ticked, what is missing, and which tick completes it."""

from datetime import datetime

from .journey import Journey, Tick
from .settings import Item, Settings

SCORE_SLACK = 10  # a score tick holds from N up to N-10 down
BY_SCORE, BY_REPLY = "score", "reply"


def missing(journey: Journey, settings: Settings) -> list[Item]:
    """The required items that are not ticked."""
    return [item for item in settings.checklist if item.required and not _ticked(journey, item)]


def is_complete(journey: Journey, settings: Settings) -> bool:
    """At least one required item, and all of them ticked."""
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
    parts = []
    for item in settings.checklist:
        if not item.required:
            continue
        if item.score_at_least is not None:
            if not holds(journey, item):
                parts.append(f"score {journey.score or 0} of {item.score_at_least}")
        elif not _ticked(journey, item):
            parts.append(f"{item.label[:1].lower()}{item.label[1:]} is missing")
    return ", ".join(parts) or None


def _ticked(journey: Journey, item: Item) -> bool:
    tick = journey.ticks.get(item.id)
    return tick is not None and tick.ticked
