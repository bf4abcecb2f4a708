"""A message's way in: fetch a batch, process it in one transaction (processing.py), then commit the offsets.

- A record that cannot be read, or that the use case refuses for good, becomes a dead letter with bytes, headers and
  reason; the other records are processed.
- When the client raises while it fetches, the records are fetched by another way (raw_records.py).
- While the database is away the consumer backs off and reads the batch again. Nothing is skipped.
- Offsets are committed after the transaction (offsets.py), so a crash repeats batches; the inbox ignores events that
  it knows.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faststream import AckPolicy
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import AckStatus

from shared.db import Database, DatabaseError
from shared.errors import Transient
from shared.events.base import Event
from shared.messaging import raw_records
from shared.messaging.connection import Kafka
from shared.messaging.offsets import Offsets
from shared.messaging.processing import BatchProcessor, Handle, Refuse
from shared.observability import BATCH_RECORDS, BATCH_SECONDS, LAG, RECORDS

log = structlog.get_logger()

_POLL_MS = 500
"""Milliseconds to wait for records before checking whether to stop."""


class _Batch(KafkaAckableMessage):
    """A batch that notes the offsets of its own partitions.

    FastStream's own commits those of every partition that the replica reads, and waits for the broker.
    """

    offsets: Offsets

    async def ack(self) -> None:
        if not self.committed:
            await self.offsets.processed(self.raw_message)
            self.committed = AckStatus.ACKED


class Consumer:
    """One batch subscriber over all topics that a service reads.

    `handle`, `inbox`, `keep_raw` and `refuse` are as in BatchProcessor.
    """

    def __init__(
        self,
        database: Database,
        kafka: Kafka,
        reads: Sequence[type[Event]],
        handle: Handle,
        *,
        group: str,
        inbox: bool = True,
        keep_raw: bool = False,
        refuse: Refuse | None = None,
        batch_records: int = 1_000,
        grace_seconds: float = 15.0,
    ) -> None:
        self.database = database
        self.models = {event.type: event for event in reads}
        self.processor = BatchProcessor(database, self.models, handle, inbox=inbox, keep_raw=keep_raw, refuse=refuse)
        self.group = group
        self.progress_at = time.monotonic()
        """When a batch was last processed, or there was nothing to read (`time.monotonic`)."""
        self.turned_at = time.monotonic()
        """When the loop last came round, whatever came of it: a loop that does not is stuck (`time.monotonic`)."""
        self.fetch_error: str | None = None
        """Why the last fetch failed; None when it did not."""
        self._pause = 0.0
        self._kafka = kafka
        self._batch_records = batch_records
        self._grace_seconds = grace_seconds
        self.offsets = Offsets(lambda: self.subscriber.consumer)
        for outcome in ("passed", "dead", "again"):
            RECORDS.labels(database.service, outcome)  # so that the first ones are seen as an increase
        self._subscribe()

    def _subscribe(self) -> None:
        """Make a broker, which keeps the password that it is made with, and its subscriber."""
        self.broker = self._kafka.broker(
            client_id=f"leadflow-{self.database.service}",
            apply_types=False,
            allow_auto_create_topics=False,
            graceful_timeout=self._grace_seconds,
        )
        self.subscriber = self.broker.subscriber(
            *self.models,
            listener=self.offsets,
            batch=True,
            max_records=self._batch_records,
            group_id=self.group,
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
        # FastStream's own sleeps after an empty poll, and what arrives meanwhile has to wait.
        self.subscriber.get_msg = self._fetch  # type: ignore[method-assign]

    async def start(self) -> None:
        """Join the group. After a start that failed, it may be called again: with the password as it is by then."""
        self._subscribe()
        self.offsets.start()
        await self.broker.start()

    async def stop(self) -> None:
        """Finish the batch that is being processed, commit its offsets, leave the group."""
        await self.offsets.stop()
        await self.broker.stop()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord[bytes, bytes], ...]:
        """The records that have arrived; () when none does within `_POLL_MS`."""
        self.turned_at = time.monotonic()
        try:
            fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._batch_records)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            log.error("consumer.fetch_failed", service=self.database.service, error=reason)
            records: tuple[ConsumerRecord[bytes, bytes], ...] = ()
            try:
                records = await self._fetch_raw(consumer)
            finally:
                self.fetch_error = None if records else reason
            if not records:
                raise
            return records
        self.fetch_error = None
        if not fetched:
            self.progress_at = time.monotonic()
        return tuple(record for of_partition in fetched.values() for record in of_partition)

    async def _fetch_raw(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord[bytes, bytes], ...]:
        """The next records in spite of one that the client cannot read; () when there are none, or no broker.

        The client has handed out records of some partitions, which are lost with its error. So all partitions go back
        to what was committed, and are read from there by our own reader.
        """
        await self.offsets.commit()
        committed = await consumer.seek_to_committed()
        if new := [partition for partition, offset in committed.items() if not offset]:
            await consumer.seek_to_beginning(*new)
        positions = {partition: await consumer.position(partition) for partition in consumer.assignment()}
        found = await raw_records.fetch(consumer, positions, self._batch_records)
        for partition, (_, behind) in found.items():
            consumer.seek(partition, behind)
        return tuple(record for records, _ in found.values() for record in records)

    async def _parse(self, records: tuple[ConsumerRecord[bytes, bytes], ...]) -> KafkaAckableMessage:
        """FastStream's own parser decodes every header as UTF-8 and would neither commit nor seek when one is not."""
        batch = _Batch(body=b"", raw_message=records, headers={}, consumer=self.subscriber.consumer)
        batch.offsets = self.offsets
        return batch

    async def receive(self, records: tuple[ConsumerRecord[bytes, bytes], ...]) -> None:
        """Process one batch. Raises when it must be read again; FastStream then seeks back."""
        begun = time.perf_counter()
        service = self.database.service
        try:
            await self.processor.process(records)
        except (DatabaseError, OSError, Transient, TimeoutError) as error:
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


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
