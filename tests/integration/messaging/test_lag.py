"""What a consumer group has still to read is known to every process, whether it belongs to the group or not."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from shared.messaging.connection import Kafka
from shared.messaging.lag import ANSWERS_WITHIN, has_read
from shared.messaging.offsets import Offsets

HOUR = timedelta(hours=1)


@pytest.fixture
def reads(backend, topic):
    """Whether the group has read the topic until then: `await reads(until)`."""
    return lambda until: has_read(Kafka(backend.bootstrap), topic, [topic], until)


async def commit(backend, topic, offset, partition=0):
    """Commit as a member of the group of the same name would."""
    consumer = AIOKafkaConsumer(bootstrap_servers=backend.bootstrap, group_id=topic, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition)])
        await consumer.commit({TopicPartition(topic, partition): offset})
    finally:
        await consumer.stop()


def publish(backend, topic, number, partition=0, **options):
    producer = Producer({"bootstrap.servers": backend.bootstrap, **options})
    for _ in range(number):
        producer.produce(topic, b"{}", partition=partition)
    producer.flush(20)


async def test_what_reached_a_topic_before_a_moment_is_waited_for_and_what_came_later_is_not(
    backend, topic, reads, eventually
):
    # A broker that has only started does not know its groups yet.
    assert await eventually(lambda: reads(datetime.now(UTC) + HOUR)), "an empty topic is read"
    publish(backend, topic, 3)
    await asyncio.sleep(0.1)
    moment = datetime.now(UTC)
    assert not await reads(moment), "a group without an offset has read nothing"
    assert await reads(moment - HOUR)
    await commit(backend, topic, 2)
    assert not await reads(moment)
    await commit(backend, topic, 3)
    await asyncio.sleep(0.1)
    publish(backend, topic, 1, partition=1)
    assert await reads(moment)
    assert not await reads(datetime.now(UTC) + HOUR)


@pytest.mark.parametrize("committed", [True, False])
async def test_the_marker_of_a_transaction_is_no_record_that_anybody_reads(backend, topic, reads, committed):
    publish(backend, topic, 1)
    await commit(backend, topic, 1)
    producer = Producer({"bootstrap.servers": backend.bootstrap, "transactional.id": topic})
    await asyncio.to_thread(producer.init_transactions, 20)
    producer.begin_transaction()
    producer.produce(topic, b"{}", partition=0)
    await asyncio.to_thread(producer.commit_transaction if committed else producer.abort_transaction, 20)
    later = datetime.now(UTC) + HOUR
    if committed:
        assert not await reads(later)
        await commit(backend, topic, 2)
    assert await reads(later)


async def test_without_a_broker_the_answer_is_no_and_comes_soon():
    begun = time.monotonic()
    assert not await has_read(Kafka("127.0.0.1:1"), "nobody", ["lead.captured"], datetime.now(UTC))
    assert time.monotonic() - begun < ANSWERS_WITHIN + 1


async def places(backend, group):
    client = Kafka(backend.bootstrap).admin()
    await client.start()
    try:
        return {at.partition: found.offset for at, found in (await client.list_consumer_group_offsets(group)).items()}
    finally:
        await client.close()


async def test_a_member_takes_a_place_in_every_partition_so_that_others_can_tell_what_its_group_reads(
    backend, topic, eventually
):
    """KEDA takes a group without any offset for one that has every topic still to read."""
    publish(backend, topic, 3)
    await commit(backend, topic, 2)
    consumer = AIOKafkaConsumer(bootstrap_servers=backend.bootstrap, group_id=topic, enable_auto_commit=False)
    offsets = Offsets(lambda: consumer)
    consumer.subscribe([topic], listener=offsets)
    await consumer.start()
    try:

        async def both() -> bool:
            return await places(backend, topic) == {0: 2, 1: 0}

        await eventually(both)
    finally:
        await offsets.stop()
        await consumer.stop()


async def test_a_place_that_was_to_be_taken_before_a_rebalance_is_not_taken_after_it(backend, topic):
    consumer = AIOKafkaConsumer(bootstrap_servers=backend.bootstrap, group_id=topic, enable_auto_commit=False)
    offsets = Offsets(lambda: consumer)
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(partitions):
        looked.set()
        await go_on.wait()
        return dict.fromkeys(partitions, 0)

    consumer.beginning_offsets = slowly
    consumer.subscribe([topic])
    await consumer.start()
    try:
        await offsets.on_partitions_assigned(consumer.assignment())
        await asyncio.wait_for(looked.wait(), 20)
        await offsets.on_partitions_revoked(consumer.assignment())
        await consumer.commit({TopicPartition(topic, 0): 2})  # as the replica would that has it meanwhile
        go_on.set()
        await asyncio.sleep(0.5)
        assert await places(backend, topic) == {0: 2}
    finally:
        await offsets.stop()
        await consumer.stop()


async def test_a_place_that_is_taken_late_does_not_take_back_what_was_processed(backend, topic, eventually):
    publish(backend, topic, 3)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=backend.bootstrap, group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    offsets = Offsets(lambda: consumer)
    look = consumer.beginning_offsets

    async def slowly(partitions):
        found = await look(partitions)
        await asyncio.sleep(1)
        return found

    consumer.beginning_offsets = slowly
    consumer.subscribe([topic], listener=offsets)
    await consumer.start()
    try:
        records = [await consumer.getone() for _ in range(3)]
        await offsets.processed(records)

        async def both() -> bool:
            return await places(backend, topic) == {0: 3, 1: 0}

        await eventually(both)
    finally:
        await offsets.stop()
        await consumer.stop()
