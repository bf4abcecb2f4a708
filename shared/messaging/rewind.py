"""Rewind: after a restore the consumer group reads again from an earlier time; the inbox ignores known events."""

from datetime import datetime

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.errors import Conflict
from shared.messaging.connection import Kafka


async def rewind(kafka: Kafka, group: str, topics: list[str], to: datetime) -> int:
    """Set the group back to the first records at or after `to`; returns how many records it will read from there.

    Where it has not read so far yet, its place stays. A partition that it has no place in, though it has places in
    others, is one that it has read nothing of yet: it begins there at the first record. A group without any place,
    new or forgotten by the broker, begins at `to`.
    Raises Conflict while the group has members: stop the service first (`leadflow rewind` does, for the local run).
    """
    # Offsets are looked up without the group: a subscribed member would join it, and then its offsets cannot be set.
    reader = kafka.consumer(*topics)
    try:
        await reader.start()
        partitions = [TopicPartition(t, p) for t in topics for p in sorted(reader.partitions_for_topic(t) or ())]
        beginnings, ends = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
        since = max(0, int(to.timestamp() * 1_000))  # Kafka knows no time before 1970
        found = await reader.offsets_for_times(dict.fromkeys(partitions, since))
    finally:
        await reader.stop()
    offsets = {tp: found[tp].offset if found[tp] is not None else ends[tp] for tp in partitions}
    consumer = kafka.consumer(group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(partitions)
        places = {tp: await consumer.committed(tp) for tp in partitions}
        if any(place is not None for place in places.values()):
            for tp, place in places.items():
                offsets[tp] = min(offsets[tp], beginnings[tp] if place is None else place)
        try:
            await consumer.commit({tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()})
        except KafkaError as error:
            raise Conflict(f"the group {group} has members: stop the service, then rewind") from error
    finally:
        await consumer.stop()
    return sum(ends[tp] - offset for tp, offset in offsets.items())
