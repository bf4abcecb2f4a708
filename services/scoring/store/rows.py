"""Rows as plain tuples, for the queries that read many."""

from collections.abc import Sequence
from typing import Any, cast

from shared.db import UnitOfWork, sql


async def tuples(work: UnitOfWork, statement: str, **parameters: Any) -> Sequence[tuple[Any, ...]]:
    rows = (await work.connection.execute(sql(statement), parameters)).all()
    return cast(Sequence[tuple[Any, ...]], rows)
