"""Lag: what a consumer group has still to read, by the offsets that it committed. Any process may ask, also one that
reads nothing itself."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.connection import Kafka

log = structlog.get_logger()

ANSWERS_WITHIN = 5.0
"""Seconds after which a broker that has not answered is away."""

_FETCH_BYTES = 65_536
"""Of each partition: one record is enough to know that there is one."""
_POLL_MS = 200


async def has_read(kafka: Kafka, group: str, topics: Sequence[str], until: datetime) -> bool:
    """Whether the group has read all records that reached these topics before `until`.

    False as well when the broker does not answer within ANSWERS_WITHIN: then it is not known.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            committed = await _committed(kafka, group)
            reader = kafka.consumer(
                *topics,
                isolation_level="read_committed",
                max_partition_fetch_bytes=_FETCH_BYTES,
                request_timeout_ms=4_000,
            )
            try:
                await reader.start()
                unread = await _unread(reader, committed, until)
                return not await _holds_records(reader, unread)
            finally:
                await reader.stop()
    except Exception as error:  # noqa: BLE001 - whatever prevents an answer, it is not known that all is read
        log.warning("lag.unknown", group=group, error=repr(error)[:300])
        return False


async def _committed(kafka: Kafka, group: str) -> dict[TopicPartition, int]:
    client = kafka.admin()
    try:
        await client.start()
        return {at: found.offset for at, found in (await client.list_consumer_group_offsets(group)).items()}
    finally:
        await client.close()


async def _unread(
    reader: AIOKafkaConsumer, committed: Mapping[TopicPartition, int], until: datetime
) -> dict[TopicPartition, tuple[int, int]]:
    """The offsets [first, end) before `until` that are not committed, of each partition that has any.

    A group without an offset begins at the beginning, and so does one whose offset was deleted meanwhile.
    """
    partitions = list(reader.assignment())
    firsts = await reader.beginning_offsets(partitions)
    ends = await reader.end_offsets(partitions)
    found = await reader.offsets_for_times(dict.fromkeys(partitions, int(until.timestamp() * 1_000)))
    ranges = {
        at: (max(firsts[at], committed.get(at, 0)), ends[at] if found[at] is None else found[at].offset)
        for at in partitions
    }
    return {at: (first, end) for at, (first, end) in ranges.items() if first < end}


async def _holds_records(reader: AIOKafkaConsumer, unread: Mapping[TopicPartition, tuple[int, int]]) -> bool:
    """Whether there is a record in these offsets. Markers of transactions and what was aborted have offsets too, which
    nobody reads and so nobody commits."""
    for at, (first, _) in unread.items():
        reader.seek(at, first)
    while left := [at for at, (_, end) in unread.items() if await reader.position(at) < end]:
        fetched = await reader.getmany(*left, timeout_ms=_POLL_MS)
        if any(record.offset < unread[at][1] for at, records in fetched.items() for record in records):
            return True
    return False
