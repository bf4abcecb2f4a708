"""A scoring model: data that a tenant may write, and the same compiled into what is quick to apply."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.scoring.rules.history import History, Occurrence, look_up, unanswered

SCORES = ("fit", "intent", "engagement")
OPERATORS = ("eq", "ne", "in", "gte", "lte", "contains", "exists")
SUBJECTS = ("fact", "field", "engagement", "reply", "meeting", "message")
RESERVED_IDS = ("cap", "floor", "rounding")
"""Names of contributions that no rule of a model makes."""

DEFAULT_CAPS = {"fit": 40, "intent": 30, "engagement": 30}
DEFAULT_BANDS = {"A": 75, "B": 50, "C": 25}

MEETINGS = ("booked", "held", "cancelled")
DETAILS = {
    "engagement": ("kind", "page", "url"),
    "reply": ("label", "channel", "confidence", "method"),
    "meeting": ("title",),
    "message": ("kind", "channel", "sequence_id", "step"),
}
"""Details of an event that a condition may name instead of a kind; of engagement also `properties.<name>`."""

Definition = Mapping[str, Any]
Test = Callable[[Any], bool]
Find = Callable[[History], list[Occurrence]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`points` are given once for a field or fact that passes `test`, or for each occurrence that `find` yields."""

    id: str
    score: str
    points: float
    half_life: float | None
    """Seconds until half of the points are left; None: they stay."""
    fact: str | None = None
    field: str | None = None
    on: str = ""
    """What its condition looks at, one of SUBJECTS."""
    test: Test | None = None
    find: Find | None = None
    absence: bool = False
    """It may find something where there is nothing."""


@dataclass(frozen=True, slots=True)
class Model:
    version: int
    rules: tuple[Rule, ...]
    caps: Mapping[str, int]
    bands: tuple[tuple[int, str], ...]
    """Thresholds, highest first."""
    by_fact: Mapping[str, tuple[Rule, ...]]
    by_event: Mapping[str, tuple[Rule, ...]]
    always: tuple[Rule, ...]
    """The rules again, so that those that cannot apply are not even looked at."""

    def candidates(self, history: History) -> Iterator[Rule]:
        """The rules that may find something."""
        yield from self.always
        for name in history.facts:
            yield from self.by_fact.get(name, ())
        for on, rules in self.by_event.items():
            if _all(history, on):
                yield from rules

    def band(self, total: int) -> str:
        for threshold, name in self.bands:
            if total >= threshold:
                return name
        return "D"


def compile_model(version: int, definition: Definition) -> Model:
    """The model of a definition that `problems` finds nothing wrong with."""
    bands = DEFAULT_BANDS | dict(definition.get("bands") or {})
    rules = tuple(_rule(rule) for rule in definition["rules"])
    present = [rule for rule in rules if not rule.absence]
    events = [on for on in SUBJECTS if on not in ("fact", "field")]
    return Model(
        version=version,
        rules=rules,
        by_fact={
            name: tuple(rule for rule in present if rule.fact == name)
            for name in dict.fromkeys(rule.fact for rule in present if rule.fact)
        },
        by_event={on: tuple(rule for rule in present if rule.on == on) for on in events},
        always=tuple(rule for rule in rules if rule.absence or rule.on == "field"),
        caps=DEFAULT_CAPS | dict(definition.get("caps") or {}),
        bands=tuple(sorted(((threshold, name) for name, threshold in bands.items()), reverse=True)),
    )


def problems(definition: Definition) -> list[dict[str, str]]:
    """What is wrong with a definition whose types are right: `{field, message}` for each."""
    found: list[dict[str, str]] = []
    seen: set[str] = set()
    for index, rule in enumerate(definition["rules"]):
        place = f"rules.{index}"
        if rule["id"] in seen:
            found.append({"field": f"{place}.id", "message": "another rule has this id"})
        if rule["id"] in RESERVED_IDS:
            found.append({"field": f"{place}.id", "message": f"{', '.join(RESERVED_IDS)} are reserved"})
        seen.add(rule["id"])
        message = _when_problem(rule["when"])
        if message:
            found.append({"field": f"{place}.when", "message": message})
    bands = DEFAULT_BANDS | dict(definition.get("bands") or {})
    if not bands["A"] >= bands["B"] >= bands["C"]:
        found.append({"field": "bands", "message": "A must not lie below B, nor B below C"})
    return found


def _when_problem(when: Mapping[str, Any]) -> str | None:
    op, value = when.get("op", "exists"), when.get("value")
    if op == "in" and not isinstance(value, list | tuple):
        return "op in needs a list as its value"
    if op in ("eq", "ne", "contains") and value is None:
        return f"op {op} needs a value"
    if op in ("gte", "lte") and (value is None or isinstance(value, bool | list | dict)):
        return f"op {op} needs a number or text as its value"
    if when.get("meeting") and when["meeting"] not in (*MEETINGS, *DETAILS["meeting"]):
        return f"a meeting is one of {', '.join(MEETINGS)}"
    return None


def _rule(rule: Definition) -> Rule:
    when = rule["when"]
    on = next(subject for subject in SUBJECTS if when.get(subject))
    half_life = rule.get("half_life_days")
    name, op, value = when[on], when.get("op", "exists"), when.get("value")
    state = on in ("fact", "field")
    test = _test(op, value) if state else None
    find = None if state else _find(on, name, op, value)
    return Rule(
        id=rule["id"],
        score=rule["score"],
        points=float(rule["points"]),
        half_life=half_life * 86_400.0 if half_life else None,
        fact=name if on == "fact" else None,
        field=name if on == "field" else None,
        on=on,
        test=test,
        find=find,
        absence=bool((test and test(None)) or (find and find(_NOTHING))),
    )


_NOTHING = History(captured_at=datetime.min)
"""A lead of which nothing but its capture is known."""


def _test(op: str, value: Any) -> Test:
    """A test of one value. What is not there passes no test but `exists` with the value false."""
    if op == "exists":
        wanted = value is not False
        return lambda actual: (actual not in (None, "", [])) is wanted
    if op == "in":
        options = {_same(option) for option in value}
        return lambda actual: actual is not None and _same(actual) in options
    expected = _same(value)
    if op == "eq":
        return lambda actual: actual is not None and _same(actual) == expected
    if op == "ne":
        return lambda actual: actual is not None and _same(actual) != expected
    if op == "contains":
        return lambda actual: _contains(actual, str(expected))
    return lambda actual: _reaches(actual, expected, op)


def _same(value: Any) -> Any:
    """What two values that people call the same have in common: letter case, 5 and 5.0 and "5", true and "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        value = value.strip()
        return _number(value) if value[:1] in "+-.0123456789" and value else value.casefold()
    if isinstance(value, int):
        return float(value)
    return value if isinstance(value, float) else str(value)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.casefold()


def _contains(actual: Any, expected: str) -> bool:
    if isinstance(actual, list | tuple):
        return any(str(_same(item)) == expected for item in actual)
    return actual is not None and expected in str(actual).casefold()


def _reaches(actual: Any, expected: Any, op: str) -> bool:
    if actual is None:
        return False
    actual = _same(actual)
    if type(actual) is not type(expected):
        return False
    return bool(actual >= expected if op == "gte" else actual <= expected)


def _find(on: str, name: str, op: str, value: Any) -> Find:
    """The occurrences that a condition on events speaks of.

    A name that is a detail tests each event's detail. Any other name is a kind: `exists` (or true) takes every event of
    that kind, a number counts them, and text is looked for in what an engagement tells (page, url, properties).
    """
    if name in DETAILS[on] or name.startswith("properties."):
        test = _test(op, value)
        # A meeting is three occurrences in turn; its details are looked at once, when it is booked.
        return lambda history: [
            event
            for event in _all(history, on)
            if (on != "meeting" or event.kind == "booked") and test(_detail(event, name))
        ]
    if op == "exists" or value is True:
        if value is False:
            return _counting(on, name, lambda count: count == 0)
        return lambda history: _of_kind(history, on, name)
    if isinstance(value, int | float):
        return _counting(on, name, _test(op, value), int(value) if op == "gte" else None)
    test = _test(op, value)
    if op == "ne":
        return lambda history: [event for event in _of_kind(history, on, name) if all(map(test, _texts(event)))]
    return lambda history: [event for event in _of_kind(history, on, name) if any(map(test, _texts(event)))]


def _all(history: History, on: str) -> list[Occurrence]:
    if on == "engagement":
        return history.engagements
    if on == "reply":
        return history.replies
    return history.meetings if on == "meeting" else history.messages


def _of_kind(history: History, on: str, kind: str) -> list[Occurrence]:
    if on == "message" and kind == "unanswered":
        return unanswered(history)
    return [event for event in _all(history, on) if event.kind == kind]


def _counting(on: str, kind: str, test: Test, reached: int | None = None) -> Find:
    """One occurrence if the number of events passes: the event that made it so, or the capture where there is none."""

    def find(history: History) -> list[Occurrence]:
        events = _of_kind(history, on, kind)
        if not test(len(events)):
            return []
        if reached is not None and 0 < reached <= len(events):
            return [events[reached - 1]]
        return [events[-1] if events else Occurrence(kind, history.captured_at, "", {})]

    return find


def _detail(event: Occurrence, name: str) -> Any:
    return event.kind if name in ("kind", "label") else look_up(event.data, name)


def _texts(event: Occurrence) -> list[str]:
    """What an event tells in words, for conditions that look for a text."""
    properties = event.data.get("properties") or {}
    told = [event.data.get("page"), event.data.get("url"), event.data.get("title"), *properties.values()]
    return [text for text in told if isinstance(text, str)]
