"""The mapping of a webhook: which part of a body fills which field of a lead, by an expression for each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from services.capture.rules.consent import CHANNELS
from services.capture.rules.errors import FieldError
from services.capture.rules.field_mapping import is_target
from services.capture.rules.text import text_of
from shared.events.base import DATE_TIME
from shared.events.stages import check_meeting
from shared.expressions import check_expression, evaluate
from shared.text import clean

MAX_EXPRESSION = 2_000
MAX_ITEMS = 1_000
MEETING = ("id", "starts_at", "ends_at", "title", "cancelled", "at")
_MAX_MEETING_ID = 200


class WebhookMapping(NamedTuple):
    """`lead`: field -> expression. `items`: the list of leads in a body, "" for one. `when`: which of them count.

    `meeting`: an appointment that an item books or cancels, part of `MEETING` -> expression.
    """

    lead: Mapping[str, str]
    items: str = ""
    when: str = ""
    meeting: Mapping[str, str] = {}


class Meeting(NamedTuple):
    """What an item says of an appointment: booked, or cancelled where it has no times. `at`: when it was booked."""

    id: str
    starts_at: datetime | None
    ends_at: datetime | None
    title: str | None
    at: datetime | None = None


class Item(NamedTuple):
    """One item of a body: the submission that it is, as `rules.contact.normalise` reads it.

    `counts`: whether the webhook's `when` is true of it.
    """

    raw: Any
    counts: bool
    submission: Mapping[str, Any]
    meeting: Meeting | None
    errors: Sequence[FieldError]


def mapping_errors(mapping: WebhookMapping) -> list[FieldError]:
    """What is wrong with a mapping: unknown fields, expressions that cannot be read, no address."""
    unknown = [name for name in mapping.lead if not is_target(name)]
    errors = [FieldError("mapping", f"names no field of a lead: {name}") for name in unknown]
    errors += [FieldError("meeting", f"has no {name}") for name in mapping.meeting if name not in MEETING]
    if not {"email", "phone"} & mapping.lead.keys():
        errors.append(FieldError("mapping", "gives neither email nor phone"))
    if mapping.meeting and not {"id", "starts_at", "ends_at"} <= mapping.meeting.keys():
        errors.append(FieldError("meeting", "needs id, starts_at and ends_at"))
    named = [("mapping." + name, text) for name, text in mapping.lead.items()]
    named += [("meeting." + name, text) for name, text in mapping.meeting.items()]
    for name, expression in [*named, ("items", mapping.items), ("when", mapping.when)]:
        try:
            if expression:
                check_expression(expression, longest=MAX_EXPRESSION)
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
    return errors


def items_of(mapping: WebhookMapping, body: Any) -> list[Any]:
    """The items in a body. Raises ValueError, with a sentence for people, where there is no list of them."""
    if not mapping.items:
        return [body]
    found = evaluate(mapping.items, body)
    if not isinstance(found, list) or not found:
        raise ValueError("`items` finds no list in this body")
    if len(found) > MAX_ITEMS:
        raise ValueError(f"the body has more than {MAX_ITEMS} items")
    return found


def read_item(mapping: WebhookMapping, raw: Any, source: str) -> Item:
    """What an item says. An expression that fails costs its field, with an error."""
    submission: dict[str, Any] = {"source": source}
    groups: dict[str, dict[str, Any]] = {"consent": {}, "attributes": {}}
    errors: list[FieldError] = []

    def value_of(name: str, expression: str) -> Any:
        try:
            return evaluate(expression, raw)
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
            return None

    if mapping.when and not value_of("when", mapping.when):
        return Item(raw, bool(errors), submission, None, errors)
    for name, expression in mapping.lead.items():
        value = value_of(name, expression)
        group, dot, part = name.partition(".")
        if value is None or value == "":
            continue
        if not dot:
            submission[name] = _scalar(value)
        elif group == "consent" and part in CHANNELS and isinstance(value, bool):
            groups[group][part] = "granted" if value else "denied"
        else:
            groups[group][part] = value if group == "attributes" else _scalar(value)
    submission |= {group: values for group, values in groups.items() if values}
    parts = {name: value_of(f"meeting.{name}", expression) for name, expression in mapping.meeting.items()}
    meeting, meeting_errors = _read_meeting(parts)
    return Item(raw, True, submission, meeting, [*errors, *meeting_errors])


def _scalar(value: Any) -> Any:
    """A text or a number; of a list the first such value; None for anything else."""
    if isinstance(value, list):
        return next((found for one in value if (found := _scalar(one)) not in (None, "")), None)
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _read_meeting(parts: Mapping[str, Any]) -> tuple[Meeting | None, list[FieldError]]:
    try:
        id = text_of(_scalar(parts.get("id")), _MAX_MEETING_ID)
    except ValueError as error:
        return None, [FieldError("meeting.id", str(error))]
    if not id:
        return None, []
    title = clean(parts.get("title"))[:MAX_EXPRESSION] or None
    if parts.get("cancelled"):
        return Meeting(id, None, None, title), []
    try:
        field = "meeting.starts_at"
        starts_at = _moment(parts.get("starts_at"))
        field = "meeting.ends_at"
        ends_at = _moment(parts.get("ends_at"))
        check_meeting(starts_at, ends_at)
        field = "meeting.at"
        at = _moment(parts["at"]) if parts.get("at") else None
    except ValueError as error:
        return None, [FieldError(field, str(error))]
    return Meeting(id, starts_at, ends_at, title, at), []


def _moment(value: Any) -> datetime:
    """A date-time with an offset, as UTC. Raises ValueError with a sentence for people."""
    try:
        if isinstance(value, str) and DATE_TIME.match(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("is not an RFC 3339 date-time with an offset")
