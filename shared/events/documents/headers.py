"""The Kafka headers of every event (CloudEvents 1.0, binary mode)."""

from dataclasses import dataclass
from typing import Any

from shared.events.base import Event
from shared.limits import MAX_ATTRIBUTE_BYTES
from shared.names import TENANT_FORM


@dataclass(frozen=True, slots=True)
class Header:
    """One header. `needed`: a record without it goes to the dead letters."""

    name: str
    meaning: str
    needed: bool = False
    shape: tuple[tuple[str, Any], ...] = ()


HEADERS = (
    Header("ce_specversion", "The version of CloudEvents: 1.0.", shape=(("const", "1.0"),)),
    Header(
        "ce_id",
        "With tenant, type and source it identifies the event: a second one with all four equal changes nothing.",
        needed=True,
        shape=(("minLength", 1), ("maxLength", MAX_ATTRIBUTE_BYTES)),
    ),
    Header("ce_type", "The event's type; equal to the topic.", needed=True),
    Header(
        "ce_source",
        "Who publishes: `urn:leadflow:<service>`, or a URI of the other system.",
        needed=True,
        shape=(("minLength", 1), ("maxLength", MAX_ATTRIBUTE_BYTES)),
    ),
    Header(
        "ce_time",
        "When it happened, not when it was published: RFC 3339 with an offset, at most five minutes ahead.",
        needed=True,
        shape=(("format", "date-time"),),
    ),
    Header(
        "ce_tenantid",
        "The tenant.",
        needed=True,
        shape=(("pattern", f"^{TENANT_FORM}$"),),
    ),
    Header(
        "ce_subject",
        "The lead's id (of `goal.*` the goal's), also the record's key. Needed but for `lead.submitted` and the answer "
        "to one that was refused.",
    ),
    Header("ce_dataschema", "`urn:leadflow:<type>:<major>`; absent means major 1."),
    Header(
        "ce_sequence",
        "Counts the events of a subject by one source over all topics, 1 to n; after a restore of the source it leaps. "
        "Not on repetitions.",
        shape=(("pattern", "^[0-9]+$"),),
    ),
    Header("ce_correlationid", "The id of the event that began it all; ignored when it is longer than 256 bytes."),
    Header("ce_causationid", "The id of the event that caused this one."),
    Header("traceparent", "The trace (W3C Trace Context); ignored when it has another form."),
    Header("content-type", "application/json; or application/cloudevents+json for structured mode, which is read too."),
)


def headers_schema() -> dict[str, Any]:
    """A JSON Schema for the headers as texts by name, the same for all events."""
    return {
        "type": "object",
        "required": [header.name for header in HEADERS if header.needed],
        "properties": {
            header.name: {"type": "string", "description": header.meaning, **dict(header.shape)} for header in HEADERS
        },
    }


def headers_schema_of(event: type[Event]) -> dict[str, Any]:
    """What is particular to the headers of one event type."""
    needed = ["ce_subject"] if event.needs_subject else []
    properties: dict[str, Any] = {
        "ce_type": {"const": event.type},
        "ce_dataschema": {"const": f"urn:leadflow:{event.type}:{event.major}"},
    }
    if event.type != "lead.submitted":
        properties["ce_subject"] = {"format": "uuid", "description": f"The {event.about}'s id."}
    return {"type": "object", "required": needed, "properties": properties}
