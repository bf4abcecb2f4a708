"""A message's way in: decode, sort, one transaction for the batch, then commit the offsets.

- A record that cannot be read, or that the use case refuses for good, becomes a dead letter with bytes, headers and
  reason; the other records are processed. A failing batch is halved until the record that fails is alone.
- While the database is away the consumer backs off and reads the batch again. Nothing is skipped.
- Offsets are committed after the transaction, so a crash repeats a batch; the inbox ignores events that it knows.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import AckStatus
from opentelemetry import propagate, trace
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.db import RETRY_AT_ONCE, Database, UnitOfWork, is_outage, sqlstate
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Transient
from shared.events.base import Event
from shared.events.envelope import Received, decode
from shared.messaging import dead_letters
from shared.observability import BATCH_RECORDS, BATCH_SECONDS, LAG, RECORDS, tracer, tracing
from shared.store import inbox
from shared.store.dead_letters import DeadLetter

log = structlog.get_logger()

Handle = Callable[[UnitOfWork, list[Received[Any]]], Awaitable[None]]
"""A use case for a batch: events in order of `Received.order`, each for the first time."""

_REFUSED = (Invalid, Conflict, Forbidden, NotFound)
_TRIES = 5
_POLL_MS = 200
"""Milliseconds to wait for records before checking whether to stop."""


def by_type(handlers: Mapping[type[Event], Callable[[UnitOfWork, Received[Any]], Awaitable[None]]]) -> Handle:
    """A batch handler that calls one function for each event, in order."""
    named = {event.type: handler for event, handler in handlers.items()}

    async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
        for received in batch:
            await named[received.type](work, received)

    return handle


@dataclass(frozen=True)
class Failure:
    """One record, and why it cannot be processed."""

    record: ConsumerRecord[bytes, bytes]
    reason: str
    received: Received[Any] | None = None


class _Batch(KafkaAckableMessage):
    """A batch that commits the offsets of its own partitions.

    FastStream's own commits those of every partition that the replica reads: with 20 topics of 12 partitions that was
    half of the work for a small batch.
    """

    consumer: AIOKafkaConsumer

    async def ack(self) -> None:
        if not self.committed:
            offsets = {TopicPartition(each.topic, each.partition): each.offset + 1 for each in self.raw_message}
            await self.consumer.commit(offsets)
            self.committed = AckStatus.ACKED


class Consumer:
    """One batch subscriber over all topics that a service reads.

    `handle` is the use case for a batch. `inbox`: whether the inbox filters repeated events, or the use case does it.
    `keep_raw`: whether events keep their data as JSON beside the model.
    """

    def __init__(
        self,
        database: Database,
        bootstrap: str,
        reads: Sequence[type[Event]],
        handle: Handle,
        *,
        group: str,
        inbox: bool = True,
        keep_raw: bool = False,
        batch_records: int = 1_000,
        grace_seconds: float = 15.0,
    ) -> None:
        self.database = database
        self.models = {event.type: event for event in reads}
        self.handle = handle
        self.inbox = inbox
        self.keep_raw = keep_raw
        self.group = group
        self.progress_at = time.monotonic()
        """When a batch was last processed, or there was nothing to read (`time.monotonic`)."""
        self._pause = 0.0
        self.broker = KafkaBroker(
            bootstrap,
            client_id=f"leadflow-{database.service}",
            apply_types=False,
            allow_auto_create_topics=False,
            graceful_timeout=grace_seconds,
            logger=None,
        )
        self.subscriber = self.broker.subscriber(
            *self.models,
            batch=True,
            max_records=batch_records,
            group_id=group,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
            isolation_level="read_committed",
            parser=self._parse,
            decoder=_records,
        )
        self.subscriber(self.receive)
        self._batch_records = batch_records
        # FastStream's own sleeps after an empty poll, and what arrives meanwhile has to wait.
        self.subscriber.get_msg = self._fetch  # type: ignore[method-assign]

    async def start(self) -> None:
        await self.broker.start()

    async def stop(self) -> None:
        """Finish the batch that is being processed, commit its offsets, leave the group."""
        await self.broker.stop()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord[bytes, bytes], ...]:
        """The records that have arrived; () when none does within `_POLL_MS`."""
        try:
            fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._batch_records)
        except Exception:
            # The client has handed out records of some partitions, which are lost with the error: read them again.
            committed = await consumer.seek_to_committed()
            if new := [partition for partition, offset in committed.items() if not offset]:
                await consumer.seek_to_beginning(*new)
            raise
        if not fetched:
            self.progress_at = time.monotonic()
        return tuple(record for of_one in fetched.values() for record in of_one)

    async def _parse(self, records: tuple[ConsumerRecord[bytes, bytes], ...]) -> KafkaAckableMessage:
        """FastStream's own parser decodes every header as UTF-8 and would neither commit nor seek when one is not."""
        return _Batch(body=b"", raw_message=records, headers={}, consumer=self.subscriber.consumer)

    async def receive(self, records: tuple[ConsumerRecord[bytes, bytes], ...]) -> None:
        """Process one batch. Raises when it must be read again; FastStream then seeks back."""
        begun = time.perf_counter()
        service = self.database.service
        try:
            await self._read(records)
        except (SQLAlchemyError, OSError, Transient, TimeoutError) as error:
            self._pause = min(10.0, self._pause * 2 or 0.2)
            log.warning(
                "consumer.backs_off", service=service, seconds=self._pause, records=len(records), error=_short(error)
            )
            RECORDS.labels(service, "again").inc(len(records))
            await asyncio.sleep(self._pause)
            raise
        self._pause = 0.0
        self.progress_at = time.monotonic()
        BATCH_SECONDS.labels(service).observe(time.perf_counter() - begun)
        BATCH_RECORDS.labels(service).observe(len(records))

    async def _read(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        readable: list[tuple[ConsumerRecord[bytes, bytes], Received[Any]]] = []
        failures: list[Failure] = []
        for record in records:
            try:
                received = decode(
                    record.topic,
                    record.value,
                    record.headers,
                    datetime.fromtimestamp(record.timestamp / 1_000, UTC),
                    self.models,
                    keep_raw=self.keep_raw,
                )
            except Invalid as refusal:
                failures.append(Failure(record, refusal.detail))
            except Exception as defect:  # noqa: BLE001 - a record that we cannot read must not stop the others
                failures.append(Failure(record, _reason(defect)))
            else:
                readable.append((record, received))
        readable.sort(key=lambda pair: pair[1].order)
        if failures:
            await self._dead_letter(failures)
        if readable:
            await self._process(readable)

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
            except DBAPIError as failure:
                if is_outage(failure):
                    raise
                error = failure
                if sqlstate(failure) not in RETRY_AT_ONCE:
                    break
            except (SQLAlchemyError, OSError, TimeoutError):
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
        (record, received) = pairs[0]
        await self._dead_letter([Failure(record, _reason(error), received)])

    async def _process_in_one(self, batch: list[Received[Any]]) -> None:
        with _spans(self.database.service, batch):
            async with self.database.worker(received.tenant for received in batch) as work:
                fresh = await inbox.first_deliveries(work, batch) if self.inbox else batch
                if fresh:
                    await self.handle(work, fresh)
        RECORDS.labels(self.database.service, "passed").inc(len(batch))

    async def _dead_letter(self, failures: list[Failure]) -> None:
        letters = [_letter(failure) for failure in failures]
        await dead_letters.store(self.database, letters)
        RECORDS.labels(self.database.service, "dead").inc(len(letters))
        for letter in letters:
            log.warning(
                "consumer.dead_letter",
                service=self.database.service,
                topic=letter.topic,
                partition=letter.partition,
                offset=letter.offset,
                tenant=letter.tenant,
                lead=letter.subject,
                correlation=letter.attribute("correlationid"),
                reason=letter.error,
            )

    async def lag(self) -> int:
        """How many records of this replica's partitions are not read yet; also sets the metric."""
        consumer: AIOKafkaConsumer | None = self.subscriber.consumer
        if consumer is None:
            return 0
        behind = 0
        ends = {partition: consumer.highwater(partition) for partition in consumer.assignment()}
        for partition, end in ends.items():
            if end is not None:
                with suppress(IllegalStateError):  # another replica has it now
                    behind += max(0, end - await consumer.position(partition))
        LAG.labels(self.database.service).set(behind)
        return behind

    @property
    def assigned(self) -> bool:
        """Whether the group has given this replica its partitions (perhaps none: other replicas hold them)."""
        consumer = self.subscriber.consumer
        coordinator: Any = getattr(consumer, "_coordinator", None)  # none while it is only starting
        return bool(consumer and coordinator and (consumer.assignment() or coordinator.generation > 0))


async def _records(message: KafkaAckableMessage) -> Any:
    return message.raw_message


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


def _letter(failure: Failure) -> DeadLetter:
    record = failure.record
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=[(name, value) for name, value in record.headers],
        error=failure.reason,
        recorded_at=datetime.fromtimestamp(record.timestamp / 1_000, UTC),
    )


def _reason(error: Exception | None) -> str:
    """A sentence for people, for a defect of ours with its place in the code. Never the data of the record."""
    if isinstance(error, (*_REFUSED, Transient)):
        return error.detail
    if isinstance(error, DBAPIError):
        return f"the database refuses it: {type(error.orig).__name__} ({sqlstate(error)})"
    place = traceback.extract_tb(error.__traceback__)[-1] if error is not None and error.__traceback__ else None
    where = f" at {place.name}:{place.lineno}" if place else ""
    return f"a defect in this service: {type(error).__name__}{where}"


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
