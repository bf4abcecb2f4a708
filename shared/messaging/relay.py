"""The relay: sends the rows of the outbox to Kafka, in order, at least once.

One transaction: an advisory lock, then `DELETE ... RETURNING` of the oldest rows, then send, then commit. If anything
fails, the rows are in the outbox again and are sent again; readers ignore the repetition. A cursor over ids would miss
rows that commit late, and SKIP LOCKED alone would let two replicas send one lead's events out of order.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from random import randrange
from typing import Any

import orjson
import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.db import Database, DatabaseError, locks
from shared.limits import MAX_BATCH_BYTES, MAX_RECORD_BYTES
from shared.messaging.clients import ProducerClient
from shared.messaging.connection import Kafka
from shared.observability import REFUSED, RELAYED
from shared.store import outbox
from shared.store.outbox import Row

log = structlog.get_logger()

PAGE = 1_000
ACKNOWLEDGED_WITHIN = 15.0
LOOK_EVERY = 0.5
_PARTITIONER = DefaultPartitioner()


class Refused(Exception):
    """The broker will never accept this row; it may accept the others."""

    def __init__(self, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.row = row


class Relay:
    """Sends the rows of the outbox. Only one relay of all replicas sends at a time. `wake` ends its pause at once."""

    def __init__(self, database: Database, kafka: Kafka) -> None:
        self.database = database
        self._kafka = kafka
        self.producer: ProducerClient | None = None
        """The present client, None while there is none."""
        self._woken = asyncio.Event()
        # A series that begins with its first refusal would show no increase.
        REFUSED.labels(database.service)

    def wake(self) -> None:
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set and the rows being sent are acknowledged."""
        pause = 0.0
        while not stop.is_set():
            try:
                more = await self.step()
                pause = 0.0
            except Exception as error:
                # Any error is retried: an outbox that is not sent is worse than one that is tried again and again.
                await self._discard_producer()
                pause = min(10.0, pause * 2 or 0.2)
                known = isinstance(error, KafkaError | DatabaseError | OSError | TimeoutError)
                log.warning(
                    "relay.backs_off",
                    service=self.database.service,
                    seconds=pause,
                    error=repr(error)[:300],
                    exc_info=None if known else error,
                )
                await _wait(stop, pause)
                continue
            if not more:
                await self._sleep()
        await self._discard_producer()

    async def step(self) -> bool:
        """Send one page; whether another may follow at once."""
        producer = await self._started()
        try:
            # The lock is taken before the rows are read, so that the rows which its last holder sent are gone.
            async with self.database.worker(lock=locks.RELAY) as work:
                rows = await outbox.take_oldest(work, PAGE)
                if rows:
                    begun = time.perf_counter()
                    async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
                        await self._send(producer, rows)
                    RELAYED.labels(self.database.service).inc(len(rows))
                    log.debug("relay.sent", events=len(rows), seconds=round(time.perf_counter() - begun, 4))
        except Refused as refused:
            await self._set_aside(refused)
            return True
        return len(rows) == PAGE

    async def _send(self, producer: ProducerClient, rows: Sequence[Row]) -> None:
        """Hand-built batches for each partition, one in flight at a time: the idempotent producer keeps their order."""
        by_partition: dict[tuple[str, int], list[Row]] = defaultdict(list)
        counts: dict[str, int] = {}
        for row in rows:
            topic = row.topic
            if topic not in counts:
                counts[topic] = len(await producer.partitions_for(topic))
            count = counts[topic]
            partition = _partition_of(row.key, count) if row.key is not None else randrange(count)
            by_partition[topic, partition].append(row)
        acknowledgements: list[tuple[Row, int, Any]] = []
        for (topic, partition), of_partition in by_partition.items():
            for batch, first, size in self._batches(producer, of_partition):
                acknowledgements.append((first, size, await producer.send_batch(batch, topic, partition=partition)))
        for first, size, acknowledgement in acknowledgements:
            try:
                await acknowledgement
            except MessageSizeTooLargeError as error:
                if size == 1:
                    raise Refused(first, repr(error)) from error
                raise

    def _batches(self, producer: ProducerClient, rows: Sequence[Row]) -> list[tuple[BatchBuilder, Row, int]]:
        batches: list[tuple[BatchBuilder, Row, int]] = []
        batch, first, size = producer.create_batch(), rows[0], 0
        for row in rows:
            headers = [(name, text.encode()) for name, text in orjson.loads(row.headers).items()]
            key = row.key.encode() if row.key is not None else None
            if batch.append(key=key, value=row.value, timestamp=None, headers=headers) is None:
                batches.append((batch, first, size))
                batch, first, size = producer.create_batch(), row, 0
                if batch.append(key=key, value=row.value, timestamp=None, headers=headers) is None:
                    raise Refused(row, "larger than one batch may be")
            size += 1
        batches.append((batch, first, size))
        return batches

    async def _set_aside(self, refused: Refused) -> None:
        row = refused.row
        async with self.database.worker(lock=locks.RELAY) as work:
            await outbox.set_aside(work, row.id, str(refused))
        REFUSED.labels(self.database.service).inc()
        log.error("relay.row_refused", topic=row.topic, key=row.key, tenant=row.tenant, reason=str(refused))

    async def reaches_broker(self) -> bool:
        """Whether the broker answers within two seconds."""
        if self.producer is None:
            return False
        try:
            await asyncio.wait_for(self.producer.client.fetch_all_metadata(), 2.0)
        except (KafkaError, OSError, TimeoutError):
            return False
        return True

    async def _started(self) -> ProducerClient:
        if self.producer is None:
            producer = self._kafka.producer(
                client_id=f"leadflow-{self.database.service}-relay",
                max_batch_size=MAX_BATCH_BYTES,
                max_request_size=MAX_RECORD_BYTES,
                request_timeout_ms=10_000,
                linger_ms=0,
            )
            try:
                await asyncio.wait_for(producer.start(), ACKNOWLEDGED_WITHIN)
            except BaseException:
                await producer.stop()
                raise
            self.producer = producer
        return self.producer

    async def _discard_producer(self) -> None:
        """After a failure the outcome is unknown, and so may be the sequence numbers: start with a new producer."""
        producer, self.producer = self.producer, None
        if producer is not None:
            await producer.stop()

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), LOOK_EVERY)
        self._woken.clear()


@lru_cache(maxsize=PAGE)
def _partition_of(key: str, partitions: int) -> int:
    """The partition of a key by Kafka's default partitioner. The events of a lead are close together in the outbox, and
    hashing its id takes longer than all else that the relay does with a row."""
    numbers = list(range(partitions))
    return int(_PARTITIONER(key.encode(), numbers, numbers))


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
