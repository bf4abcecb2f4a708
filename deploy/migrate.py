"""Brings a service's tables to head. It may be repeated at any time."""

import asyncio


async def upgrade(service: str, url: str) -> None:
    """The service's tables, by its own migrations, to head. One at a time: Alembic keeps its state in modules."""
    from shared.migrations import upgrade as run  # Alembic takes half a second to import

    async with _upgrading:
        await asyncio.to_thread(run, service, url)


_upgrading = asyncio.Lock()
