"""Rewind: after a restore, the consumer group goes back; the inbox ignores what is known."""

from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.errors import Conflict


async def rewind(bootstrap: str, group: str, topics: list[str], to: datetime) -> int:
    """Set the group's offsets to the first records at or after `to`; how many records it will read again.

    Raises Conflict while the group has members: stop the service first (`leadflow rewind` does, for the local run).
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(consumer.partitions_for_topic(topic) or await _partitions(consumer, topic))
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        moment = int(to.timestamp() * 1_000)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, moment))
        offsets = {tp: found[tp].offset if found[tp] is not None else ends[tp] for tp in partitions}
        try:
            await consumer.commit({tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()})
        except KafkaError as error:
            raise Conflict(f"the group {group} has members: stop the service, then rewind ({error})") from error
        return sum(ends[tp] - offset for tp, offset in offsets.items())
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    consumer.subscribe([topic])
    await consumer._client.force_metadata_update()
    partitions: set[int] = consumer.partitions_for_topic(topic) or set()
    consumer.unsubscribe()
    return partitions
