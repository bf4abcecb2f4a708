"""Kafka's clients, whose `stop` always ends.

The library's own waits for answers and flushes what was sent. While the broker is away, or refuses for now, it may wait
for ever; and whoever cancels it leaves tasks behind that go on sending.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

log = structlog.get_logger()

STOPS_WITHIN = 3.0
"""Seconds until a stop is cut short."""

_CUT_WITHIN = 0.5
"""Seconds for each step of that."""

_PARTIAL_MS = 50
"""Milliseconds that the broker may keep a request for some of the partitions only, when it finds nothing."""


class ProducerClient(AIOKafkaProducer):  # type: ignore[misc, unused-ignore]
    """A producer. What is not acknowledged when its `stop` ends may have been sent, and may not."""

    async def stop(self) -> None:
        """Flush and close, within a few seconds. It never raises, whatever the broker says."""
        if not await _ended(super().stop()):
            await _cut(self.client, lambda: [self._sender and self._sender.sender_task])
            self._fail_the_rest()

    def _fail_the_rest(self) -> None:
        """End the wait of those who wait for an acknowledgement, and the flush."""
        accumulator = self._message_accumulator
        batches = [*chain.from_iterable(accumulator._batches.values()), *accumulator._pending_batches]
        accumulator._pending_batches.update(batches)  # each is looked for there when it has failed
        accumulator.fail_all(KafkaError("the producer was stopped before the broker answered"))
        for future in chain.from_iterable((batch.future, batch._drain_waiter) for batch in batches):
            if future.done() and not future.cancelled():
                future.exception()  # perhaps nobody waits any more; then it would be reported as forgotten


class ConsumerClient(AIOKafkaConsumer):  # type: ignore[misc, unused-ignore]
    """A consumer. When its `stop` was cut short, its group notices by the end of its session."""

    async def start(self) -> None:
        """Connect, and join the group."""
        await super().start()
        self._ask_again_soon()

    def _ask_again_soon(self) -> None:
        """Let no request that leaves partitions out be kept for long.

        The library asks for the partitions of which it holds no more records. The next request waits for the answer,
        and with it the partitions whose records are taken meanwhile.
        """
        fetcher = self._fetcher
        whole_ms, requests = fetcher._fetch_max_wait_ms, fetcher._get_actions_per_node

        def requests_now(assignment: Any) -> Any:
            fetcher._fetch_max_wait_ms = min(whole_ms, _PARTIAL_MS) if fetcher._records else whole_ms
            return requests(assignment)

        fetcher._get_actions_per_node = requests_now

    async def stop(self) -> None:
        """Leave the group and close, within a few seconds. It never raises, whatever the broker says."""
        if not await _ended(super().stop()):
            await _cut(self._client, self._tasks)

    def _tasks(self) -> Iterable[asyncio.Task[Any] | None]:
        if self._fetcher is not None:
            yield self._fetcher._fetch_task
        for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task"):
            yield getattr(self._coordinator, name, None)


class Broker(KafkaBroker):
    """FastStream's broker, with consumers of ours."""

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        made = await super()._connect()
        assert isinstance(made, partial)
        self.config.broker_config.builder = partial(ConsumerClient, *made.args, **made.keywords)
        return self.config.broker_config.builder


async def _ended(stop: Coroutine[Any, Any, None]) -> bool:
    """Whether a client has stopped by itself in time."""
    try:
        async with asyncio.timeout(STOPS_WITHIN):
            await stop
    except Exception as error:  # noqa: BLE001 - whatever it is, the client has to end
        log.warning("kafka.stop_cut_short", error=repr(error)[:300])
        return False
    return True


async def _cut(connections: Any, tasks: Callable[[], Iterable[asyncio.Task[Any] | None]]) -> None:
    """Close the connections and end the tasks of a client, whatever they are waiting for."""
    # A task of the library may take the first cancellation as a wish to end what it has begun.
    for _ in range(3):
        with suppress(Exception):
            async with asyncio.timeout(_CUT_WITHIN):
                await connections.close()
        running = [task for task in tasks() if task is not None and not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_CUT_WITHIN)
