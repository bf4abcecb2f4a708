"""The contact details of a submission, in one normal form.

What needs a library (e-mail syntax, numbering plans, country names, time zones) is passed in as a `ContactNormaliser`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from services.capture.rules.consent import SubmittedConsent, read_consent
from services.capture.rules.errors import FieldError, listed, read_text
from services.capture.rules.text import MAX_TEXT, clean_json, text_of
from shared.attributes import free_fields_error, shape_error
from shared.limits import MAX_EXTERNAL_ID, MAX_OWNER, MAX_SOURCE
from shared.text import clean

ADDRESSES: tuple[Literal["email"], Literal["phone"]] = ("email", "phone")
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
"""The fields that later submissions and edits may change. `source`, `external_id` and `owner` count at capture only."""

MAX_ATTRIBUTE_NAME = 200


class Phone(NamedTuple):
    """A number in E.164. `mobile`: a person carries it; otherwise it may belong to a desk or a whole company.

    `doubt`: why it may be another number than the one that was meant, as a sentence for people; "" for none.
    """

    number: str
    mobile: bool
    doubt: str = ""


def spellings_of(phone: str) -> tuple[str, ...]:
    """All forms in which one phone may be stored, its own first.

    An Argentine mobile is dialled with a 9 after the country code from abroad and without it at home
    (ITU, National Numbering Plan of Argentina); people write both.
    """
    if not phone.startswith("+54"):
        return (phone,)
    if phone.startswith("+549") and len(phone) == 14:
        return (phone, f"+54{phone[4:]}")
    return (phone, f"+549{phone[3:]}") if len(phone) == 13 else (phone,)


class ContactNormaliser(Protocol):
    """Validates contact details and brings them into normal form.

    Each method raises ValueError with a sentence for people that never repeats the text.
    """

    def email(self, text: str) -> str: ...

    def phone(self, text: str, country: str | None) -> Phone: ...  # in the default region for None

    def national_number(self, phone: str) -> str: ...

    def country(self, text: str) -> str: ...

    def timezone(self, text: str) -> str: ...


NO_COUNTRY = ""
"""In place of a phone's country: only a number with its own country's calling code can be read."""


class Contact(NamedTuple):
    """The content of one submission, in normal form. `fields` holds only those of `FIELDS` that it has."""

    source: str
    external_id: str | None
    fields: Mapping[str, str]
    owner: str | None = None
    mobile: bool = False
    attributes: Mapping[str, Any] = {}
    consent: SubmittedConsent | None = None

    @property
    def email(self) -> str | None:
        return self.fields.get("email")

    @property
    def phone(self) -> str | None:
        return self.fields.get("phone")


def normalise(raw: Mapping[str, Any], normaliser: ContactNormaliser) -> tuple[Contact | None, list[FieldError]]:
    """A submission in normal form, and what is wrong with it.

    One valid e-mail or phone makes a lead: any other value beside it that cannot be read or is too long is left out and
    reported. The contact is None, and the submission refused, when it has no valid address, no source, or a source,
    external id, consent or attributes that cannot be stored.
    """
    errors: list[FieldError] = []
    source = read_text(raw, "source", MAX_SOURCE, errors)
    if not source and not errors:
        errors.append(FieldError("source", "is missing"))
    external_id = read_text(raw, "external_id", MAX_EXTERNAL_ID, errors)
    attributes, attribute_errors = read_attributes(raw.get("attributes"))
    consent, consent_errors = read_consent(raw.get("consent"))
    refused = bool(errors or consent_errors) or attributes is None
    errors += attribute_errors + consent_errors

    owner = read_text(raw, "owner", MAX_OWNER, errors)
    fields, mobile, left_out = read_fields(raw, normaliser)
    errors += left_out
    if "email" not in fields and "phone" not in fields:
        if not any(error.field in ADDRESSES for error in left_out):
            errors.append(FieldError("email", "at least one of email and phone is needed"))
        refused = True
    if refused or attributes is None:
        return None, errors
    return (
        Contact(
            source=source,
            external_id=external_id or None,
            fields=fields,
            owner=owner or None,
            mobile=mobile,
            attributes=attributes,
            consent=consent,
        ),
        errors,
    )


def read_fields(raw: Mapping[str, Any], normaliser: ContactNormaliser) -> tuple[dict[str, str], bool, list[FieldError]]:
    """The fields of `FIELDS` in normal form, whether the phone is a mobile, and what was left out or is in doubt."""
    fields: dict[str, str] = {}
    errors: list[FieldError] = []
    mobile = False
    for name in DETAILS:
        text = read_text(raw, name, MAX_TEXT, errors)
        if not text:
            continue
        try:
            fields[name] = _read_detail(name, text, normaliser)
        except ValueError as error:
            errors.append(FieldError(name, str(error), text))
    if text := read_text(raw, "email", MAX_TEXT, errors):
        try:
            fields["email"] = normaliser.email(text)
        except ValueError as error:
            errors.append(FieldError("email", str(error), text))
    if text := read_text(raw, "phone", MAX_TEXT, errors):
        try:
            # A country that cannot be read is not the default one.
            unread = any(error.field == "country" for error in errors)
            phone = normaliser.phone(text, NO_COUNTRY if unread else fields.get("country"))
        except ValueError as error:
            errors.append(FieldError("phone", str(error), text))
        else:
            fields["phone"], mobile = phone.number, phone.mobile
            if phone.doubt:
                errors.append(FieldError("phone", phone.doubt, text))
    return fields, mobile, errors


def _read_detail(name: str, text: str, normaliser: ContactNormaliser) -> str:
    match name:
        case "country":
            return normaliser.country(text)
        case "timezone":
            return normaliser.timezone(text)
        case "website":
            return read_website(text)
        case _:
            return text


_HOST = re.compile(r"(?=.{4,253}\Z)([^\s./:@-]([^\s./:@]{0,61}[^\s./:@-])?\.)+[^\s./:@\d-][^\s./:@]*\Z")


def read_website(text: str) -> str:
    """An http(s) address with its scheme and a lower-case host. Raises ValueError for anything else."""
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
    return text_of(f"{parts.scheme.lower()}://{host}{f':{port}' if port else ''}{tail}", MAX_TEXT)


_LEFT_OUT = "has names that are blank or the same as one before, whose values were left out: {}"
_CUT = f"has names of more than {MAX_ATTRIBUTE_NAME} characters, which were cut: {{}}"


def read_attributes(raw: object) -> tuple[dict[str, Any] | None, list[FieldError]]:
    """The tenant's own fields, None where they cannot be stored, and what is wrong with them.

    Values keep their JSON type. A name becomes one line of at most 200 characters; of several that are the same then,
    the first counts.
    """
    if raw is None or raw == "":
        return {}, []
    if not isinstance(raw, Mapping):
        return None, [FieldError("attributes", "is not an object")]
    if message := shape_error(raw):
        return None, [FieldError("attributes", message)]
    attributes: dict[str, Any] = {}
    left_out: list[str] = []
    cut: list[str] = []
    for given, value in raw.items():
        line = clean(str(given))
        name = line[:MAX_ATTRIBUTE_NAME].rstrip()
        if not name or name in attributes:
            left_out.append(name or "(blank)")
            continue
        if name != line:
            cut.append(name)
        attributes[name] = clean_json(value)
    if message := free_fields_error(attributes):
        return None, [FieldError("attributes", message)]
    found = ((_LEFT_OUT, left_out), (_CUT, cut))
    return attributes, [FieldError("attributes", message.format(listed(names))) for message, names in found if names]
