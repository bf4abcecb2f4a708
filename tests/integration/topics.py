"""How far topics reach: what a test has to have read before it may say that something was not published."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition


async def end_offsets(bootstrap: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
    """The end of each partition of these topics: the number of records that were ever written to it."""
    reader = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap)
    await reader.start()
    try:
        partitions = [TopicPartition(t, p) for t in topics for p in reader.partitions_for_topic(t) or ()]
        return await reader.end_offsets(partitions)
    finally:
        await reader.stop()
