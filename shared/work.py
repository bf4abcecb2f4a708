"""The one loop of all workers: do what is due, look again when woken or after a while, back off on errors."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.db import Database, UnitOfWork
from shared.observability import WORKER_FAILURES

log = structlog.get_logger()

Step = Callable[[Database], Awaitable[int]]
"""One round: claims what is due (`FOR UPDATE SKIP LOCKED`), does it, and says how much it did."""


class Worker:
    """Calls `step` for as long as it finds something to do, then every `every` seconds, or at once when woken."""

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


SHORT_OUTBOX = 5_000


async def outbox_is_short(work: UnitOfWork, limit: int = SHORT_OUTBOX) -> bool:
    """Whether bulk work may add a page: what it emits must not delay the next reply."""
    row = await work.fetch_one("SELECT count(*) AS depth FROM (SELECT FROM outbox LIMIT :n) o", n=limit)
    return row is not None and int(row["depth"]) < limit


async def sweep(database: Database) -> int:
    """Forget, in small pages, what the inbox has known for 30 days and idempotency keys of two days."""
    async with database.worker() as work:
        seen = await work.run(
            """
            DELETE FROM inbox WHERE (tenant_id, digest) IN (
                SELECT tenant_id, digest FROM inbox WHERE seen_on < clock_timestamp() - interval '30 days' LIMIT 1000)
            """
        )
        keys = await work.run(
            """
            DELETE FROM idempotency WHERE (tenant_id, route, key) IN (
                SELECT tenant_id, route, key FROM idempotency
                WHERE at < clock_timestamp() - interval '2 days' LIMIT 1000)
            """
        )
    return seen + keys
