"""Processes a batch of records: decode, sort, one transaction; what fails for good becomes a dead letter.

A failing batch is halved until the record that fails is alone, so that the other records are processed.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from opentelemetry import propagate, trace

from shared.db import RETRY_AT_ONCE, Database, DatabaseError, UnitOfWork, is_outage, may_pass_later
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Transient
from shared.events.base import Event
from shared.events.envelope import Received, decode
from shared.ids import EventKey
from shared.limits import MAX_RECORD_BYTES
from shared.messaging import dead_letters
from shared.messaging.raw_records import Unreadable
from shared.observability import RECORDS, tracer, tracing
from shared.store import inbox
from shared.store.dead_letters import DeadLetter

log = structlog.get_logger()

Handle = Callable[[UnitOfWork, list[Received[Any]]], Awaitable[None]]
"""A use case for a batch: events in order of `Received.order`, each for the first time."""

Refuse = Callable[[UnitOfWork, Sequence[DeadLetter]], Awaitable[None]]
"""A use case for records that became dead letters, which answers their publishers. It may be called again for one."""

_REFUSED = (Invalid, Conflict, Forbidden, NotFound)
_TRIES = 5


@dataclass(frozen=True)
class Failure:
    """One record, and why it cannot be processed."""

    record: ConsumerRecord[bytes, bytes]
    reason: str
    errors: Sequence[dict[str, Any]] = ()
    """What is wrong, by field."""


class BatchProcessor:
    """Processes batches for one service.

    `models` read the events by type. `handle` is the use case for a batch. `inbox`: whether the inbox filters repeated
    events, or the use case does it. `keep_raw`: whether events keep their data as JSON beside the model. `refuse`
    hears of the records that became dead letters, in a transaction after theirs.
    """

    def __init__(
        self,
        database: Database,
        models: Mapping[str, type[Event]],
        handle: Handle,
        *,
        inbox: bool,
        keep_raw: bool,
        refuse: Refuse | None = None,
    ) -> None:
        self._database = database
        self._models = models
        self._handle = handle
        self._inbox = inbox
        self._keep_raw = keep_raw
        self._refuse = refuse

    async def process(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """Process these records, once each. Raises when the database is away, or an error stays that passes by itself:
        then read them again."""
        first: dict[EventKey, tuple[ConsumerRecord[bytes, bytes], Received[Any]]] = {}
        failures: list[Failure] = []
        for record in records:
            if isinstance(record, Unreadable):
                failures.append(Failure(record, record.reason))
                continue
            try:
                received = decode(
                    record.topic,
                    record.value,
                    record.headers,
                    recorded_at(record),
                    self._models,
                    keep_raw=self._keep_raw,
                )
            except Invalid as refusal:
                failures.append(Failure(record, refusal.detail, refusal.errors))
            except Exception as defect:  # noqa: BLE001 - a record that we cannot read must not stop the others
                failures.append(Failure(record, _reason(defect)))
            else:
                # Of an event and its repetitions the first counts, whatever times they have.
                first.setdefault(received.key, (record, received))
        readable = sorted(first.values(), key=lambda pair: pair[1].order)
        if readable:
            await self._process(readable)
        # Afterwards, so that a broken repetition finds the event that it repeats in the inbox.
        if failures:
            await self._dead_letter(failures)

    async def _process(self, pairs: list[tuple[ConsumerRecord[bytes, bytes], Received[Any]]]) -> None:
        """Process these records in one transaction, or halve them until the one that fails is alone."""
        error: Exception | None = None
        for attempt in range(_TRIES):
            try:
                await self._process_in_one([received for _, received in pairs])
                return
            except _REFUSED as refusal:
                error = refusal
                break
            except DatabaseError as failure:
                if is_outage(failure):
                    raise
                error = failure
                if failure.sqlstate not in RETRY_AT_ONCE:
                    break
            except (OSError, TimeoutError):
                raise
            except Transient as failure:
                error = failure
                await asyncio.sleep(0.1 * 2**attempt)
            except Exception as failure:  # noqa: BLE001 - a defect of ours must not stop the partition
                error = failure
                break
        if len(pairs) > 1:
            middle = len(pairs) // 2
            await self._process(pairs[:middle])
            await self._process(pairs[middle:])
            return
        if isinstance(error, Transient):
            raise error
        errors = error.errors if isinstance(error, Invalid) else ()
        await self._dead_letter([Failure(pairs[0][0], _reason(error), errors)])

    async def _process_in_one(self, batch: list[Received[Any]]) -> None:
        with _spans(self._database.service, batch):
            async with self._database.worker(received.tenant for received in batch) as work:
                fresh = await inbox.first_deliveries(work, batch) if self._inbox else batch
                if fresh:
                    await self._handle(work, fresh)
        RECORDS.labels(self._database.service, "passed").inc(len(batch))

    async def _dead_letter(self, failures: list[Failure]) -> None:
        letters = [_letter(failure) for failure in failures]
        await dead_letters.store(self._database, letters)
        RECORDS.labels(self._database.service, "dead").inc(len(letters))
        for letter in letters:
            log.warning(
                "consumer.dead_letter",
                service=self._database.service,
                topic=letter.topic,
                partition=letter.partition,
                offset=letter.offset,
                tenant=letter.tenant,
                lead=letter.subject,
                correlation=letter.attribute("correlationid"),
                reason=letter.error,
            )
        await self._answer(letters)

    async def _answer(self, letters: Sequence[DeadLetter]) -> None:
        """Let the use case answer. An answer that cannot be written does not hold up the records that follow."""
        answerable = [letter for letter in letters if letter.identity]
        if self._refuse is None or not answerable:
            return
        try:
            async with self._database.worker(letter.tenant or "" for letter in answerable) as work:
                await self._refuse(work, answerable)
        except Exception as error:
            if may_pass_later(error):
                raise
            if len(answerable) == 1:
                log.error("consumer.no_answer", service=self._database.service, reason=_reason(error))
                return
            for letter in answerable:
                await self._answer([letter])


@contextmanager
def _spans(service: str, batch: Sequence[Received[Any]]) -> Iterator[None]:
    """A span for each event, in the trace of its lead, from the beginning of the batch to its commit."""
    if not tracing():
        yield
        return
    spans = [
        tracer.start_span(
            f"{service} {received.type}",
            context=propagate.extract({"traceparent": received.envelope.traceparent or ""}),
            kind=trace.SpanKind.CONSUMER,
            attributes={"leadflow.tenant": received.tenant, "leadflow.lead": received.envelope.subject or ""},
        )
        for received in batch
    ]
    try:
        yield
    finally:
        for span in spans:
            span.end()


def recorded_at(record: ConsumerRecord[bytes, bytes]) -> datetime:
    """The broker's time of a record. On a topic that others made it may be its publisher's, and any number."""
    try:
        return datetime.fromtimestamp(record.timestamp / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid("the timestamp of the record is no moment of any calendar") from None


def _letter(failure: Failure) -> DeadLetter:
    record = failure.record
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value[:MAX_RECORD_BYTES] if record.value is not None else None,
        headers=[(name, value) for name, value in record.headers],
        error=failure.reason,
        errors=failure.errors,
    )


def _reason(error: Exception | None) -> str:
    """A sentence for people, for a defect of ours with its place in the code. Never the data of the record."""
    if isinstance(error, (*_REFUSED, Transient)):
        return error.detail
    if isinstance(error, DatabaseError):
        return f"the database refuses it: {error.kind} ({error.sqlstate})"
    place = traceback.extract_tb(error.__traceback__)[-1] if error is not None and error.__traceback__ else None
    where = f" at {place.name}:{place.lineno}" if place else ""
    return f"a defect in this service: {type(error).__name__}{where}"
