"""Web forms: which fields a form asks for, and which lead a visitor's answers are."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.capture.rules.consent import CHANNELS
from services.capture.rules.contact import ADDRESSES, FIELDS, Contact
from services.capture.rules.errors import FieldError
from services.capture.rules.text import MAX_TEXT, text_of
from shared.text import clean

MAX_FIELDS = 50
CONSENT = "consent"
"""The field of the box that gives consent."""
STARTED = "started"
"""The field that says when the form was shown (`rules.form_guards`)."""
WORK = "work"
"""The field with the answer to a proof of work."""
OWN_FIELDS = frozenset({CONSENT, STARTED, WORK})
TYPES = ("text", "email", "tel", "url", "textarea", "select", "checkbox", "hidden")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}\Z")
_RESERVED = OWN_FIELDS | {"source", "owner", "external_id", "attributes"}
_TYPE_OF = {"email": "email", "phone": "tel", "website": "url"}
_LABELS = {"email": "E-mail", "phone": "Phone", "full_name": "Name", "job_title": "Job title", "timezone": "Time zone"}
_AUTOCOMPLETE = {
    "email": "email",
    "phone": "tel",
    "first_name": "given-name",
    "last_name": "family-name",
    "full_name": "name",
    "company": "organization",
    "job_title": "organization-title",
    "website": "url",
    "country": "country-name",
}
"""The tokens by which browsers fill in a field (HTML, "Autofill")."""
_HONEYPOTS = ("fax", "homepage_url", "address_line_3", "middle_name", "second_email", "nickname")
"""What machines fill in and people never see; a form takes one that is none of its own fields."""


class FormField(NamedTuple):
    """One question. `name`: a field of the lead, or what becomes an attribute of it. `value`: that of a hidden one."""

    name: str
    label: str
    type: str
    required: bool = False
    options: tuple[str, ...] = ()
    value: str = ""

    @property
    def autocomplete(self) -> str:
        return _AUTOCOMPLETE.get(self.name, "off" if self.type == "hidden" else "on")


def read_fields(raw: Any) -> tuple[FormField, ...]:
    """The questions of a form: names, or objects with `name`, `label`, `type`, `required`, `options`, `value`.

    A map from names to labels or such objects is read too. None asks for a name and an e-mail. Raises ValueError, with
    a sentence for people, for what cannot be asked, and where no question gives an address.
    """
    if raw is None:
        raw = ["full_name", {"name": "email", "required": True}]
    if isinstance(raw, Mapping):
        raw = [{"name": name, **(more if isinstance(more, Mapping) else {"label": more})} for name, more in raw.items()]
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise ValueError("is not a list of fields")
    if len(raw) > MAX_FIELDS:
        raise ValueError(f"has more than {MAX_FIELDS} fields")
    fields = tuple(_read_field({"name": one} if isinstance(one, str) else one) for one in raw)
    names = [field.name for field in fields]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"asks twice for {', '.join(repeated)}")
    if not set(names) & set(ADDRESSES):
        raise ValueError("asks for neither email nor phone, so no lead could be reached")
    return fields


def _read_field(raw: Any) -> FormField:
    if not isinstance(raw, Mapping):
        raise ValueError("has a field that is neither a name nor an object")
    name = clean(raw.get("name")).removeprefix("attributes.")
    if not _NAME.match(name) or name in _RESERVED:
        raise ValueError("has a field without a name of letters, digits, _, . and -, or with a name that is taken")
    options = raw.get("options") or ()
    if not isinstance(options, Sequence) or isinstance(options, str) or len(options) > 300:
        raise ValueError(f"has options for {name} that are not a list of at most 300 texts")
    kind = clean(raw.get("type")) or ("select" if options else _TYPE_OF.get(name, "text"))
    if kind not in TYPES:
        raise ValueError(f"has an unknown type for {name}; known are {', '.join(TYPES)}")
    if options and kind == "checkbox":
        raise ValueError(f"has options for {name}, which is a checkbox; a choice is a select")
    label = clean(raw.get("label")) or _LABELS.get(name) or name.replace("_", " ").capitalize()
    value = clean(raw.get("value"))
    if len(label) > MAX_TEXT or len(value) > MAX_TEXT:
        raise ValueError(f"has a label or value for {name} of more than {MAX_TEXT} characters")
    required = raw.get("required", False)
    if not isinstance(required, bool):
        raise ValueError(f"says of {name} neither that it is required nor that it is not")
    return FormField(name, label, kind, required, tuple(text for one in options if (text := clean(one))), value)


def honeypot_for(fields: Sequence[FormField], present: str = "") -> str:
    """The name of the field that only machines fill in: the present one, unless a question has its name."""
    names = {"", *(field.name for field in fields)}
    return next(
        name for name in (present, *_HONEYPOTS, *(f"field_{n}" for n in range(MAX_FIELDS + 1))) if name not in names
    )


def is_checked(value: object) -> bool:
    """Whether a box was ticked: browsers send `on`, programs true."""
    return value is True or clean(value).casefold() in ("on", "true", "1", "yes", "granted")


def read_answers(
    fields: Sequence[FormField], values: Mapping[str, Any], source: str, consent: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    """The lead that a visitor's answers are, as `rules.contact.normalise` reads it, and what is missing or too long.

    `consent`: that of the form (`channels`, `required`), empty where it asks for none.
    """
    submission: dict[str, Any] = {"source": source}
    attributes: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field in fields:
        given = values.get(field.name)
        longest = MAX_TEXT if field.type != "textarea" else 10 * MAX_TEXT
        try:
            if field.type == "checkbox":
                answer: Any = is_checked(given)
            elif field.type == "textarea" and isinstance(given, str):
                answer = given.strip()
            else:
                answer = (field.value if field.type == "hidden" else "") or text_of(given, longest)
        except ValueError as error:
            errors.append(FieldError(field.name, str(error)))
            continue
        if field.required and not answer:
            errors.append(FieldError(field.name, "is needed"))
        elif isinstance(answer, str) and len(answer) > longest:
            errors.append(FieldError(field.name, f"has more than {longest} characters"))
        elif isinstance(answer, str) and answer and field.options and answer not in field.options:
            errors.append(FieldError(field.name, "is none of the choices"))
        elif field.name in FIELDS:
            submission[field.name] = "yes" if answer is True else answer or ""
        elif answer or field.type == "checkbox":
            attributes[field.name] = answer
    if attributes:
        submission["attributes"] = attributes
    if consent:
        if is_checked(values.get(CONSENT)):
            submission["consent"] = {
                **{channel: "granted" for channel in consent["channels"] if channel in CHANNELS},
                "basis": "consent",
            }
        elif consent.get("required"):
            errors.append(FieldError(CONSENT, "is needed"))
    return submission, errors


def visible_errors(
    fields: Sequence[FormField], contact: Contact | None, errors: Sequence[FieldError]
) -> list[FieldError]:
    """Those errors that the visitor can correct. A value in doubt was taken, and a hidden one is not theirs."""
    if contact is None:
        return list(errors)
    asked = {field.name for field in fields if field.type != "hidden"}
    return [error for error in errors if error.field in asked and error.field not in contact.fields]
