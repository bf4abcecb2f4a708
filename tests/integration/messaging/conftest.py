"""Fixtures of the tests of the way of a message."""

from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from shared.messaging.connection import Kafka


@pytest.fixture
async def topics(backend):
    """Two topics of two partitions each that nobody else uses."""
    names = [f"own.{uuid4().hex[:8]}" for _ in range(2)]
    client = Kafka(backend.bootstrap).admin()
    await client.start()
    config = {"message.timestamp.type": "LogAppendTime"}
    await client.create_topics(
        [NewTopic(name, num_partitions=2, replication_factor=1, topic_configs=config) for name in names]
    )
    yield names
    await client.delete_topics(names)
    await client.close()


@pytest.fixture
async def topic(topics):
    """A topic of two partitions that nobody else uses."""
    return topics[0]
