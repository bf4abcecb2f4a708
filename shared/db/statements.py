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


def rows_of(columns: Mapping[str, str]) -> str:
    """The rows `v` that array parameters carry, as an item of a FROM clause: `unnest(...) AS v (names)`."""
    return f"unnest({array_parameters(columns)}) AS v ({', '.join(columns)})"


def by_column(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows, at least one, as the values of those parameters: one list for each column."""
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))


def array_text(values: Iterable[str]) -> str:
    """An array as the text that PostgreSQL reads it from: `unnest` would make rows of an array in an array."""
    return "{" + ",".join(f'"{_escaped(value)}"' for value in values) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
