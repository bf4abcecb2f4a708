"""What `tables.py` declares, for the statements of the stores: names of columns, their SQL types, whole inserts.

The tables are declared once, in SQLModel; tests compare them with what the migrations make. A store that writes or
reads whole rows takes its lists of columns from here, so that a column is named once.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, DateTime, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel

from shared.db.statements import rows_of

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def moment(*, null: bool = False, key: bool = False) -> Any:
    """A column for a moment, in UTC."""
    return Column(DateTime(timezone=True), nullable=null, primary_key=key)


def json_object() -> Any:
    """A JSON column that is never null, an empty object by default."""
    return Column(JSONB, nullable=False, server_default=text("'{}'"))


def column_types(table: type[SQLModel], names: Iterable[str] | None = None) -> dict[str, str]:
    """The SQL type of each column, by name: of those named, in that order, or of all.

    JSON and arrays are `text` here: they are sent as text (for an array `array_text` makes it), and cast on their way
    into the table (`select_values`). KeyError for a name that is no column.
    """
    columns = table.__table__.columns  # type: ignore[attr-defined]
    wanted = columns.keys() if names is None else names
    return {name: "text" if _goes_as_text(columns[name]) else _type_of(columns[name]) for name in wanted}


def select_values(table: type[SQLModel], names: Iterable[str]) -> str:
    """What a statement selects from the rows of `rows_of`: each column, cast where it was sent as text."""
    columns = table.__table__.columns  # type: ignore[attr-defined]
    return ", ".join(
        f"CAST(v.{name} AS {_type_of(columns[name])})" if _goes_as_text(columns[name]) else f"v.{name}"
        for name in names
    )


def _goes_as_text(column: Column[Any]) -> bool:
    return isinstance(column.type, ARRAY | JSONB)


def _type_of(column: Column[Any]) -> str:
    return column.type.compile(dialect=_DIALECT)


def insert_rows(table: type[SQLModel], names: Iterable[str] | None = None) -> str:
    """An INSERT of many rows, with array parameters made by `by_column`; RETURNING or ON CONFLICT may follow."""
    columns = column_types(table, names)
    return (
        f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) "
        f"SELECT {select_values(table, columns)} FROM {rows_of(columns)}"
    )
