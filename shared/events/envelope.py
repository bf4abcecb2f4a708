"""CloudEvents 1.0 on Kafka (binary mode out; binary and structured in).

Sources: CloudEvents core 1.0.2, its Kafka protocol binding, and the extensions "sequence" and "distributed tracing".
"""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from shared.errors import Invalid
from shared.events.base import DATE_TIME, EARLIEST, Event
from shared.ids import EventKey, digest, read_id
from shared.limits import MAX_ATTRIBUTE_BYTES, MAX_RECORD_BYTES, MAX_REVISION
from shared.names import TENANT_FORM, is_tenant
from shared.strict_json import has_half_pair, holds, holds_long_number, holds_zero, read_json, with_long_numbers_as_text

E = TypeVar("E", bound=Event, covariant=True)

Headers = Collection[tuple[str, bytes | None]]

AHEAD = timedelta(minutes=5)
"""How far an event's time may be ahead of the broker's clock."""

_SUBJECT = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_DIGITS = 18
"""A count has no more digits than this."""
_SUBMITTED = "lead.submitted"
_NOTHING_MORE: Mapping[str, Any] = {}
_REQUIRED = ("ce_id", "ce_source", "ce_type", "ce_time", "ce_tenantid")
_STRUCTURED = "application/cloudevents+json"
_OTHER_HEADERS = ("content-type", "traceparent")
_COUNTS = ("version", "revision")
_NO_JSON = (b"NaN", b"Infinity")
"""Numbers that pydantic takes, and JSON does not know."""
_BATCH = "application/cloudevents-batch"


class Envelope(NamedTuple):
    """The attributes of an event. `time` is when it happened (UTC), not when it was published."""

    id: str
    type: str
    source: str
    time: datetime
    tenant: str
    subject: str | None
    version: int = 1
    sequence: int | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


class Received(Generic[E]):
    """One event as it was received: envelope, data, and when the broker recorded it. It is never changed.

    `raw` is the data as JSON with its unknown fields, empty unless the service asked for it. `digest` identifies the
    event among those of its tenant and type. `lead_id` is the subject as an id; `lead.submitted` has none. All of these
    are plain attributes because each is read several times for every event.
    """

    __slots__ = (
        "digest", "envelope", "event", "id", "lead_id", "occurred_at", "raw", "recorded_at", "source", "tenant", "type",
    )  # fmt: skip

    lead_id: UUID

    def __init__(
        self, envelope: Envelope, event: E, recorded_at: datetime, raw: Mapping[str, Any] = _NOTHING_MORE
    ) -> None:
        self.envelope = envelope
        self.event = event
        self.recorded_at = recorded_at
        self.raw = raw
        self.id, self.type, self.source, self.occurred_at, self.tenant, subject, *_ = envelope
        self.digest: UUID = digest(self.source, self.id)
        if subject is not None and self.type != _SUBMITTED:
            self.lead_id = read_id(subject)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same event with the same data; `raw` is only another form of the data."""
        return isinstance(other, Received) and self._content == other._content

    def __repr__(self) -> str:
        return "Received({!r}, {!r}, {!r})".format(*self._content)

    @property
    def _content(self) -> tuple[Envelope, E, datetime]:
        return self.envelope, self.event, self.recorded_at

    @property
    def key(self) -> EventKey:
        """What the event is known by."""
        return (self.tenant, self.type, self.digest)

    @property
    def order(self) -> tuple[datetime, bytes, bytes]:
        """Signals of a lead are applied in this order: when they happened, then id, then source, compared as bytes."""
        return (self.occurred_at, self.id.encode(), self.source.encode())


def parse_time(text: object, what: str = "time") -> datetime:
    """An RFC 3339 date-time as UTC, microseconds; without an offset it is Invalid."""
    if not isinstance(text, str) or not DATE_TIME.match(text):
        raise Invalid(f"{what} is not an RFC 3339 date-time with an offset")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{what} is not a date-time: {error}") from error


def headers_of(envelope: Envelope) -> dict[str, str]:
    """The Kafka headers of an envelope, in binary mode."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": envelope.id,
        "ce_type": envelope.type,
        "ce_source": envelope.source,
        "ce_time": envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_tenantid": envelope.tenant,
        "ce_dataschema": f"urn:leadflow:{envelope.type}:{envelope.version}",
        "content-type": "application/json",
    }
    if envelope.subject is not None:
        headers["ce_subject"] = envelope.subject
    if envelope.sequence:
        headers["ce_sequence"] = str(envelope.sequence)
    if envelope.correlation_id:
        headers["ce_correlationid"] = envelope.correlation_id
    if envelope.causation_id:
        headers["ce_causationid"] = envelope.causation_id
    if envelope.traceparent:
        headers["traceparent"] = envelope.traceparent
    return headers


def decode(
    topic: str,
    value: bytes | None,
    headers: Headers,
    broker_time: datetime,
    models: Mapping[str, type[Event]],
    *,
    keep_raw: bool = False,
) -> Received[Event]:
    """The event in a record; raises Invalid with the reason when it cannot be read."""
    texts = _texts(headers)
    if value is None:
        raise Invalid("the record has no value (a null value is no event)")
    if len(value) > MAX_RECORD_BYTES:
        raise Invalid(f"the value has {len(value)} bytes; {MAX_RECORD_BYTES} are the limit")
    content_type = texts.get("content-type", "").lower()
    if content_type.startswith(_BATCH):
        raise Invalid("CloudEvents batch mode is not read; send one event a record")
    if content_type.startswith(_STRUCTURED):
        attributes, value = _structured(value)
        attributes["traceparent"] = texts.get("traceparent", "")
    else:
        attributes = texts
    if holds_zero(value):
        raise Invalid("the value holds a zero character (\\u0000), which text may not contain")
    envelope = _envelope(attributes, topic, broker_time)
    model = models.get(envelope.type)
    if model is None:
        raise Invalid(f"this service does not read events of type {envelope.type!r}")
    if envelope.version != model.major:
        raise Invalid(
            f"dataschema names version {envelope.version} of {envelope.type}; version {model.major} is read here"
        )
    if envelope.type != _SUBMITTED:
        if envelope.subject is None and model.needs_subject:
            raise Invalid("CloudEvents attribute subject (the lead's id) is missing")
        if envelope.subject is not None and not _SUBJECT.match(envelope.subject):
            raise Invalid("subject is not a UUID")
    raw = _NOTHING_MORE
    try:
        # `model_validate_json` asks about options first, which takes a fifth of the time of reading an event.
        event: Event = model.__pydantic_validator__.validate_json(value)
        if keep_raw or any(holds(value, number) for number in _NO_JSON):
            raw = _json_of(value)
    except ValidationError as error:
        raise Invalid(_sentence(error), errors_of(error)) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"the value is not JSON: {error}") from None
    for name in _counts_of(model):
        if (getattr(event, name) or 0) > MAX_REVISION:
            raise Invalid(f"{name} is beyond {MAX_REVISION}, which no lead reaches")
    return Received(envelope, event, broker_time, raw)


def _json_of(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:  # perhaps for a whole number of more than 308 digits
        return with_long_numbers_as_text(read_json(value))


@lru_cache
def _counts_of(model: type[Event]) -> tuple[str, ...]:
    """The fields of these events that count the changes of a lead."""
    return tuple(name for name in _COUNTS if name in model.model_fields)


def errors_of(error: ValidationError) -> list[dict[str, Any]]:
    """A validation error as `{field, message}`, without the input: it may be somebody's address."""
    return [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _sentence(error: ValidationError) -> str:
    problems = errors_of(error)
    if problems and not problems[0]["field"] and "JSON" in problems[0]["message"]:
        return f"the value is not JSON: {problems[0]['message']}"
    return "the data is not valid: " + "; ".join(
        f"{problem['field'] or 'data'}: {problem['message']}" for problem in problems[:10]
    )


def _texts(headers: Headers) -> dict[str, str]:
    """The headers that are read here. Those of other systems may hold anything, and are left alone."""
    texts = {}
    for name, value in headers:
        known = _known_as(name)
        if known is not None and value is not None:
            try:
                texts[known] = value.decode()
            except UnicodeDecodeError:
                raise Invalid(f"header {name!r} is not UTF-8") from None
    return texts


@lru_cache(maxsize=1_000)
def _known_as(name: str) -> str | None:
    """The name in lower case of a header that is read here; None for any other."""
    lowered = name.lower()
    return lowered if lowered.startswith("ce_") or lowered in _OTHER_HEADERS else None


def _structured(value: bytes) -> tuple[dict[str, str], bytes]:
    """Attributes under the names that binary mode gives their headers, and the data, with the digits that it has."""
    long = holds_long_number(value)
    try:
        body = read_json(value) if long else orjson.loads(value)
    except json.JSONDecodeError as error:
        raise Invalid(f"the value is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Invalid("a structured CloudEvent is a JSON object")
    data, encoded = body.pop("data", None), body.pop("data_base64", None)
    if data is None and not isinstance(encoded, str):
        raise Invalid("the structured CloudEvent has no data")
    sequence = body.pop("sequence", None)
    attributes = {f"ce_{name.lower()}": value for name, value in body.items() if isinstance(value, str)}
    if isinstance(sequence, str | int):
        attributes["ce_sequence"] = str(sequence)
    if half := [name[3:] for name, text in attributes.items() if has_half_pair(text)]:
        raise Invalid(f"{half[0]!r} has half of a surrogate pair, which is no character")
    try:
        if data is None:
            return attributes, b64decode(encoded, validate=True)
        return attributes, json.dumps(data).encode() if long else orjson.dumps(data)
    except binascii.Error as error:
        raise Invalid(f"data_base64 is not Base64: {error}") from None
    except (TypeError, RecursionError):
        raise Invalid("the data of the structured CloudEvent is nested too deeply") from None


def _envelope(headers: Mapping[str, str], topic: str, broker_time: datetime) -> Envelope:
    """The attributes of an event, from the headers of binary mode."""
    id, source, type_, time_, tenant = map(headers.get, _REQUIRED)
    if not (id and source and type_ and time_ and tenant):
        missing = [name[3:] for name in _REQUIRED if not headers.get(name)]
        raise Invalid(f"CloudEvents attributes are missing: {', '.join(missing)}")
    if headers.get("ce_specversion", "1.0") != "1.0":
        raise Invalid(f"CloudEvents specversion {headers['ce_specversion']!r} is not read; 1.0 is")
    if type_ != topic:
        raise Invalid(f"type {type_!r} does not belong on topic {topic!r}")
    if not is_tenant(tenant):
        raise Invalid(f"tenantid is not of the form {TENANT_FORM}")
    for name, text in (("id", id), ("source", source)):
        if len(text.encode()) > MAX_ATTRIBUTE_BYTES or "\0" in text:
            raise Invalid(f"{name} is longer than {MAX_ATTRIBUTE_BYTES} bytes or contains a zero character")
    time = parse_time(time_)
    if time < EARLIEST:
        raise Invalid("time is before the year 2000, which is no moment of a lead's life")
    if time > broker_time + AHEAD:
        raise Invalid("time is more than five minutes ahead of the broker's clock")
    sequence = headers.get("ce_sequence")
    return Envelope(
        id,
        type_,
        source,
        time,
        tenant,
        headers.get("ce_subject") or None,
        _major(type_, headers.get("ce_dataschema")),
        int(sequence) if sequence and _is_count(sequence) else None,
        short(headers.get("ce_correlationid")),
        short(headers.get("ce_causationid")),
        _trace(headers.get("traceparent") or headers.get("ce_traceparent")),
    )


def short(text: str | None) -> str | None:
    """An attribute that is copied into the events which this one causes: None unless it is short and printable."""
    return text if text and len(text.encode()) <= MAX_ATTRIBUTE_BYTES and text.isprintable() else None


def _trace(text: str | None) -> str | None:
    """A traceparent of the form that W3C Trace Context defines for version 00; None for any other."""
    return text if text and _TRACEPARENT.match(text) else None


@lru_cache(maxsize=1_000)
def _major(type_: str, dataschema: str | None) -> int:
    if not dataschema:
        return 1
    prefix = f"urn:leadflow:{type_}:"
    major = dataschema.removeprefix(prefix)
    if not dataschema.startswith(prefix) or not _is_count(major):
        raise Invalid(f"dataschema {dataschema[:200]!r} is not {prefix}<major>")
    return int(major)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS
