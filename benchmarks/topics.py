"""The harness's own Kafka client: publish leads, wait for records on a topic, read them back with their times."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from benchmarks.leads import Record

SUBMITTED, CAPTURED, SCORED, CHANGED = "lead.submitted", "lead.captured", "lead.scored", "stage.changed"
_BATCH_BYTES = 400_000

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class AppendedRecord:
    """A record that was read back: its lead, and when the broker appended it (seconds since the epoch)."""

    subject: str
    at: float


class Topics:
    """One producer and one consumer without a group."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, bootstrap: str) -> None:
        self._producer = producer
        self._consumer = consumer
        self._bootstrap = bootstrap

    async def partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in sorted(await self._producer.partitions_for(topic))]

    async def ends(self, topic: str) -> Offsets:
        """The offset after the last record of each partition."""
        found: Offsets = await self._consumer.end_offsets(await self.partitions(topic))
        return found

    async def publish(self, leads: Sequence[Record]) -> float:
        """Publish `lead.submitted` in bulk on all partitions; returns the time (epoch) just before the first one."""
        partitions = await self.partitions(SUBMITTED)
        ready = []
        for place, partition in enumerate(partitions):
            batch, size = self._producer.create_batch(), 0
            for value, headers in leads[place :: len(partitions)]:
                batch.append(key=None, value=value, timestamp=None, headers=headers)
                size += len(value)
                if size > _BATCH_BYTES:
                    ready.append((partition, batch))
                    batch, size = self._producer.create_batch(), 0
            ready.append((partition, batch))
        begun = time.time()
        sent = [
            await self._producer.send_batch(batch, partition.topic, partition=partition.partition)
            for partition, batch in ready
            if batch.record_count()
        ]
        await asyncio.gather(*sent)
        return begun

    async def send(self, leads: Sequence[Record], topic: str = SUBMITTED) -> None:
        """Send leads one by one, without waiting for acknowledgements."""
        for value, headers in leads:
            await self._producer.send(topic, value, headers=headers)

    async def flush(self) -> None:
        await self._producer.flush()

    async def wait_for(self, topic: str, since: Offsets, count: int, within: float) -> None:
        """Wait until a topic has `count` more records than at `since`. Raises TimeoutError after `within` seconds."""
        deadline = time.monotonic() + within
        while (more := sum((await self.ends(topic)).values()) - sum(since.values())) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{more} of {count} records on {topic} after {within:.0f} s")
            await asyncio.sleep(0.05)

    async def read_back(self, topic: str, since: Offsets) -> list[AppendedRecord]:
        """Every record of a topic from the offsets `since` on."""
        until = await self.ends(topic)
        missing = {partition: end for partition, end in until.items() if end > since[partition]}
        found: list[AppendedRecord] = []
        self._consumer.assign(list(missing))
        for partition in missing:
            self._consumer.seek(partition, since[partition])
        while missing:
            for partition, records in (await self._consumer.getmany(timeout_ms=1_000)).items():
                for record in records:
                    found.append(AppendedRecord((record.key or b"").decode(), record.timestamp / 1_000))
                if records[-1].offset + 1 >= until[partition]:
                    missing.pop(partition, None)
        self._consumer.assign([])
        return found

    async def skip_to_end(self, groups: Iterable[str], topics: Iterable[str]) -> None:
        """Move consumer groups, which must have no members, to the end of these topics."""
        ends: dict[TopicPartition, int] = {}
        for topic in topics:
            ends |= await self.ends(topic)
        for group in groups:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap, group_id=group, enable_auto_commit=False, session_timeout_ms=6_000
            )
            await consumer.start()
            try:
                consumer.assign(list(ends))
                deadline = time.monotonic() + 30.0
                while True:
                    try:
                        await consumer.commit(ends)
                        break
                    except KafkaError:  # a killed member belongs to the group until its session ends
                        if time.monotonic() > deadline:
                            raise
                        await asyncio.sleep(0.2)
            finally:
                await consumer.stop()


@asynccontextmanager
async def topics_client(bootstrap: str) -> AsyncIterator[Topics]:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=900_000, max_request_size=1_000_000, linger_ms=0
    )
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_bytes=20_000_000)
    await producer.start()
    await consumer.start()
    try:
        yield Topics(producer, consumer, bootstrap)
    finally:
        await producer.stop()
        await consumer.stop()


def latencies(captured: Sequence[AppendedRecord], changed: Sequence[AppendedRecord]) -> list[float]:
    """Milliseconds from each lead's first `lead.captured` to its first `stage.changed`, in order of capture."""
    begun: dict[str, float] = {}
    for record in captured:
        begun[record.subject] = min(record.at, begun.get(record.subject, record.at))
    ended: dict[str, float] = defaultdict(lambda: float("inf"))
    for record in changed:
        ended[record.subject] = min(record.at, ended[record.subject])
    return [(ended[lead] - at) * 1_000 for lead, at in sorted(begun.items(), key=lambda pair: pair[1])]
