"""What a consumer group has still to read is known to every process, whether it belongs to the group or not."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from confluent_kafka import Producer

from shared.messaging.connection import Kafka
from shared.messaging.lag import ANSWERS_WITHIN, has_read

HOUR = timedelta(hours=1)


@pytest.fixture
async def topic(backend):
    """A topic of two partitions that nobody else uses."""
    name = f"lag.{uuid4().hex[:8]}"
    client = Kafka(backend.bootstrap).admin()
    await client.start()
    config = {"message.timestamp.type": "LogAppendTime"}
    await client.create_topics([NewTopic(name, num_partitions=2, replication_factor=1, topic_configs=config)])
    yield name
    await client.delete_topics([name])
    await client.close()


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
