"""The unit of work: one transaction, and the events that are published if, and only if, it commits."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from pydantic_core import PydanticSerializationError

from shared.db.transaction import Transaction
from shared.errors import Invalid
from shared.events.base import Event
from shared.events.envelope import Envelope, Received
from shared.ids import uuid7
from shared.limits import MAX_EVENT_BYTES
from shared.observability import trace_of
from shared.store import outbox
from shared.strict_json import holds_zero

REPEATED = 0
"""The `sequence` of an event that repeats an earlier one, and so has no place of its own among its lead's events."""


class UnitOfWork(Transaction):
    """A transaction that can publish events. `service` is who publishes them."""

    def __init__(
        self,
        connection: "asyncpg.Connection[Any]",
        now: datetime,
        service: str,
        tenants: Sequence[str],
        offset: timedelta,
    ) -> None:
        super().__init__(connection, now, tenants, offset)
        self.source = f"urn:leadflow:{service}"
        self.after_commit: list[Callable[[], None]] = []
        """Called once the transaction has committed: to wake a worker for what was stored, for example."""
        self._pending: list[tuple[Envelope, bytes]] = []

    def emit(
        self,
        event: Event,
        *,
        tenant: str,
        subject: object,
        time: datetime | None = None,
        cause: Received[Any] | Envelope | None = None,
        event_id: str | None = None,
        repeated: bool = False,
    ) -> Envelope:
        """Publish an event with this transaction. It is never timed before its cause.

        Its `ce_sequence` is drawn when the transaction ends. `repeated`: the event was published before under the same
        id, and gets no `ce_sequence`.

        Raises Invalid when the event is larger than 900 KB or cannot be read by a consumer; then nothing of the
        transaction may commit.
        """
        value = _value_of(event)
        before = cause.envelope if isinstance(cause, Received) else cause
        time = time or self.now
        id_ = event_id or str(uuid7())
        lead = str(subject) if subject is not None else None
        envelope = Envelope(
            id_,
            event.type,
            self.source,
            max(time, before.time) if before else time,
            tenant,
            lead,
            event.major,
            sequence=REPEATED if repeated else None,
            correlation_id=(before.correlation_id or before.id) if before else id_,
            causation_id=before.id if before else None,
            traceparent=(before.traceparent if before else None) or trace_of(tenant, lead, id_),
        )
        self._pending.append((envelope, value))
        return envelope

    async def write_events(self) -> bool:
        """Write the events into the outbox, at the end of the transaction; whether there were any."""
        pending, self._pending = self._pending, []
        if pending:
            await outbox.add(self, pending)
        return bool(pending)


def _value_of(event: Event) -> bytes:
    """The event's data as it is published."""
    try:
        # `model_dump_json` would make text of the bytes.
        value = event.__pydantic_serializer__.to_json(event, exclude_unset=True)
    except PydanticSerializationError as error:
        raise Invalid(f"the event {event.type} cannot be written as JSON: {str(error)[:200]}") from None
    if len(value) > MAX_EVENT_BYTES:
        raise Invalid(f"the event {event.type} would have {len(value)} bytes; {MAX_EVENT_BYTES} are the limit")
    if holds_zero(value):
        raise Invalid(f"the event {event.type} would contain a zero character, which no consumer accepts")
    return value
