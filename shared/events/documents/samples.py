"""One golden sample for each event version: the story of one lead, with every optional field used once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from shared.events import CATALOGUE, Event
from shared.events.documents.story import LEAD, STORY, Step
from shared.events.envelope import Envelope, headers_of
from shared.events.external import OTHER_SYSTEMS
from shared.ids import revision_id

TENANT = "acme"
_BEGUN = datetime(2026, 3, 2, 9, 15, 4, 218_331, tzinfo=UTC)
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01"
_STATE = {
    "lead.captured",
    "lead.updated",
    "lead.merged",
    "lead.erased",
    "lead.enriched",
    "lead.scored",
    "stage.changed",
}
"""Events whose id follows from the lead and the revision or version in them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A record as it is in its topic."""

    envelope: Envelope
    event: Event

    @property
    def topic(self) -> str:
        return self.envelope.type

    @property
    def key(self) -> str | None:
        return self.envelope.subject

    @property
    def headers(self) -> dict[str, str]:
        return headers_of(self.envelope)

    @property
    def value(self) -> bytes:
        return self.event.model_dump_json(exclude_unset=True).encode()

    def to_json(self) -> dict[str, Any]:
        """The record for people: its value as JSON; the value's bytes are this JSON without white space."""
        return {"topic": self.topic, "key": self.key, "headers": self.headers, "value": orjson.loads(self.value)}


def samples() -> dict[str, Sample]:
    """All samples, by event type, in the order of the story."""
    return {sample.topic: sample for sample in _samples_of_the_story()}


def _samples_of_the_story() -> Iterator[Sample]:
    envelopes: dict[str, Envelope] = {}
    counts: Counter[tuple[str, str]] = Counter()
    time = _BEGUN
    for step in STORY:
        time += step.after
        event = CATALOGUE[step.type].model_validate_json(orjson.dumps(step.data))
        subject = None if step.type == "lead.submitted" else str(step.data.get("goal_id", LEAD))
        source = "urn:example:website" if event.publisher == OTHER_SYSTEMS else f"urn:leadflow:{event.publisher}"
        cause = envelopes[step.cause] if step.cause else None
        id_ = _id(step, time)
        if subject:
            counts[source, subject] += 1
        envelopes[step.type] = envelope = Envelope(
            id=id_,
            type=step.type,
            source=source,
            time=time,
            tenant=TENANT,
            subject=subject,
            version=event.major,
            sequence=counts[source, subject] if subject else None,
            correlation_id=(cause.correlation_id or cause.id) if cause else (id_ if subject else None),
            causation_id=cause.id if cause else None,
            traceparent=_TRACE.format(span=sha256(step.type.encode()).hexdigest()[:16]),
        )
        yield Sample(envelope, event)


def _id(step: Step, time: datetime) -> str:
    if step.type in _STATE:
        return revision_id(
            step.type, step.data.get("alias_id", LEAD), step.data.get("revision", step.data.get("version", 1))
        )
    return str(uuid7_at(time, step.type))


def uuid7_at(time: datetime, seed: str) -> UUID:
    """The UUIDv7 of a moment whose random bits follow from a seed."""
    milliseconds = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    noise = int.from_bytes(sha256(seed.encode()).digest()[:10])
    return UUID(int=milliseconds << 80 | 7 << 76 | (noise >> 64 & 0xFFF) << 64 | 2 << 62 | noise & (1 << 62) - 1)
