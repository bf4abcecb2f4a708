"""One transaction, and the ways to run a statement in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.statements import sql


class Transaction:
    """A transaction that is open. `now` is business time, `tenants` are those whose rows may be written."""

    def __init__(self, connection: AsyncConnection, now: datetime, tenants: Sequence[str]) -> None:
        self.connection = connection
        self.now = now
        self.tenants = tenants

    async def fetch(self, statement: str, **parameters: Any) -> Sequence[RowMapping]:
        """All rows, by column name."""
        return (await self.connection.execute(sql(statement), parameters)).mappings().all()

    async def fetch_tuples(self, statement: str, **parameters: Any) -> Sequence[tuple[Any, ...]]:
        """All rows as plain tuples: for the queries that read many."""
        return cast(Sequence[tuple[Any, ...]], (await self.connection.execute(sql(statement), parameters)).all())

    async def fetch_one(self, statement: str, **parameters: Any) -> RowMapping | None:
        """The first row, None where there is none."""
        return (await self.connection.execute(sql(statement), parameters)).mappings().first()

    async def run(self, statement: str, **parameters: Any) -> int:
        """The number of rows that the statement changed."""
        return (await self.connection.execute(sql(statement), parameters)).rowcount
