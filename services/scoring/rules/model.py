"""A scoring model: its definition, which is data that a tenant may write, and its compiled form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from services.scoring.rules.conditions import (
    ONLY_CAPTURED,
    SUBJECTS,
    Find,
    Test,
    condition_error,
    event_search,
    occurrences,
    value_test,
)
from services.scoring.rules.default_model import DEFAULT_BANDS, DEFAULT_CAPS
from services.scoring.rules.history import History

ScoreName = Literal["fit", "intent", "engagement"]
SCORES: tuple[ScoreName, ...] = get_args(ScoreName)

RESERVED_IDS = ("cap", "floor", "rounding")
"""Rule ids of contributions that scoring adds itself, so that no rule of a model may have them."""

DAY = 86_400.0
"""Seconds."""

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """`points` are given once for a field or fact that passes `test`, or for each occurrence that `find` returns."""

    id: str
    score: ScoreName
    points: float
    half_life: float | None
    """Seconds after which half of the points are left; None if they do not fade."""
    subject: str
    """What its condition looks at, one of SUBJECTS."""
    fact: str | None = None
    field: str | None = None
    test: Test | None = None
    find: Find | None = None
    absence: bool = False
    """Whether it gives points for something that is missing."""


@dataclass(frozen=True, slots=True)
class Model:
    """A definition in a form that is fast to apply."""

    version: int
    rules: tuple[Rule, ...]
    caps: Mapping[str, int]
    bands: tuple[tuple[int, str], ...]
    """Thresholds, highest first; of equal ones that of the better band."""
    by_fact: Mapping[str, tuple[Rule, ...]]
    by_event: Mapping[str, tuple[Rule, ...]]
    always: tuple[Rule, ...]
    """With `by_fact` and `by_event`: all rules, ordered so that `candidates` can skip those that cannot apply."""

    def candidates(self, history: History) -> Iterator[Rule]:
        """The rules that may apply to a history."""
        yield from self.always
        for name in history.facts:
            yield from self.by_fact.get(name, ())
        for subject, rules in self.by_event.items():
            if occurrences(history, subject):
                yield from rules

    def band(self, total: int) -> str:
        """The band of a total: that of the highest threshold reached, D below all of them."""
        for threshold, name in self.bands:
            if total >= threshold:
                return name
        return "D"


def compile_model(version: int, definition: Definition) -> Model:
    """The model of a definition in which `definition_errors` finds nothing."""
    rules = tuple(_rule(rule) for rule in definition["rules"])
    present = [rule for rule in rules if not rule.absence]
    events = [subject for subject in SUBJECTS if subject not in ("fact", "field")]
    bands = _bands(definition)
    return Model(
        version=version,
        rules=rules,
        by_fact={
            name: tuple(rule for rule in present if rule.fact == name)
            for name in dict.fromkeys(rule.fact for rule in present if rule.fact)
        },
        by_event={subject: tuple(rule for rule in present if rule.subject == subject) for subject in events},
        always=tuple(rule for rule in rules if rule.absence or rule.subject == "field"),
        caps=DEFAULT_CAPS | dict(definition.get("caps") or {}),
        bands=tuple((bands[name], name) for name in sorted(bands, key=lambda name: (-bands[name], name))),
    )


def definition_errors(definition: Definition) -> list[dict[str, str]]:
    """What is wrong with a definition whose types are right: `{field, message}` for each error."""
    errors: list[dict[str, str]] = []
    seen: set[str] = set()
    for index, rule in enumerate(definition["rules"]):
        place = f"rules.{index}"
        if rule["id"] in seen:
            errors.append({"field": f"{place}.id", "message": "another rule has this id"})
        if rule["id"] in RESERVED_IDS:
            errors.append({"field": f"{place}.id", "message": f"{', '.join(RESERVED_IDS)} are reserved"})
        seen.add(rule["id"])
        message = condition_error(rule["when"])
        if message:
            errors.append({"field": f"{place}.when", "message": message})
    bands = _bands(definition)
    if not bands["A"] >= bands["B"] >= bands["C"]:
        errors.append({"field": "bands", "message": "A must not be below B, and B must not be below C"})
    return errors


def _bands(definition: Definition) -> dict[str, int]:
    return DEFAULT_BANDS | dict(definition.get("bands") or {})


def _rule(rule: Definition) -> Rule:
    when = rule["when"]
    subject = next(subject for subject in SUBJECTS if when.get(subject))
    half_life = rule.get("half_life_days")
    name, op, value = when[subject], when.get("op", "exists"), when.get("value")
    has_one_value = subject in ("fact", "field")
    test = value_test(op, value) if has_one_value else None
    daily = bool(rule.get("once_a_day"))
    find = None if has_one_value else event_search(subject, name, op, value, daily=daily)
    return Rule(
        id=rule["id"],
        score=rule["score"],
        points=float(rule["points"]),
        half_life=half_life * DAY if half_life else None,
        subject=subject,
        fact=name if subject == "fact" else None,
        field=name if subject == "field" else None,
        test=test,
        find=find,
        absence=bool((test and test(None)) or (find and find(ONLY_CAPTURED))),
    )
