"""A uvicorn server that runs beside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from uvicorn import Server


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[None]:
    """Run a uvicorn server for the duration of the block."""
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task
