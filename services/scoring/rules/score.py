"""From a history to scores in whole points, their explanation, and the moment at which they will next change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor, fsum, log, log2, pow
from typing import NamedTuple

from services.scoring.rules.history import History
from services.scoring.rules.model import DAY, SCORES, Model, Rule

MIN_WAIT = 1.0
"""Seconds: the next change is at least this far ahead, so that a rounding error cannot make a worker loop."""

MAX_WAIT = 400 * DAY
"""Seconds: a change that is farther ahead is looked for again after this time."""


class Gave(NamedTuple):
    """What a rule gave or took in a score: its points, and how many times they were given."""

    rule: Rule
    points: float
    times: int


class Score(NamedTuple):
    """The scores of a lead in whole points. Without an event they stay so until `next_change_at` (None: for ever).

    `gave` are the rules that matched, before caps and rounding.
    """

    fit: int
    intent: int
    engagement: int
    band: str
    model_version: int
    at: datetime
    next_change_at: datetime | None = None
    gave: Sequence[Gave] = ()

    @property
    def total(self) -> int:
        return self.fit + self.intent + self.engagement

    @property
    def points(self) -> tuple[int, int, int]:
        return (self.fit, self.intent, self.engagement)


@dataclass(frozen=True, slots=True)
class Contribution:
    """Points that a rule gave, or that `cap`, `floor` or `rounding` added or took away; with two decimal places."""

    score: str
    rule: str
    points: Decimal
    event_id: str | None = None
    fact: str | None = None
    field: str | None = None
    at: datetime | None = None


class Reason(NamedTuple):
    """A rule that gave or took points, with all its occurrences together; points with two decimal places."""

    rule: str
    score: str
    points: float
    times: int
    fact: str | None
    field: str | None


MAX_REASONS = 3
"""The reasons that are published with a score."""


@dataclass(slots=True)
class _Sum:
    """The points of one score: all of them, and those that fade, as absolute amounts by half-life in seconds."""

    points: list[float] = field(default_factory=list)
    gains: dict[float, float] = field(default_factory=dict)
    """Positive points that fade."""
    losses: dict[float, float] = field(default_factory=dict)
    """Negative points that fade."""


def score_at(model: Model, history: History, moment: datetime) -> Score:
    """The scores at a moment, from the history at the same moment."""
    sums = {name: _Sum() for name in SCORES}
    gave: list[Gave] = []
    for rule in model.candidates(history):
        matches = _matches(rule, history)
        if not matches:
            continue
        total = sums[rule.score]
        half_life = rule.half_life
        if half_life is None:
            total.points.extend([rule.points] * len(matches))
            gave.append(Gave(rule, rule.points * len(matches), len(matches)))
            continue
        faded = [decayed(rule.points, half_life, (moment - at).total_seconds()) for at, _ in matches]
        total.points.extend(faded)
        points = fsum(faded)
        gave.append(Gave(rule, points, len(matches)))
        fading = total.gains if rule.points > 0 else total.losses
        fading[half_life] = fading.get(half_life, 0.0) + abs(points)
    whole: list[int] = []
    changes = list(history.ends)
    for name, total in sums.items():
        raw, cap = fsum(total.points), model.caps[name]
        whole.append(_whole(raw, cap))
        changes += [moment + timedelta(seconds=wait) for wait in _waits(total, raw, whole[-1], cap)]
    fit, intent, engagement = whole
    band = model.band(fit + intent + engagement)
    return Score(fit, intent, engagement, band, model.version, moment, min(changes, default=None), gave)


def explain(model: Model, history: History, moment: datetime) -> list[Contribution]:
    """Every contribution. They sum exactly to each score of `score_at`, and so to the total."""
    contributions: list[Contribution] = []
    for name in SCORES:
        raw: list[float] = []
        of_score: list[Contribution] = []
        for rule in model.rules:
            for at, event_id in _matches(rule, history) if rule.score == name else ():
                if rule.field is not None:
                    _, at, event_id = history.field_since(rule.field)
                points = rule.points
                if rule.half_life is not None:
                    points = decayed(points, rule.half_life, (moment - at).total_seconds())
                raw.append(points)
                of_score.append(
                    Contribution(name, rule.id, two_decimals(points), event_id or None, rule.fact, rule.field, at)
                )
        total, cap = fsum(raw), model.caps[name]
        if total > cap:
            of_score.append(Contribution(name, "cap", two_decimals(cap - total)))
        elif total < 0:
            of_score.append(Contribution(name, "floor", two_decimals(-total)))
        rest = _whole(total, cap) - sum((contribution.points for contribution in of_score), Decimal(0))
        of_score.append(Contribution(name, "rounding", rest))
        contributions += [contribution for contribution in of_score if contribution.points]
    return contributions


def main_reasons(score: Score) -> list[Reason]:
    """The rules that weigh most in a score, gains and losses alike, the heaviest first."""
    found = [
        Reason(rule.id, rule.score, points, times, rule.fact, rule.field)
        for rule, unrounded, times in score.gave
        if (points := round(unrounded, 2))
    ]
    return sorted(found, key=lambda reason: (-abs(reason.points), reason.rule))[:MAX_REASONS]


def decayed(points: float, half_life: float, age: float) -> float:
    """The points that are left after `age` seconds; half of them after `half_life` seconds."""
    return points * pow(2.0, -max(age, 0.0) / half_life)


def two_decimals(points: float) -> Decimal:
    """Points rounded to two decimal places."""
    return Decimal(repr(points)).quantize(Decimal("0.01"))


def _matches(rule: Rule, history: History) -> list[tuple[datetime, str]]:
    """For each time that a rule gives its points: the moment from which they fade, and the event id."""
    if rule.fact is not None:
        value, at, event_id = history.facts.get(rule.fact) or (None, history.captured_at, "")
        return [(at, event_id)] if rule.test is not None and rule.test(value) else []
    if rule.field is not None:
        if rule.test is None or not rule.test(history.field(rule.field)):
            return []
        if rule.half_life is None:
            return [(history.captured_at, "")]
        dated = history.field_since(rule.field)
        return [(dated.since, dated.event_id)]
    return [(event.at, event.event_id) for event in rule.find(history)] if rule.find else []


def _whole(raw: float, cap: int) -> int:
    return floor(min(max(raw, 0.0), float(cap)) + 0.5)


def _waits(total: _Sum, raw: float, whole: int, cap: int) -> Iterable[float]:
    """Seconds for which the whole score cannot change, by fading gains and by fading losses.

    Each is computed as if the other did not fade. That is exact where a score has only gains or only losses, and too
    early, never too late, where it has both.
    """
    if total.gains and whole > 0:
        yield from _seconds_to_lose(total.gains, raw - (whole - 0.5))
    if total.losses and whole < cap:
        yield from _seconds_to_lose(total.losses, whole + 0.5 - raw)


def _seconds_to_lose(points: Mapping[float, float], loss: float) -> Iterable[float]:
    """Seconds until points (by half-life) have faded by `loss`; nothing if they never do.

    Newton's method, from the left on a falling convex curve: each step comes closer and does not overshoot.
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
    yield min(max(wait, MIN_WAIT), MAX_WAIT)
