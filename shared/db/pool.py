"""Connections to a database, kept open between transactions, in one of the service's two roles."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from shared.db.address import DatabaseAddress
from shared.db.errors import DRIVER_ERRORS, translated

WAIT_SECONDS = 30.0
"""How long a transaction waits for a connection when all are in use."""

_IDLE_SECONDS = 300.0
"""A connection that is not used for so long is closed."""

if TYPE_CHECKING:
    Row = Mapping[str, Any]
    """A row by the names of its columns."""
else:

    class Row(asyncpg.Record):
        """A row by the names of its columns: the driver's record, which iterates over the names as a mapping does."""

        def __iter__(self):
            return self.keys()

    # The driver's own code is compiled for a plain class, so it cannot be derived from Mapping.
    Mapping.register(Row)


def _to_json(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class Pool:
    """Up to `size` connections, each opened when it is needed. JSON columns are read as Python values; a JSON
    parameter is a Python value, or JSON text.

    `role` is set on each connection; `application` is the name that PostgreSQL shows for it.
    """

    def __init__(self, address: str | DatabaseAddress, *, role: str, size: int, application: str) -> None:
        self._address = DatabaseAddress.of(address)
        self._settings = {
            "application_name": application,
            "idle_in_transaction_session_timeout": "60000",
            "role": role,
        }
        self._size = size
        self._pool: asyncpg.Pool | None = None

    async def take(self) -> "asyncpg.Connection[Any]":
        """A connection, which `give_back` has to be called with. Raises OSError, TimeoutError or DatabaseError."""
        if self._pool is None:
            # It opens no connection, so nothing is awaited between the two lines.
            self._pool = asyncpg.create_pool(
                connect=self._connect,
                init=_read_json,
                reset=_leave_as_it_is,
                min_size=0,
                max_size=self._size,
                max_queries=1_000_000_000,
                max_inactive_connection_lifetime=_IDLE_SECONDS,
                record_class=Row,
            )
            await self._pool
        try:
            return await self._pool.acquire(timeout=WAIT_SECONDS)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def give_back(self, connection: "asyncpg.Connection[Any]") -> None:
        """A connection in whatever state: with a transaction that has not ended it is rolled back, or closed."""
        if self._pool is not None:
            await self._pool.release(connection)

    async def _connect(self, _: object, **options: Any) -> "asyncpg.Connection[Any]":
        return await self._address.connect(
            **options,
            server_settings=self._settings,
            timeout=10,
            command_timeout=60,
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
        )

    async def close(self) -> None:
        """Close all connections, those in use as soon as they are given back, after five seconds in any case; `take`
        would open new ones."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()
        self._pool = None


async def _read_json(connection: "asyncpg.Connection[Any]") -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_to_json, decoder=orjson.loads, schema="pg_catalog", format="text"
        )


async def _leave_as_it_is(_: "asyncpg.Connection[Any]") -> None:
    """All that a transaction sets ends with it, so a round trip that resets the session would change nothing."""
