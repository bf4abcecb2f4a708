"""What goes on while a test looks: a server that answers, a task that somebody's lock holds back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from uvicorn import Server


async def held_back(task: asyncio.Task[Any], server: asyncpg.Connection) -> bool:
    """Whether somebody waits for a lock by now, or the task had nothing to wait for."""
    held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return bool(await server.fetchval(held)) or task.done()


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[None]:
    """A uvicorn server, up for as long as the block lasts."""
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task
