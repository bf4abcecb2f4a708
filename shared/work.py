"""The one loop of all workers: do what is due, look again when woken or after an interval, back off on errors."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.db import Database
from shared.observability import WORKER_FAILURES
from shared.store import idempotency, inbox

log = structlog.get_logger()

Step = Callable[[Database], Awaitable[int]]
"""One round: leases what is due (`FOR UPDATE SKIP LOCKED`), does it, and returns how much it did."""


class Worker:
    """Calls `step` as long as it returns more than 0, then every `every` seconds, or at once when woken."""

    def __init__(self, name: str, step: Step, database: Database, *, every: float = 1.0) -> None:
        self.name = name
        self.step = step
        self.database = database
        self.every = every
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and the round under way has ended. An error is logged, counted and backed off."""
        pause = 0.0
        while not stop.is_set():
            self._woken.clear()
            try:
                done = await self.step(self.database)
                pause = 0.0
            except Exception as error:
                pause = min(30.0, pause * 2 or 0.5)
                WORKER_FAILURES.labels(self.database.service, self.name).inc()
                log.error(
                    "worker.failed", worker=self.name, service=self.database.service, seconds=pause, exc_info=error
                )
                await _first(stop.wait(), seconds=pause)
                continue
            if not done:
                await _first(stop.wait(), self._woken.wait(), seconds=self.every)


async def _first(*waits: Awaitable[object], seconds: float) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


SWEPT = 1_000
"""Rows that one round of the sweeper deletes from each table, at the most."""


async def sweep(database: Database) -> int:
    """Delete, in small pages, what the inbox and the idempotency keys no longer need; how many rows there were."""
    async with database.worker() as work:
        return await inbox.delete_old(work, SWEPT) + await idempotency.delete_old(work, SWEPT)
