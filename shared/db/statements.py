"""Statements, and parameters that carry many rows at once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_NAME = re.compile(r"(?<![:\w]):(\w+)")
"""A parameter. Write casts as `CAST(:ids AS uuid[])`: `:ids::uuid[]` would be one as well, but nobody reads it."""


@lru_cache(maxsize=4_000)
def positional(statement: str) -> tuple[str, tuple[str, ...]]:
    """A statement with `:name` parameters as the driver takes it, with `$1`, and the names in that order."""
    names: dict[str, int] = {}
    text = _NAME.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", statement)
    return text, tuple(names)


def array_parameters(columns: Mapping[str, str]) -> str:
    """An array parameter for each column (name -> SQL type), separated by commas: what `unnest` makes rows of."""
    return ", ".join(f"CAST(:{name} AS {type}[])" for name, type in columns.items())


def by_column(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows, at least one, as the values of those parameters: one list for each column."""
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
