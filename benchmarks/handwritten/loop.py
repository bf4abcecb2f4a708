"""Consume, decide, commit, relay: one process of the pipeline, on two database connections and one event loop."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.partitioner import DefaultPartitioner

from benchmarks.handwritten.wire import Event, Outbox, Unreadable, read

BATCH = 1_000
PAGE = 1_000
_RELAY_LOCK = 0x1EADF10

_BEGIN = "SELECT clock_timestamp(), set_config('leadflow.tenants', $1, true)"
# A stream's row is locked before the outbox row that needs its number is made: `d` has to be read first.
_EMIT = """
    WITH d AS (
        INSERT INTO lead_stream AS s (tenant_id, lead_id, sent)
        SELECT * FROM unnest($6::text[], $7::text[], $8::int[])
        ON CONFLICT (tenant_id, lead_id) DO UPDATE SET sent = s.sent + excluded.sent
        RETURNING s.tenant_id, s.lead_id, s.sent),
    e AS (
        SELECT *, count(*) OVER (PARTITION BY tenant_id, key)
                  - row_number() OVER (PARTITION BY tenant_id, key ORDER BY n) AS behind
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
             WITH ORDINALITY AS t (tenant_id, topic, key, headers, value, n))
    INSERT INTO outbox (tenant_id, topic, key, headers, value)
    SELECT e.tenant_id, e.topic, e.key,
           left(e.headers, -1) || ',"ce_sequence":"' || (d.sent - e.behind) || '"}', e.value
    FROM e JOIN d ON d.tenant_id = e.tenant_id AND d.lead_id = e.key
    ORDER BY e.n
"""
_TAKE = """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1)
    RETURNING id, topic, key, headers, value
"""
_BURY = """
    INSERT INTO dead_letter (id, tenant_id, topic, kafka_partition, kafka_offset, key, value, headers, error, at)
    VALUES ($1, '', $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9) ON CONFLICT DO NOTHING
"""
_AGAIN = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

Handle = Callable[[asyncpg.Connection, datetime, list[Event], Outbox], Awaitable[None]]


@dataclass(frozen=True)
class Part:
    """What makes a service of the loop."""

    service: str
    topics: Sequence[str]
    handle: Handle
    prepare: Callable[[Event], None] = lambda event: None
    """What can be decided of an event alone; raises Unreadable."""


async def run(part: Part, bootstrap: str, url: str, group: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = {"role": f"leadflow_{part.service}_worker"}
    woken = asyncio.Event()
    relay = asyncio.create_task(_relay(await asyncpg.connect(url, server_settings=settings), bootstrap, woken, stop))
    consumer = AIOKafkaConsumer(
        *part.topics,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
    )
    await consumer.start()
    try:
        await _consume(part, consumer, await asyncpg.connect(url, server_settings=settings), woken, stop)
    finally:
        stop.set()
        woken.set()
        await consumer.stop()
        await relay


async def _consume(
    part: Part, consumer: AIOKafkaConsumer, connection: asyncpg.Connection, woken: asyncio.Event, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        fetched = await consumer.getmany(timeout_ms=100, max_records=BATCH)
        records = [record for of_one in fetched.values() for record in of_one]
        if not records:
            continue
        events = []
        for record in records:
            try:
                event = read(record)
                part.prepare(event)
                events.append(event)
            except Unreadable as error:
                await _bury(connection, record, str(error))
        events.sort(key=lambda event: event.order)
        while events:
            try:
                await _transact(part, connection, events, woken)
                break
            except _AGAIN:
                continue
        await consumer.commit()


async def _transact(part: Part, connection: asyncpg.Connection, events: list[Event], woken: asyncio.Event) -> None:
    outbox = Outbox(f"urn:leadflow:{part.service}")
    async with connection.transaction():
        now: datetime = await connection.fetchval(_BEGIN, ",".join(sorted({event.tenant for event in events})))
        await part.handle(connection, now, events, outbox)
        if outbox:
            await connection.execute(_EMIT, *outbox.columns())
    if outbox:
        woken.set()


async def _bury(connection: asyncpg.Connection, record: "ConsumerRecord[bytes, bytes]", reason: str) -> None:
    place = (record.topic, record.partition, record.offset)
    at = datetime.fromtimestamp(record.timestamp / 1_000).astimezone()
    headers = orjson.dumps(
        [[name, value and value.decode(errors="replace")] for name, value in record.headers]
    ).decode()
    await connection.execute(_BURY, uuid4(), *place, record.key, record.value, headers, reason, at)


async def _relay(connection: asyncpg.Connection, bootstrap: str, woken: asyncio.Event, stop: asyncio.Event) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        max_batch_size=950_000,
        max_request_size=1_000_000,
        linger_ms=0,
    )
    await producer.start()
    partition = DefaultPartitioner()
    try:
        while not stop.is_set():
            woken.clear()
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _RELAY_LOCK)
                rows = sorted(await connection.fetch(_TAKE, PAGE), key=lambda row: row["id"])
                if rows:
                    await _send(producer, partition, rows)
            if len(rows) < PAGE:
                try:
                    await asyncio.wait_for(woken.wait(), 0.5)
                except TimeoutError:
                    continue
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, choose: DefaultPartitioner, rows: Sequence[Any]) -> None:
    """Hand-built batches; the idempotent producer has one in flight for each partition."""
    of_partition: dict[tuple[str, int], list[Any]] = defaultdict(list)
    known: dict[str, list[int]] = {}
    for row in rows:
        topic = row["topic"]
        if topic not in known:
            known[topic] = sorted(await producer.partitions_for(topic))
        of_partition[topic, choose(row["key"].encode(), known[topic], known[topic])].append(row)
    acknowledged = []
    for (topic, number), some in of_partition.items():
        batch = producer.create_batch()
        for row in some:
            headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
            content = {"key": row["key"].encode(), "value": row["value"], "timestamp": None, "headers": headers}
            if batch.append(**content) is None:
                acknowledged.append(await producer.send_batch(batch, topic, partition=number))
                batch = producer.create_batch()
                batch.append(**content)
        acknowledged.append(await producer.send_batch(batch, topic, partition=number))
    await asyncio.gather(*acknowledged)
