"""What strangers may send: the published schema accepts and refuses what the service does that reads it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.capture.gateways import OfflineContactNormaliser
from services.capture.schemas.leads import submitted_model
from shared.errors import Invalid
from shared.events import EngagementRecorded
from shared.events.documents.schemas import schema_of
from shared.events.envelope import Envelope, decode, headers_of
from shared.events.external import LeadSubmitted
from shared.ids import uuid7

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEAD: dict[str, Any] = {"source": "web", "email": "ada@example.com"}
VISIT: dict[str, Any] = {"kind": "visit"}
READ_AS = {LeadSubmitted: submitted_model(OfflineContactNormaliser()), EngagementRecorded: EngagementRecorded}


def many(count: int) -> dict[str, int]:
    return {f"n{number}": number for number in range(count)}


@pytest.mark.parametrize(
    ("event", "data", "valid"),
    [
        (LeadSubmitted, LEAD | {"external_id": "x" * 300}, True),
        (LeadSubmitted, LEAD | {"external_id": "x" * 301}, False),
        (LeadSubmitted, LEAD | {"attributes": many(200)}, True),
        (LeadSubmitted, LEAD | {"attributes": many(201)}, False),
        (LeadSubmitted, LEAD | {"source": " "}, False),
        (LeadSubmitted, LEAD | {"source": "x" * 201}, False),
        (LeadSubmitted, LEAD | {"phone": "1" * 70}, True),
        (LeadSubmitted, LEAD | {"consent": {"email": "denied"}}, True),
        (LeadSubmitted, LEAD | {"consent": {"email": "withdrawn"}}, False),
        (EngagementRecorded, VISIT | {"properties": many(200)}, True),
        (EngagementRecorded, VISIT | {"properties": many(201)}, False),
        (EngagementRecorded, {"kind": " "}, False),
        (EngagementRecorded, {"kind": "x" * 101}, False),
    ],
)
def test_the_schema_says_what_is_taken(event, data, valid):
    accepted = Draft202012Validator(schema_of(event)).is_valid(data)
    subject = str(uuid7()) if event.needs_subject else None
    headers = headers_of(Envelope("1", event.type, "urn:x", NOW, "acme", subject)).items()
    encoded = [(name, text.encode()) for name, text in headers]
    try:
        decode(event.type, orjson.dumps(data), encoded, NOW, {event.type: READ_AS[event]})
        taken = True
    except Invalid:
        taken = False
    assert (accepted, taken) == (valid, valid)


def test_half_a_character_in_an_attribute_is_said_to_be_one():
    """A long number has the event read by the slower reader, which takes half of a surrogate pair for text."""
    attributes = {"specversion": "1.0", "id": "?", "source": "urn:x", "type": "engagement.recorded", "tenantid": "acme"}
    more = {"time": NOW.isoformat(), "subject": str(uuid7()), "data": VISIT | {"properties": {"n": 10**19}}}
    value = orjson.dumps(attributes | more).replace(b"?", rb"\ud83d")
    structured = [("content-type", b"application/cloudevents+json")]
    with pytest.raises(Invalid, match="'id' has half of a surrogate pair"):
        decode("engagement.recorded", value, structured, NOW, {"engagement.recorded": EngagementRecorded})
