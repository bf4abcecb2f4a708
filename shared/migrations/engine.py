"""The engine that Alembic works with. Everything else goes through shared/db/pool.py."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.db import DatabaseAddress


def make_engine(url: str | DatabaseAddress, *, application: str) -> AsyncEngine:
    """An engine on asyncpg; `application` is the name that PostgreSQL shows for its connections."""
    address = DatabaseAddress.of(url)

    async def connect() -> Any:
        # A step may take as long as it takes: nobody waits for its locks for long (runner.py), and who migrates is
        # bounded by the deadline of the Job.
        return await address.connect(server_settings={"application_name": application}, timeout=10)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
