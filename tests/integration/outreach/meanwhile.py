"""What runs beside a test: a server, and a task that waits for a lock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from uvicorn import Server


async def waits_for_lock(task: asyncio.Task[Any], server: asyncpg.Connection) -> bool:
    """Whether a connection waits for a lock by now, or the task has ended without waiting."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return bool(await server.fetchval(waiting)) or task.done()


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[None]:
    """Run a uvicorn server for the duration of the block."""
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task
