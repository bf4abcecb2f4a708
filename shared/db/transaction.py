"""One transaction, and the ways to run a statement in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from shared.db.errors import DRIVER_ERRORS, translated
from shared.db.pool import Row
from shared.db.statements import positional


class Transaction:
    """A transaction that is open. `now` is the business time of its beginning, `tenants` are those whose rows may be
    written. `offset`: how far business time is ahead of the database's clock.

    Statements have parameters like `:name`. All of them raise DatabaseError, or OSError when the connection is lost.
    """

    def __init__(
        self, connection: "asyncpg.Connection[Any]", now: datetime, tenants: Sequence[str], offset: timedelta
    ) -> None:
        self._connection = connection
        self.offset = offset
        self.now = now
        self.tenants = tenants

    async def fetch(self, statement: str, **parameters: Any) -> Sequence[Row]:
        """All rows, by column name."""
        rows: list[Row] = await _execute(self._connection.fetch, statement, parameters)
        return rows

    async def fetch_tuples(self, statement: str, **parameters: Any) -> Sequence[tuple[Any, ...]]:
        """All rows as plain tuples: for the queries that read many."""
        rows = await _execute(self._connection.fetch, statement, parameters, record_class=asyncpg.Record)
        return list(map(tuple, rows))

    async def fetch_one(self, statement: str, **parameters: Any) -> Row | None:
        """The first row, None where there is none."""
        rows = await self.fetch(statement, **parameters)
        return rows[0] if rows else None

    async def run(self, statement: str, **parameters: Any) -> int:
        """The number of rows that the statement changed; 0 for a statement that has none, like SET."""
        status: str = await _execute(self._connection.execute, statement, parameters)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block did is undone when it raises; the transaction goes on."""
        try:
            async with self._connection.transaction():
                yield
        except DRIVER_ERRORS as error:
            raise translated(error) from error


async def _execute(
    call: Callable[..., Awaitable[Any]], statement: str, parameters: dict[str, Any], **options: Any
) -> Any:
    text, names = positional(statement)
    try:
        return await call(text, *[parameters[name] for name in names], **options)
    except DRIVER_ERRORS as error:
        raise translated(error) from error
