"""Statements, and parameters that carry many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text


@lru_cache(maxsize=2_000)
def sql(statement: str) -> TextClause:
    """A cached text statement. Write casts as `CAST(:ids AS uuid[])`: after `:ids` a second colon would confuse it."""
    return text(statement)


def array_parameters(columns: Mapping[str, str]) -> str:
    """An array parameter for each column (name -> SQL type), separated by commas: what `unnest` makes rows of."""
    return ", ".join(f"CAST(:{name} AS {type}[])" for name, type in columns.items())


def by_column(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows, at least one, as the values of those parameters: one list for each column."""
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
