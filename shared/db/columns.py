"""What `tables.py` declares, for the statements of the stores: names of columns, their SQL types, whole inserts.

The tables are declared once, in SQLModel; tests compare them with what the migrations make. A store that writes or
reads whole rows takes its lists of columns from here, so that a column is named once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, DateTime, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

from shared.db.statements import array_parameters

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def moment(*, null: bool = False, key: bool = False, default: str | None = None) -> Any:
    """A column for a moment, in UTC."""
    return Column(
        DateTime(timezone=True), nullable=null, primary_key=key, server_default=text(default) if default else None
    )


def json_object() -> Any:
    """A JSON column that is never null, an empty object by default."""
    return Column(JSONB, nullable=False, server_default=text("'{}'"))


def column_types(table: type[SQLModel], names: Iterable[str] | None = None) -> dict[str, str]:
    """The SQL type of each column, by name: of those named, in that order, or of all.

    A JSON column is `text` here: it is sent as JSON text, and cast on its way into the table (`select_values`).
    KeyError for a name that is no column.
    """
    columns = table.__table__.columns  # type: ignore[attr-defined]
    wanted = columns.keys() if names is None else names
    return {
        name: "text" if isinstance(columns[name].type, JSONB) else columns[name].type.compile(dialect=_DIALECT)
        for name in wanted
    }


def select_values(table: type[SQLModel], names: Iterable[str], row: str = "v") -> str:
    """What a statement selects from rows of array parameters called `row`: each column, JSON text cast to jsonb."""
    columns = table.__table__.columns  # type: ignore[attr-defined]
    return ", ".join(
        f"CAST({row}.{name} AS jsonb)" if isinstance(columns[name].type, JSONB) else f"{row}.{name}" for name in names
    )


def rows_of(columns: Mapping[str, str], row: str = "v") -> str:
    """The rows that array parameters carry, as an item of a FROM clause: `unnest(...) AS v (names)`."""
    return f"unnest({array_parameters(columns)}) AS {row} ({', '.join(columns)})"


def insert_rows(table: type[SQLModel], names: Iterable[str] | None = None) -> str:
    """An INSERT of many rows, with array parameters made by `by_column`; RETURNING or ON CONFLICT may follow."""
    columns = column_types(table, names)
    return (
        f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) "
        f"SELECT {select_values(table, columns)} FROM {rows_of(columns)}"
    )
