"""The conditions of scoring rules: a test of one value, or a search for the occurrences that give points.

A condition looks at one of SUBJECTS. Facts and fields have one value, which is tested. Of the others there may be many
events, and those that match are found.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal

from services.scoring.rules.history import History, Occurrence, look_up, unanswered_messages
from shared.strict_json import fits_64_bits, has_half_pair

Operator = Literal["eq", "ne", "in", "gte", "lte", "contains", "exists"]
SUBJECTS = ("fact", "field", "engagement", "reply", "meeting", "message")

MEETINGS = ("booked", "held", "cancelled")
DETAILS: Mapping[str, tuple[str, ...]] = {
    "engagement": ("kind", "page", "url"),
    "reply": ("label", "channel", "confidence", "method"),
    "meeting": ("title",),
    "message": ("kind", "channel", "sequence_id", "step"),
}
"""Details of an event that a condition may name instead of a kind; for engagement also `properties.<name>`."""

ONLY_CAPTURED = History(captured_at=datetime.min.replace(tzinfo=UTC))
"""The history of a lead of which only the capture is known."""

Test = Callable[[Any], bool]
Find = Callable[[History], list[Occurrence]]


def condition_error(when: Mapping[str, Any]) -> str | None:
    """What is wrong with a condition whose types are right; None if nothing is."""
    op, value = when.get("op", "exists"), when.get("value")
    if not all(map(_is_storable, value if isinstance(value, list | tuple) else [value])):
        return "a value is a whole number beyond 64 bits, or a text with half of a surrogate pair"
    if op == "exists" and value is not None and not isinstance(value, bool):
        return "op exists takes true or false as its value; to compare with a value, name another op"
    if op == "in" and not isinstance(value, list | tuple):
        return "op in needs a list as its value"
    if op in ("eq", "ne", "contains") and value is None:
        return f"op {op} needs a value"
    if op in ("gte", "lte") and (value is None or isinstance(value, bool | list | dict)):
        return f"op {op} needs a number or text as its value"
    if when.get("meeting") and when["meeting"] not in (*MEETINGS, *DETAILS["meeting"]):
        return f"meeting must be one of {', '.join(MEETINGS)}"
    if not _names_a_kind(when):
        return None
    if op == "contains" and isinstance(value, int | float) and value is not True:
        return "the number of events contains nothing; to find a text in them, give the value as a text"
    if op in ("gte", "lte") and not isinstance(value, int | float):
        return f"op {op} compares the number of events, so its value is a number"
    if op == "in" and any(not isinstance(option, str) for option in value or ()):
        return "op in finds texts in events; to compare their number, use eq, gte or lte"
    if (op == "eq" and value is False) or (op == "ne" and isinstance(value, bool)):
        return f"op {op} compares the number of events, or finds a text; for none of them use exists with false"
    return None


def _names_a_kind(when: Mapping[str, Any]) -> bool:
    """Whether a condition names a kind of events, and no detail of them nor a fact or field."""
    return any(when.get(subject) and not _is_detail(subject, when[subject]) for subject in DETAILS)


def _is_detail(subject: str, name: str) -> bool:
    return name in DETAILS[subject] or name.startswith("properties.")


def _is_storable(value: Any) -> bool:
    """Whether a value can be stored with the model: no whole number beyond 64 bits, no half of a surrogate pair."""
    if isinstance(value, str):
        return not has_half_pair(value)
    return not isinstance(value, int) or fits_64_bits(value)


def value_test(op: str, value: Any) -> Test:
    """A test of one value. A missing value passes only `exists` with the value false."""
    if op == "exists":
        wanted = value is not False
        return lambda actual: (actual not in (None, "", [])) is wanted
    if op == "in":
        options = {_normalised(option) for option in value}
        return lambda actual: actual is not None and _normalised(actual) in options
    expected = _normalised(value)
    if op == "eq":
        return lambda actual: actual is not None and _normalised(actual) == expected
    if op == "ne":
        return lambda actual: actual is not None and _normalised(actual) != expected
    if op == "contains":
        text = str(value).strip().casefold()
        return lambda actual: _contains(actual, expected, text)
    bound = _ordered(value)
    return lambda actual: _compares(actual, bound, op)


def _normalised(value: Any) -> Any:
    """The value in a form in which equal ones compare equal: without letter case, 5 as "5", true as "true".

    Ids have more digits than a float tells apart: those are compared as they are written.
    """
    found = _ordered(value)
    if not isinstance(found, float) or abs(found) < _EXACT:
        return found
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip().casefold()


_EXACT = 2**53
"""Below it a float tells each whole number from the next."""


def _ordered(value: Any) -> Any:
    """The value in a form in which a greater one compares greater."""
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


def _contains(actual: Any, expected: Any, text: str) -> bool:
    """Whether a list has an item that is equal to the expected value, or a text contains it as it was written."""
    if isinstance(actual, list | tuple):
        return any(_normalised(item) == expected for item in actual)
    return actual is not None and text in str(actual).casefold()


def _compares(actual: Any, expected: Any, op: str) -> bool:
    """Whether `gte` or `lte` holds; never for two values of different types."""
    if actual is None:
        return False
    actual = _ordered(actual)
    if type(actual) is not type(expected):
        return False
    return bool(actual >= expected if op == "gte" else actual <= expected)


def event_search(subject: str, name: str, op: str, value: Any, *, daily: bool = False) -> Find:
    """A search for the occurrences that match a condition on events; `daily` finds and counts them `once_a_day`.

    If the name is a detail, the detail of each event is tested. Any other name is a kind: `exists` (or the value true)
    finds every event of that kind, a number is compared with their count, and a text is searched for in the page, url,
    title and properties of each.
    """
    find = _event_search(subject, name, op, value, once_a_day if daily else lambda each: each)
    return once_a_day(find) if daily else find


def _event_search(subject: str, name: str, op: str, value: Any, counted: Callable[[Find], Find]) -> Find:
    if _is_detail(subject, name):
        test = value_test(op, value)
        # A meeting has several occurrences with the same details. Those of the booking count.
        return lambda history: [
            event
            for event in occurrences(history, subject)
            if (subject != "meeting" or event.kind == "booked") and test(_detail(event, name))
        ]

    def of_kind(history: History) -> list[Occurrence]:
        return _of_kind(history, subject, name)

    if op == "exists" or value is True:
        if value is False:
            return _count_search(name, of_kind, lambda count: count == 0)
        return of_kind
    if isinstance(value, int | float):
        return _count_search(name, counted(of_kind), value_test(op, value), ceil(value) if op == "gte" else None)
    test = value_test(op, value)
    if op == "ne":
        return lambda history: [event for event in of_kind(history) if all(map(test, _texts(event)))]
    return lambda history: [event for event in of_kind(history) if any(map(test, _texts(event)))]


def once_a_day(find: Find) -> Find:
    """The same search, which finds of what happened to one thing on one day (UTC) only the first.

    One thing is a message, page or link that the events name. Mail clients and scanners open and follow them by
    themselves, again and again: that says no more about the person than the first time.
    """

    def find_first(history: History) -> list[Occurrence]:
        first: dict[tuple[Any, ...], Occurrence] = {}
        for event in find(history):
            first.setdefault((event.at.astimezone(UTC).date(), event.kind, *_thing(event)), event)
        return list(first.values())

    return find_first


def _thing(event: Occurrence) -> tuple[str, ...]:
    """The message, page or link that an event names; nothing where it names none."""
    properties = event.data.get("properties") or {}
    named = [properties.get(name) for name in ("message_id", "draft_id")]
    return tuple(str(value) for value in (*named, event.data.get("url"), event.data.get("page")) if value)


def occurrences(history: History, subject: str) -> list[Occurrence]:
    """All occurrences that a condition on this subject looks at."""
    if subject == "engagement":
        return history.engagements
    if subject == "reply":
        return history.replies
    return history.meetings if subject == "meeting" else history.messages


def _of_kind(history: History, subject: str, kind: str) -> list[Occurrence]:
    if subject == "message" and kind == "unanswered":
        return unanswered_messages(history)
    return [event for event in occurrences(history, subject) if event.kind == kind]


def _count_search(kind: str, counted: Find, test: Test, reached: int | None = None) -> Find:
    """A search that finds one occurrence if the number of the events that are counted passes the test.

    It is the event that reached the count `reached`, or else the last event, or else the capture.
    """

    def find(history: History) -> list[Occurrence]:
        events = counted(history)
        if not test(len(events)):
            return []
        if reached is not None and 0 < reached <= len(events):
            return [events[reached - 1]]
        return [events[-1] if events else Occurrence(kind, history.captured_at, "", {})]

    return find


def _detail(event: Occurrence, name: str) -> Any:
    return event.kind if name in ("kind", "label") else look_up(event.data, name)


def _texts(event: Occurrence) -> list[str]:
    """The texts of an event that a condition searches."""
    properties = event.data.get("properties") or {}
    values = [event.data.get("page"), event.data.get("url"), event.data.get("title"), *properties.values()]
    return [value for value in values if isinstance(value, str)]
