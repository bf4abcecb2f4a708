"""CloudEvents from and to raw records."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Any
from uuid import UUID

import orjson
from aiokafka import ConsumerRecord

_AHEAD = timedelta(minutes=5)


class InvalidEvent(Exception):
    """The record is not a valid event; the message has the reason."""


@dataclass(slots=True)
class Event:
    """One event as it was received."""

    tenant: str
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    lead_id: UUID | None
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    recorded_at: datetime
    digest: UUID
    data: dict[str, Any]
    content: Any = None
    """The data as the service has prepared it."""

    @property
    def order(self) -> tuple[datetime, bytes, bytes]:
        return self.time, self.id.encode(), self.source.encode()


def read(record: "ConsumerRecord[bytes, bytes]") -> Event:
    """The event in a record. Raises InvalidEvent."""
    try:
        headers = {name: value.decode() for name, value in record.headers}
        tenant, id, source, type = (headers[f"ce_{name}"] for name in ("tenantid", "id", "source", "type"))
        time = datetime.fromisoformat(headers["ce_time"]).astimezone(UTC)
        data = orjson.loads(record.value)
        subject = headers.get("ce_subject", "")
        lead_id = UUID(subject) if subject else None
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise InvalidEvent(repr(error)) from error
    recorded_at = datetime.fromtimestamp(record.timestamp / 1_000, UTC)
    if type != record.topic or not isinstance(data, dict) or time > recorded_at + _AHEAD:
        raise InvalidEvent("type, data or time is wrong")
    return Event(
        tenant,
        id,
        source,
        type,
        time,
        subject,
        lead_id,
        headers.get("ce_correlationid") or id,
        headers.get("ce_causationid"),
        headers.get("traceparent"),
        recorded_at,
        digest(source, id),
        data,
    )


def by_int(key: tuple[str, UUID]) -> tuple[str, int]:
    """A sort key with Postgres's order; comparing UUIDs would cost two Python calls for each comparison."""
    return key[0], key[1].int


def digest(source: str, id: str) -> UUID:
    return UUID(bytes=blake2b(f"{source}\0{id}".encode(), digest_size=16).digest())


class Outbox:
    """The events that a transaction publishes, as the columns of one statement."""

    def __init__(self, source: str, *, begins_traces: bool) -> None:
        self._source = source
        self._begins_traces = begins_traces
        self._rows: list[tuple[str, str, str, str, bytes]] = []

    def add(
        self,
        type: str,
        tenant: str,
        subject: str,
        id: str,
        time: datetime,
        data: dict[str, Any],
        cause: Event | None,
    ) -> None:
        """Add one event of a lead. Its time is never before that of its cause."""
        headers = {
            "ce_specversion": "1.0",
            "ce_id": id,
            "ce_type": type,
            "ce_source": self._source,
            "ce_time": (max(time, cause.time) if cause else time).isoformat().replace("+00:00", "Z"),
            "ce_tenantid": tenant,
            "ce_dataschema": f"urn:leadflow:{type}:1",
            "content-type": "application/json",
            "ce_subject": subject,
            "ce_correlationid": cause.correlation_id if cause else id,
        }
        if cause is not None:
            headers["ce_causationid"] = cause.id
        if cause is not None and cause.traceparent:
            headers["traceparent"] = cause.traceparent
        elif self._begins_traces:
            trace = sha256(f"{tenant}/{subject}".encode()).hexdigest()[:32]
            headers["traceparent"] = f"00-{trace}-{sha256(id.encode()).hexdigest()[:16]}-01"
        self._rows.append((tenant, type, subject, orjson.dumps(headers).decode(), orjson.dumps(data)))

    def __bool__(self) -> bool:
        return bool(self._rows)

    def columns(self) -> tuple[list[Any], ...]:
        """Tenants, topics, keys, headers, values; then the streams to count up, sorted: tenants, leads, counts."""
        streams: dict[tuple[str, str], int] = {}
        for tenant, _, subject, _, _ in self._rows:
            streams[tenant, subject] = streams.get((tenant, subject), 0) + 1
        wanted = sorted(streams)
        return (
            *(list(column) for column in zip(*self._rows, strict=True)),
            [tenant for tenant, _ in wanted],
            [lead for _, lead in wanted],
            [streams[key] for key in wanted],
        )
