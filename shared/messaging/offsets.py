"""Commits the offsets of processed records, a few times a second and beside the batches that follow.

To wait for the broker after each batch costs as much as a small batch itself. Whoever reads records again because
their offset was not committed yet finds their events in the inbox.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError

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
        self._read: set[TopicPartition] = set()
        self._placing: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._at_once = False
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Commit a little later than records are processed."""
        self._at_once = False

    async def stop(self) -> None:
        """Commit now, and from now on with each batch: any may be the last."""
        self._at_once = True
        running = [task for task in (self._task, self._placing) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.commit()

    async def processed(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """These records, of each partition in order, need not be read again."""
        # A pair is as good a key, and is made sooner: there are few partitions, and many records.
        places = {(each.topic, each.partition): each.offset + 1 for each in records}
        behind = {TopicPartition(*place): offset for place, offset in places.items()}
        self._read |= behind.keys()
        self._behind |= behind
        if self._at_once:
            await self.commit()
        else:
            self._begin_to_commit()

    def _begin_to_commit(self) -> None:
        if self._task is None or self._task.done():
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
        if self._placing is not None:
            self._placing.cancel()  # what is found out now may no longer be so when they are ours again
        await self.commit()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Reading begins at what is committed. Where nothing is, that is the first record, and it is committed too."""
        self._read.clear()
        self._placing = asyncio.create_task(self._take_places(list(assigned)))

    async def _take_places(self, partitions: list[TopicPartition]) -> None:
        """Commit the beginning of the partitions that the group has no offset of.

        Whoever measures a group by its offsets can then tell what it reads. KEDA takes a group without any for one that
        has all topics still to read, and would add consumers to a service that has nothing to do.
        """
        consumer = self._consumer()
        if consumer is None or not partitions:
            return
        try:
            found = await consumer._coordinator.fetch_committed_offsets(partitions)
            new = [each for each in partitions if each not in found or found[each].offset < 0]
            first = await consumer.beginning_offsets(new) if new else {}
        except (KafkaError, IllegalStateError) as error:
            log.info("consumer.places_not_taken", error=repr(error)[:300])
            return
        # What was processed meanwhile lies behind the beginning.
        self._behind = {at: offset for at, offset in first.items() if at not in self._read} | self._behind
        self._begin_to_commit()
