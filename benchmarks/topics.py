"""The harness's own hands on Kafka: publish leads, see how far a topic is, read back what happened and when."""

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
class Said:
    """A record that was read back: what it is about, and when the broker appended it (seconds since the epoch)."""

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
        """The offset behind the last record of each partition."""
        found: Offsets = await self._consumer.end_offsets(await self.partitions(topic))
        return found

    async def publish(self, leads: Sequence[Record]) -> float:
        """Publish `lead.submitted` in bulk, over all partitions; the moment (epoch) just before the first left."""
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

    async def send(self, leads: Sequence[Record]) -> None:
        """Hand leads over one by one; they leave at once, and are not waited for."""
        for value, headers in leads:
            await self._producer.send(SUBMITTED, value, headers=headers)

    async def flush(self) -> None:
        await self._producer.flush()

    async def wait_for(self, topic: str, since: Offsets, count: int, within: float) -> None:
        """Until a topic has `count` more records than at `since`. TimeoutError after `within` seconds."""
        deadline = time.monotonic() + within
        while (more := sum((await self.ends(topic)).values()) - sum(since.values())) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{more} of {count} {topic} after {within:.0f} s")
            await asyncio.sleep(0.05)

    async def read_back(self, topic: str, since: Offsets) -> list[Said]:
        """Every record of a topic behind `since`."""
        until = await self.ends(topic)
        missing = {partition: end for partition, end in until.items() if end > since[partition]}
        said: list[Said] = []
        self._consumer.assign(list(missing))
        for partition in missing:
            self._consumer.seek(partition, since[partition])
        while missing:
            for partition, records in (await self._consumer.getmany(timeout_ms=1_000)).items():
                for record in records:
                    said.append(Said((record.key or b"").decode(), record.timestamp / 1_000))
                if records[-1].offset + 1 >= until[partition]:
                    missing.pop(partition, None)
        self._consumer.assign([])
        return said

    async def skip_to_end(self, groups: Iterable[str], topics: Iterable[str], within: float = 30.0) -> None:
        """Let consumer groups, which must be empty, go on behind all that is on these topics now."""
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
                deadline = time.monotonic() + within
                while True:
                    try:
                        await consumer.commit(ends)
                        break
                    except KafkaError:  # a member that was killed is still counted until its session ends
                        if time.monotonic() > deadline:
                            raise
                        await asyncio.sleep(0.2)
            finally:
                await consumer.stop()


@asynccontextmanager
async def topics(bootstrap: str) -> AsyncIterator[Topics]:
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


def latencies(captured: Sequence[Said], changed: Sequence[Said]) -> list[float]:
    """Milliseconds from each lead's first `lead.captured` to its first `stage.changed`, in order of capture."""
    begun: dict[str, float] = {}
    for said in captured:
        begun[said.subject] = min(said.at, begun.get(said.subject, said.at))
    ended: dict[str, float] = defaultdict(lambda: float("inf"))
    for said in changed:
        ended[said.subject] = min(said.at, ended[said.subject])
    return [(ended[lead] - at) * 1_000 for lead, at in sorted(begun.items(), key=lambda pair: pair[1])]
