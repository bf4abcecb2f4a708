"""Another system: it publishes and reads events with a client of its own (librdkafka)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import methodcaller
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
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bus",
                "enable.auto.commit": False,
                # A topic that is read for the first time waits for the answer that is under way.
                "fetch.wait.max.ms": 100,
            }
        )
        # With a connection of its own: the broker answers the requests of one in turn, and one for records may wait.
        self._places = Consumer({"bootstrap.servers": bootstrap, "group.id": "bus"})
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
        await asyncio.to_thread(self._follow, type)
        deadline = time.monotonic() + within
        wait = 0.0
        while True:
            await asyncio.to_thread(self._take, wait)
            found = [s for s in self._seen[type] if s.headers.get("ce_tenantid") == tenant or tenant is None]
            matching = [s for s in found if where(s)]
            if len(matching) >= count:
                return matching
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(matching)} of {count} {type}; of this tenant: {[s.data for s in found][-5:]}")
            wait = 0.5

    def seen(self, *types: str, tenant: str | None = None) -> list[Seen]:
        """The records of these topics, one topic after the other: all that the broker has now, and what a service is
        about to publish, which follows within a fifth of a second."""
        self.flush()
        self._follow(*types)
        deadline = time.monotonic() + 10
        ends = {place: self._end(*place) for place in self._next if place[0] in types}
        while any(self._next[place] < end for place, end in ends.items()):
            self._take(0.5)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the records of {', '.join(types)} cannot be read to their end")
        while self._take(0.2) & {*types}:
            pass
        found = [seen for type in types for seen in self._seen[type]]
        return [seen for seen in found if tenant is None or seen.headers.get("ce_tenantid") == tenant]

    def _follow(self, *topics: str) -> None:
        """Read these topics too, from where this bus began."""
        new = [topic for topic in topics if topic not in self._seen]
        for topic in new:
            self._seen[topic] = []
            # Asked of the reader itself, which else takes nearly a second to look for a topic that it does not know.
            for partition in self._consumer.list_topics(topic, timeout=10).topics[topic].partitions:
                self._next[topic, partition] = self._beginning(topic, partition)
        if new:
            places = [TopicPartition(*place, offset) for place, offset in self._next.items() if place[0] in new]
            self._consumer.incremental_assign(places)

    def _take(self, wait: float) -> set[str]:
        """Keep the records that have arrived; wait up to so many seconds for the first. The topics that they are of."""
        topics = set()
        message = self._consumer.poll(wait)
        while message is not None:
            if message.error() is None:
                seen = _seen(message)
                self._seen[seen.type].append(seen)
                self._next[seen.type, seen.partition] = seen.offset + 1
                topics.add(seen.type)
            message = self._consumer.poll(0)
        return topics

    def _beginning(self, topic: str, partition: int) -> int:
        """Where this bus began: servers that stay up between runs also have the records of earlier ones."""
        deadline = time.monotonic() + 10
        while True:
            try:
                end = self._end(topic, partition)
                place = TopicPartition(topic, partition, self._began)
                (found,) = self._places.offsets_for_times([place], timeout=10)
                return found.offset if found.offset >= 0 else end
            except KafkaException:  # a topic that was made just now has no leader yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _end(self, topic: str, partition: int) -> int:
        _, end = self._places.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        return int(end)

    def close(self) -> None:
        self._consumer.close()
        self._places.close()


_headers_of = methodcaller("headers")


def _headers(message: Message) -> dict[str, str]:
    """None, when a name is not UTF-8, as some tests send one: this client cannot read it.

    It then returns a list with a hole, which ends the process of whoever looks into it, and leaves an error behind. The
    interpreter asks for that error after a call by `methodcaller`, but not after a call of its own that it made fast.
    """
    try:
        pairs: list[tuple[str, bytes | None]] = _headers_of(message) or []
    except SystemError:
        return {}
    return {name: (value or b"").decode(errors="replace") for name, value in pairs}


def _seen(message: Message) -> Seen:
    value, key = message.value(), message.key()
    try:
        data = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        data = None
    return Seen(
        type=message.topic() or "",
        data=data if isinstance(data, dict) else {},
        headers=_headers(message),
        key=key.decode(errors="replace") if key else None,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
    )
