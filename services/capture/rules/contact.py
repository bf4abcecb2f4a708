"""What somebody says of a lead, brought to one normal form.

The world's knowledge of addresses (e-mail syntax, numbering plans, country names, time zones) is passed in as
`Readers`.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from services.capture.rules.names import likeness
from shared.events import Consent

ADDRESSES = ("email", "phone")
DETAILS = (
    "first_name",
    "last_name",
    "full_name",
    "company",
    "job_title",
    "website",
    "country",
    "timezone",
    "campaign",
)
FIELDS = ADDRESSES + DETAILS
"""The fields that are merged one by one. `source`, `external_id` and `owner` count at capture only."""

MAX_TEXT = 2_000
MAX_EXTERNAL_ID = 300
MAX_SOURCE = 200
MAX_ATTRIBUTES = 200
MAX_ATTRIBUTE_CHARACTERS = 64_000


class Phone(NamedTuple):
    """A number in E.164, and whether a person carries it (a mobile) rather than a desk or a company."""

    number: str
    mobile: bool


class Readers(Protocol):
    """Each reads one kind of text, or raises ValueError with a sentence for people (that never repeats the text)."""

    def email(self, text: str) -> str: ...

    def phone(self, text: str, country: str | None) -> Phone: ...

    def country(self, text: str) -> str: ...

    def timezone(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field. `value` is for the error file of an import only, never for logs or events."""

    field: str
    message: str
    value: str = ""


class Permission(NamedTuple):
    """What the lead allows: a channel without an entry was not spoken of."""

    channels: Mapping[str, str]
    at: datetime | None
    basis: str | None
    source: str | None


class Contact(NamedTuple):
    """One submission in normal form. `fields` holds only what was said."""

    source: str
    external_id: str | None
    fields: Mapping[str, str]
    owner: str | None = None
    mobile: bool = False
    attributes: Mapping[str, Any] = {}
    permission: Permission | None = None
    likeness: int | None = None
    """What name and company come to, for comparing (`rules.names`)."""

    @property
    def email(self) -> str | None:
        return self.fields.get("email")

    @property
    def phone(self) -> str | None:
        return self.fields.get("phone")


def normalise(given: Mapping[str, Any], readers: Readers) -> tuple[Contact | None, list[Problem]]:
    """The submission in normal form, and what is wrong with it.

    One good address makes a lead: a bad one beside it, or a bad country, time zone or website, is left out and
    reported. No contact at all comes back when no address is good, or the source is missing or too long.
    """
    problems: list[Problem] = []
    source = clean(given.get("source"))
    if not source:
        problems.append(Problem("source", "is missing"))
    elif len(source) > MAX_SOURCE:
        problems.append(Problem("source", f"has more than {MAX_SOURCE} characters", source))
    external_id = clean(given.get("external_id"))
    if external_id and len(external_id) > MAX_EXTERNAL_ID:
        problems.append(Problem("external_id", f"has more than {MAX_EXTERNAL_ID} characters", external_id))
    attributes, wrong = read_attributes(given.get("attributes"))
    problems += wrong
    permission, wrong = read_permission(given.get("consent"))
    problems += wrong
    refused = bool(problems)

    said, mobile, left_out = read_fields(given, readers)
    problems += left_out
    if "email" not in said and "phone" not in said:
        if not any(problem.field in ADDRESSES for problem in left_out):
            problems.append(Problem("email", "at least one of email and phone is needed"))
        refused = True
    if refused:
        return None, problems
    return (
        Contact(
            source=source,
            external_id=external_id or None,
            fields=said,
            owner=clean(given.get("owner")) or None,
            mobile=mobile,
            attributes=attributes,
            permission=permission,
            likeness=likeness(said),
        ),
        problems,
    )


def read_fields(given: Mapping[str, Any], readers: Readers) -> tuple[dict[str, str], bool, list[Problem]]:
    """The mergeable fields in normal form, whether the phone is a mobile, and what had to be left out."""
    said: dict[str, str] = {}
    problems: list[Problem] = []
    mobile = False
    for name in DETAILS:
        text = clean(given.get(name))
        if not text:
            continue
        try:
            said[name] = _detail(name, text, readers)
        except ValueError as error:
            problems.append(Problem(name, str(error), text))
    if text := clean(given.get("email")):
        try:
            said["email"] = readers.email(text)
        except ValueError as error:
            problems.append(Problem("email", str(error), text))
    if text := clean(given.get("phone")):
        try:
            phone = readers.phone(text, said.get("country"))
        except ValueError as error:
            problems.append(Problem("phone", str(error), text))
        else:
            said["phone"], mobile = phone.number, phone.mobile
    return said, mobile, problems


def _detail(name: str, text: str, readers: Readers) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"has more than {MAX_TEXT} characters")
    match name:
        case "country":
            return readers.country(text)
        case "timezone":
            return readers.timezone(text)
        case "website":
            return read_website(text)
        case _:
            return text


def clean(value: object) -> str:
    """One line of text: NFC, single spaces, without control characters; "" for what is no text or blank."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable():
        return value.strip() if "  " not in value else " ".join(value.split())
    kept = "".join(c for c in value if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


_HOST = re.compile(r"(?=.{4,253}\Z)([^\s./:@-]([^\s./:@]{0,61}[^\s./:@-])?\.)+[^\s./:@\d-][^\s./:@]*\Z")


def read_website(text: str) -> str:
    """An http(s) address with its scheme and a lower-case host."""
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError as error:
        raise ValueError("is not a web address") from error
    if parts.scheme.lower() not in ("http", "https") or not _HOST.match(host) or parts.username is not None:
        raise ValueError("is not a web address")
    tail = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme.lower()}://{host}{f':{port}' if port else ''}{tail}"


_CHOICES = {
    "granted": ("granted", "yes", "true", "1", "opt-in", "opt_in", "y"),
    "denied": ("denied", "no", "false", "0", "opt-out", "opt_out", "n"),
}
CHOICE_OF = {word: choice for choice, words in _CHOICES.items() for word in words}
"""How files spell consent."""


def read_permission(given: object) -> tuple[Permission | None, list[Problem]]:
    """What a consent says; `unknown` says nothing, so that it never overwrites what is known."""
    if given is None or given == "":
        return None, []
    if isinstance(given, Consent):
        given = {name: getattr(given, name) for name in given.model_fields_set}
    if not isinstance(given, Mapping):
        return None, [Problem("consent", "is not an object")]
    channels = {
        channel: choice
        for channel in ("email", "sms")
        if (choice := CHOICE_OF.get(str(given.get(channel, "")).strip().casefold())) is not None
    }
    at = given.get("at")
    try:
        at = datetime.fromisoformat(at) if isinstance(at, str) and at else at or None
        if at is not None and (not isinstance(at, datetime) or at.tzinfo is None):
            raise ValueError
    except ValueError:
        return None, [Problem("consent.at", "is no RFC 3339 date-time with an offset", clean(given.get("at")))]
    if not channels:
        return None, []
    return Permission(channels, at, clean(given.get("basis")) or None, clean(given.get("source")) or None), []


def read_attributes(given: object) -> tuple[dict[str, Any], list[Problem]]:
    """A tenant's own fields, each merged by itself. Values keep their JSON type; text loses its control characters."""
    if given is None or given == "":
        return {}, []
    if not isinstance(given, Mapping):
        return {}, [Problem("attributes", "is not an object")]
    if len(given) > MAX_ATTRIBUTES:
        return {}, [Problem("attributes", f"has more than {MAX_ATTRIBUTES} entries")]
    attributes = {key: clean_json(value) for name, value in given.items() if (key := clean(str(name))[:200])}
    if len(repr(attributes)) > MAX_ATTRIBUTE_CHARACTERS:
        return {}, [Problem("attributes", f"has more than {MAX_ATTRIBUTE_CHARACTERS} characters")]
    return attributes, []


def clean_json(value: Any) -> Any:
    """The value as every reader can hold it: text without control characters, numbers of 64 bits."""
    match value:
        case str():
            if value.isascii() and value.isprintable():
                return value
            return "".join(c for c in value if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
        case bool() | None | float():
            return value
        case int():
            # Beyond 64 bits neither the event's JSON nor most readers can hold the number.
            return value if -(2**63) <= value < 2**63 else str(value)
        case Mapping():
            return {clean_json(str(key)): clean_json(item) for key, item in value.items()}
        case list() | tuple():
            return [clean_json(item) for item in value]
        case _:
            return str(value)
