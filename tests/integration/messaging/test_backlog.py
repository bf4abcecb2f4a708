"""A backlog is read as fast as its records are processed, and of all topics together."""

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


async def test_partitions_of_one_number_are_taken_together_and_in_equal_shares(backend, topics, eventually):
    many, few = topics
    of_each = {(many, 0): 100, (few, 0): 30, (many, 1): 100, (few, 1): 100}
    producer = Producer({"bootstrap.servers": backend.bootstrap})
    for (topic, number), count in of_each.items():
        for _ in range(count):
            producer.produce(topic, b"x", partition=number)
    producer.flush(20)
    consumer = Kafka(backend.bootstrap).consumer(*topics, group_id=many, auto_offset_reset="earliest")

    async def all_arrived():
        return len(consumer._fetcher._records) == len(of_each)

    await consumer.start()
    try:
        await eventually(all_arrived)
        batches = []
        while sum(map(len, batches)) < sum(of_each.values()):
            taken = await consumer.take(timeout_ms=5_000, max_records=60)
            batches.append([(each.topic, each.partition, each.offset) for part in taken.values() for each in part])
    finally:
        await consumer.stop()

    def shares(batch):
        return {place: number for place in of_each if (number := sum(each[:2] == place for each in batch))}

    assert [shares(batch) for batch in batches] == [
        {(many, 0): 30, (few, 0): 30},
        {(many, 1): 30, (few, 1): 30},
        {(many, 0): 60},  # there are no others of its number any more
        {(many, 1): 30, (few, 1): 30},
        {(many, 0): 10, (many, 1): 25, (few, 1): 25},
        {(many, 1): 15, (few, 1): 15},
    ]
    read = [each for batch in batches for each in batch]
    for place, count in of_each.items():
        assert [offset for *of, offset in read if tuple(of) == place] == list(range(count)), "each once, in order"
