"""Fixtures of the tests of the way of a message."""

from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from shared.messaging.connection import Kafka


@pytest.fixture
async def topic(backend):
    """A topic of two partitions that nobody else uses."""
    name = f"own.{uuid4().hex[:8]}"
    client = Kafka(backend.bootstrap).admin()
    await client.start()
    config = {"message.timestamp.type": "LogAppendTime"}
    await client.create_topics([NewTopic(name, num_partitions=2, replication_factor=1, topic_configs=config)])
    yield name
    await client.delete_topics([name])
    await client.close()
