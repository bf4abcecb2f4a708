"""A task that runs beside a test, and waits for a lock."""

import asyncio
from typing import Any

import asyncpg


async def waits_for_lock(task: asyncio.Task[Any], server: asyncpg.Connection) -> bool:
    """Whether a connection waits for a lock by now, or the task has ended without waiting."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return bool(await server.fetchval(waiting)) or task.done()
