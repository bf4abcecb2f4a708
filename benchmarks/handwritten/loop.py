"""Consume, decide, commit, relay: one process of the pipeline, with two database connections and one event loop."""

import asyncio
import os
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
from pydantic import ValidationError

from benchmarks.handwritten.cloudevents import Event, InvalidEvent, Outbox, read
from shared.events import LeadCaptured, LeadScored

WHOLE_CONTRACT = os.environ.get("LEADFLOW_BENCH_CONTRACT") == "whole"
"""Whether it also does what was promised after it was first written: answers each submission, gives the reasons of each
score, begins the trace of each lead, stores the history of consent, and checks the data of each event, so that a wrong
one becomes a dead letter and does not stop its partition."""
BATCH = 1_000
PAGE = 1_000
_RELAY_LOCK = 0x1EADF10
_PUBLISHED = {event.type: event for event in (LeadCaptured, LeadScored)}
"""The events whose data no reader of contact details checks."""

_BEGIN = "SELECT clock_timestamp(), set_config('leadflow.tenants', $1, true)"
# `d` locks the row of a lead's stream before an outbox row takes its sequence from it, so `d` must be read first.
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
_DELETE_OLDEST = """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1)
    RETURNING id, topic, key, headers, value
"""
_INSERT_DEAD_LETTER = """
    INSERT INTO dead_letter (id, tenant_id, topic, kafka_partition, kafka_offset, key, value, headers, error, at)
    VALUES ($1, '', $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9) ON CONFLICT DO NOTHING
"""
_RETRY_ERRORS = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

Handle = Callable[[asyncpg.Connection, datetime, list[Event], Outbox], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """What distinguishes a service from the others."""

    name: str
    topics: Sequence[str]
    handle: Handle
    prepare: Callable[[Event], None] = lambda event: None
    """Checks and prepares one event without the database; raises InvalidEvent."""


async def run(service: Service, bootstrap: str, url: str, group: str) -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = {"role": f"leadflow_{service.name}_worker"}
    woken = asyncio.Event()
    relay = asyncio.create_task(_relay(await asyncpg.connect(url, server_settings=settings), bootstrap, woken, stop))
    consumer = AIOKafkaConsumer(
        *service.topics,
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
        await _consume(service, consumer, await asyncpg.connect(url, server_settings=settings), woken, stop)
    finally:
        stop.set()
        woken.set()
        await consumer.stop()
        await relay


async def _consume(
    service: Service,
    consumer: AIOKafkaConsumer,
    connection: asyncpg.Connection,
    woken: asyncio.Event,
    stop: asyncio.Event,
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
                if WHOLE_CONTRACT and (model := _PUBLISHED.get(event.type)):
                    model.__pydantic_validator__.validate_json(record.value)
                service.prepare(event)
                events.append(event)
            except (InvalidEvent, ValidationError) as error:
                await _store_dead_letter(connection, record, str(error))
        events.sort(key=lambda event: event.order)
        while events:
            try:
                await _transact(service, connection, events, woken)
                break
            except _RETRY_ERRORS:
                continue
        await consumer.commit()


async def _transact(
    service: Service, connection: asyncpg.Connection, events: list[Event], woken: asyncio.Event
) -> None:
    outbox = Outbox(f"urn:leadflow:{service.name}", begins_traces=WHOLE_CONTRACT)
    async with connection.transaction():
        now: datetime = await connection.fetchval(_BEGIN, ",".join(sorted({event.tenant for event in events})))
        await service.handle(connection, now, events, outbox)
        if outbox:
            await connection.execute(_EMIT, *outbox.columns())
    if outbox:
        woken.set()


async def _store_dead_letter(
    connection: asyncpg.Connection, record: "ConsumerRecord[bytes, bytes]", reason: str
) -> None:
    place = (record.topic, record.partition, record.offset)
    at = datetime.fromtimestamp(record.timestamp / 1_000).astimezone()
    headers = orjson.dumps(
        [[name, value and value.decode(errors="replace")] for name, value in record.headers]
    ).decode()
    await connection.execute(_INSERT_DEAD_LETTER, uuid4(), *place, record.key, record.value, headers, reason, at)


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
                rows = sorted(await connection.fetch(_DELETE_OLDEST, PAGE), key=lambda row: row["id"])
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
    """Send rows in batches built by hand; the idempotent producer has one in flight for each partition."""
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
