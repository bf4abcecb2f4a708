"""Commits the offsets of processed records, a few times a second and beside the batches that follow.

To wait for the broker after each batch costs as much as a small batch itself. Whoever reads records again because
their offset was not committed yet finds their events in the inbox.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

log = structlog.get_logger()

COMMIT_AFTER = 0.2
"""Seconds between a batch and the commit of its offsets, which commits those of the batches meanwhile as well."""

COMMIT_WITHIN = 3.0
"""Seconds for a commit when the service stops. While the broker is away, the client tries for ever."""


class Offsets(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """The offsets behind what was processed and not committed yet. They are committed before partitions go."""

    def __init__(self, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._consumer = consumer
        self._behind: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._at_once = False
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Commit a little later than records are processed."""
        self._at_once = False

    async def stop(self) -> None:
        """Commit now, and from now on with each batch: any may be the last."""
        self._at_once = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.commit()

    async def processed(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """These records, of each partition in order, need not be read again."""
        self._behind |= {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
        if self._at_once:
            await self.commit()
        elif self._task is None or self._task.done():
            self._task = asyncio.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        while self._behind:
            await asyncio.sleep(COMMIT_AFTER)
            await self.commit()

    async def commit(self) -> None:
        """Commit now, after a commit that is under way. When the broker refuses, or does not answer while the service
        stops, the records will be read again, here or by another replica."""
        try:
            async with asyncio.timeout(COMMIT_WITHIN if self._at_once else None), self._turn:
                await self._commit()
        except (KafkaError, TimeoutError) as error:
            log.info("consumer.offsets_not_committed", error=repr(error)[:300])

    async def _commit(self) -> None:
        consumer, behind = self._consumer(), self._behind
        self._behind = {}
        if consumer is None or not behind:
            return
        assigned = consumer.assignment()
        ours = {partition: offset for partition, offset in behind.items() if partition in assigned}
        try:
            if ours:
                await consumer.commit(ours)
        except asyncio.CancelledError:
            self._behind = ours | self._behind
            raise

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Commit while the partitions are still ours, so that their next reader begins behind what was processed."""
        await self.commit()

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing is to be done: reading begins at what is committed."""
