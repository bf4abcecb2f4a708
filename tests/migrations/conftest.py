"""A second database for each service, at head and empty, in which a test may plant what is forbidden."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from deploy.databases import address
from deploy.migrate import upgrade
from shared.names import SERVICES
from tests.conftest import Backend

Connect = Callable[[str], Awaitable[asyncpg.Connection]]


@pytest.fixture(scope="session")
async def scratch(backend: Backend) -> dict[str, str]:
    """The administrator's address of each service's scratch database. It goes with the test run's server."""
    urls: dict[str, str] = {}
    admin = await asyncpg.connect(backend.admin_url)
    try:
        for service in SERVICES:
            await admin.execute(f"DROP DATABASE IF EXISTS scratch_{service} WITH (FORCE)")
            await admin.execute(f"CREATE DATABASE scratch_{service} TEMPLATE template0")
            urls[service] = address(backend.admin_url, f"scratch_{service}")
            await upgrade(service, urls[service])
    finally:
        await admin.close()
    return urls


@pytest.fixture
async def connect(scratch: dict[str, str]) -> AsyncIterator[Connect]:
    """`await connect("stages")`: the administrator's connection to a scratch database; what is done there is undone."""
    opened: list[tuple[asyncpg.Connection, asyncpg.transaction.Transaction]] = []

    async def connect(service: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(scratch[service])
        transaction = connection.transaction()
        await transaction.start()
        opened.append((connection, transaction))
        return connection

    yield connect
    for connection, transaction in opened:
        await transaction.rollback()
        await connection.close()
