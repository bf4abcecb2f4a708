"""Another system: it publishes and reads events with a client of its own (librdkafka)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition


@dataclass(frozen=True)
class Seen:
    """A record as another system reads it."""

    type: str
    data: dict[str, Any]
    headers: dict[str, str]
    key: str | None
    partition: int
    offset: int

    @property
    def id(self) -> str:
        return self.headers["ce_id"]

    @property
    def lead_id(self) -> str:
        return self.headers["ce_subject"]

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.headers["ce_time"])


class Bus:
    """Publishes and reads; every record seen since the start of the run is kept, by topic."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._began = int((time.time() - 1) * 1_000)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 2,
                "message.max.bytes": 2_000_000,
            }
        )
        self._consumers: dict[str, Consumer] = {}
        self._seen: dict[str, list[Seen]] = {}
        self._next: dict[tuple[str, int], int] = {}
        """The offset of the next record, by topic and partition."""

    def publish(
        self,
        type: str,
        data: dict[str, Any],
        *,
        tenant: str,
        subject: object | None = None,
        time: datetime | None = None,
        id: str | None = None,
        source: str = "urn:test:other-system",
        **headers: str,
    ) -> str:
        """Send one event in binary mode; its id. `flush` or any read makes sure that it was sent."""
        id = id or str(uuid4())
        attributes = {
            "ce_id": id,
            "ce_type": type,
            "ce_source": source,
            "ce_time": (time or datetime.now(UTC)).isoformat(),
            "ce_tenantid": tenant,
            "content-type": "application/json",
        }
        if subject is not None:
            attributes["ce_subject"] = str(subject)
        self.raw(type, orjson.dumps(data), {**attributes, **headers}, key=str(subject) if subject else None)
        return id

    def raw(
        self, topic: str, value: bytes | None, headers: dict[str, str | bytes | None], *, key: str | None = None
    ) -> None:
        """Send a record of any form, good or bad."""
        self._producer.produce(topic, value, key=key, headers=list(headers.items()))
        self._producer.poll(0)

    def flush(self) -> None:
        self._producer.flush(20)

    async def read(
        self,
        type: str,
        *,
        tenant: str | None = None,
        where: Callable[[Seen], bool] = lambda seen: True,
        count: int = 1,
        within: float = 30,
    ) -> list[Seen]:
        """The matching records of a topic, once there are `count`; TimeoutError after `within` seconds."""
        await asyncio.to_thread(self.flush)
        deadline = time.monotonic() + within
        wait = 0.0
        while True:
            await asyncio.to_thread(self._take, type, wait)
            found = [s for s in self._seen[type] if s.headers.get("ce_tenantid") == tenant or tenant is None]
            matching = [s for s in found if where(s)]
            if len(matching) >= count:
                return matching
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(matching)} of {count} {type}; of this tenant: {[s.data for s in found][-5:]}")
            wait = 0.5

    def seen(self, type: str, *, tenant: str) -> list[Seen]:
        """The records of a topic for one tenant: all that the broker has now, and what a service is about to publish,
        which follows within a fifth of a second."""
        self.flush()
        consumer = self._consumer(type)
        ends = {p.partition: consumer.get_watermark_offsets(p, timeout=10)[1] for p in consumer.assignment()}
        deadline = time.monotonic() + 10
        while any(self._next[type, partition] < end for partition, end in ends.items()):
            self._take(type, 0.5)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the records of {type} cannot be read to their end")
        while self._take(type, 0.2):
            pass
        return [seen for seen in self._seen[type] if seen.headers.get("ce_tenantid") == tenant]

    def _consumer(self, topic: str) -> Consumer:
        if topic not in self._consumers:
            consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "bus", "enable.auto.commit": False})
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            beginnings = [self._beginning(consumer, topic, partition) for partition in partitions]
            self._next |= {(topic, beginning.partition): beginning.offset for beginning in beginnings}
            consumer.assign(beginnings)
            self._consumers[topic] = consumer
            self._seen[topic] = []
        return self._consumers[topic]

    def _take(self, topic: str, wait: float) -> bool:
        """Keep the records that have arrived; wait up to so many seconds for the first. Whether there were any."""
        consumer = self._consumer(topic)
        message = first = consumer.poll(wait)
        while message is not None:
            if message.error() is None:
                seen = _seen(message)
                self._seen[topic].append(seen)
                self._next[topic, seen.partition] = seen.offset + 1
            message = consumer.poll(0)
        return first is not None

    def _beginning(self, consumer: Consumer, topic: str, partition: int) -> TopicPartition:
        """Where this bus began: servers that stay up between runs also have the records of earlier ones."""
        deadline = time.monotonic() + 10
        while True:
            try:
                _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                (found,) = consumer.offsets_for_times([TopicPartition(topic, partition, self._began)], timeout=10)
                return TopicPartition(topic, partition, found.offset if found.offset >= 0 else end)
            except KafkaException:  # a topic that was made just now has no leader yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()


def _pairs(message: Message) -> list[tuple[str, bytes | None]]:
    return list(message.headers() or [])  # type: ignore[arg-type]  # the stubs allow text, the library gives bytes


def _seen(message: Message) -> Seen:
    headers = {name: (value or b"").decode(errors="replace") for name, value in _pairs(message)}
    value, key = message.value(), message.key()
    try:
        data = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        data = None
    return Seen(
        type=message.topic() or "",
        data=data if isinstance(data, dict) else {},
        headers=headers,
        key=key.decode(errors="replace") if key else None,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
    )
