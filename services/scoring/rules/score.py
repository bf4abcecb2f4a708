"""From a history to whole-numbered scores, their explanation to the cent, and the moment they will next change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor, fsum, log, log2, pow
from typing import NamedTuple

from services.scoring.rules.history import History
from services.scoring.rules.model import SCORES, Model, Rule

SOONEST = 1.0
"""Seconds: a next change is never told as nearer than this, lest the last bit of a float make a worker spin."""

FARTHEST = 400 * 86_400.0
"""Seconds: what changes later than this is looked at again then."""


class Score(NamedTuple):
    """Whole points. `next_change_at`: before this moment they will not change by themselves; None: never."""

    fit: int
    intent: int
    engagement: int
    band: str
    model_version: int
    at: datetime
    next_change_at: datetime | None = None

    @property
    def total(self) -> int:
        return self.fit + self.intent + self.engagement

    @property
    def points(self) -> tuple[int, int, int]:
        return (self.fit, self.intent, self.engagement)


@dataclass(frozen=True, slots=True)
class Contribution:
    """Why `points` (two decimal places) were given or, by a cap, taken."""

    score: str
    rule: str
    points: Decimal
    event_id: str | None = None
    fact: str | None = None
    field: str | None = None
    at: datetime | None = None


@dataclass(slots=True)
class _Sum:
    """What one score is made of: every point, and again those that fade, by half-life: given ones and taken ones."""

    points: list[float] = field(default_factory=list)
    given: dict[float, float] = field(default_factory=dict)
    taken: dict[float, float] = field(default_factory=dict)


def score_at(model: Model, history: History, moment: datetime) -> Score:
    """The scores at a moment, from a history gathered at that same moment."""
    sums = {name: _Sum() for name in SCORES}
    for rule in model.candidates(history):
        found = _found(rule, history)
        if not found:
            continue
        total = sums[rule.score]
        half_life = rule.half_life
        if half_life is None:
            total.points.extend([rule.points] * len(found))
            continue
        fading = total.given if rule.points > 0 else total.taken
        for at, _ in found:
            points = decayed(rule.points, half_life, (moment - at).total_seconds())
            total.points.append(points)
            fading[half_life] = fading.get(half_life, 0.0) + abs(points)
    whole: list[int] = []
    changes = list(history.ends)
    for name, total in sums.items():
        raw, cap = fsum(total.points), model.caps[name]
        whole.append(_whole(raw, cap))
        changes += [moment + timedelta(seconds=wait) for wait in _waits(total, raw, whole[-1], cap)]
    fit, intent, engagement = whole
    band = model.band(fit + intent + engagement)
    return Score(fit, intent, engagement, band, model.version, moment, min(changes, default=None))


def explain(model: Model, history: History, moment: datetime) -> list[Contribution]:
    """Every contribution; they sum exactly to each score, and so to the total, of `score_at`."""
    told: list[Contribution] = []
    for name in SCORES:
        raw: list[float] = []
        mine: list[Contribution] = []
        for rule in model.rules:
            for at, event_id in _found(rule, history) if rule.score == name else ():
                if rule.field is not None:
                    _, at, event_id = history.field_since(rule.field)
                points = rule.points
                if rule.half_life is not None:
                    points = decayed(points, rule.half_life, (moment - at).total_seconds())
                raw.append(points)
                mine.append(Contribution(name, rule.id, cents(points), event_id or None, rule.fact, rule.field, at))
        total, cap = fsum(raw), model.caps[name]
        if total > cap:
            mine.append(Contribution(name, "cap", cents(cap - total)))
        elif total < 0:
            mine.append(Contribution(name, "floor", cents(-total)))
        rest = _whole(total, cap) - sum((contribution.points for contribution in mine), Decimal(0))
        mine.append(Contribution(name, "rounding", rest))
        told += [contribution for contribution in mine if contribution.points]
    return told


def decayed(points: float, half_life: float, age: float) -> float:
    """What is left of points after `age` seconds."""
    return points * pow(2.0, -max(age, 0.0) / half_life)


def cents(points: float) -> Decimal:
    """Points to two decimal places."""
    return Decimal(repr(points)).quantize(Decimal("0.01"))


def _found(rule: Rule, history: History) -> list[tuple[datetime, str]]:
    """What a rule gives its points for: the moment that they fade from, and the event."""
    if rule.fact is not None:
        value, at, event_id = history.facts.get(rule.fact) or (None, history.captured_at, "")
        return [(at, event_id)] if rule.test is not None and rule.test(value) else []
    if rule.field is not None:
        if rule.test is None or not rule.test(history.field(rule.field)):
            return []
        if rule.half_life is None:
            return [(history.captured_at, "")]
        return [history.field_since(rule.field)[1:]]
    return [(event.at, event.event_id) for event in rule.find(history)] if rule.find else []


def _whole(raw: float, cap: int) -> int:
    return floor(min(max(raw, 0.0), float(cap)) + 0.5)


def _waits(total: _Sum, raw: float, whole: int, cap: int) -> Iterable[float]:
    """Seconds in which the score surely stays: until what was given, or what was taken, has faded by enough.

    Each is looked at as if the other stood still. That tells the moment exactly where only one of them is there, and
    too early, never too late, where both are.
    """
    if total.given and whole > 0:
        yield from _fades_by(total.given, raw - (whole - 0.5))
    if total.taken and whole < cap:
        yield from _fades_by(total.taken, whole + 0.5 - raw)


def _fades_by(points: Mapping[float, float], loss: float) -> Iterable[float]:
    """Seconds until points (by half-life) have lost `loss`; nothing if they never will.

    Newton's method from the left on a falling convex curve: it comes closer with each step and never passes.
    """
    now = sum(points.values())
    left = now - loss
    if left <= 0:
        return
    wait = min(points) * log2(now / left)
    if len(points) > 1:
        for _ in range(6):
            height = slope = 0.0
            for half_life, amount in points.items():
                remaining = decayed(amount, half_life, wait)
                height += remaining
                slope += remaining * log(2) / half_life
            if slope <= 0.0:
                break
            wait += (height - left) / slope
    yield min(max(wait, SOONEST), FARTHEST)
