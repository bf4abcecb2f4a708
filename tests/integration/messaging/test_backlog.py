"""A backlog is read as fast as its records are processed."""

import asyncio
import time

from confluent_kafka import Producer

from shared.messaging.connection import Kafka

PARTS, OF_A_PART, AT_ONCE = 6, 10, 5
WORKS = 0.15
"""Seconds for the records that are taken at once: longer than the client waits for a partition to be emptied."""


async def test_the_rest_of_a_partition_is_asked_for_as_soon_as_what_was_fetched_is_taken(backend, topic):
    producer = Producer({"bootstrap.servers": backend.bootstrap})
    for _ in range(PARTS):
        for _ in range(OF_A_PART):
            producer.produce(topic, b"x" * 1_000, partition=0)
        producer.flush(20)
    # The broker gives one part at a time. The other partition is empty: a request for it alone finds nothing.
    options = {"auto_offset_reset": "earliest", "max_partition_fetch_bytes": OF_A_PART * 1_000}
    consumer = Kafka(backend.bootstrap).consumer(topic, group_id=topic, enable_auto_commit=False, **options)
    await consumer.start()
    try:
        taken, waited = 0, 0.0
        while taken < PARTS * OF_A_PART:
            begun = time.monotonic()
            taken += sum(map(len, (await consumer.getmany(timeout_ms=10_000, max_records=AT_ONCE)).values()))
            waited += time.monotonic() - begun if taken > AT_ONCE else 0.0
            await asyncio.sleep(WORKS)
    finally:
        await consumer.stop()
    # Each part but the first would wait for the rest of the half second that the broker keeps a request.
    assert waited < (PARTS - 1) * 0.15
