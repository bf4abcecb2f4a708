"""Parts of statements: columns under the names of their attributes, typed parameters, lead keys, arrays."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from shared.ids import LeadKey

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

KEYS = "CAST(:tenants AS text[]), CAST(:leads AS uuid[])"
"""Leads as array parameters for `unnest`; their values are made by `key_parameters`."""


def key_parameters(keys: Iterable[LeadKey]) -> dict[str, list[str] | list[UUID]]:
    """Leads as the two array parameters in KEYS."""
    listed = list(keys)
    return {"tenants": [tenant for tenant, _ in listed], "leads": [lead for _, lead in listed]}


def attributes_of(table: type[SQLModel]) -> dict[str, str]:
    """The attribute of each column, by the column's name."""
    return {attribute.columns[0].name: attribute.key for attribute in inspect(table).column_attrs}


def select_list(table: type[SQLModel], row: str) -> str:
    """All columns of `row` under the names of their attributes, for a SELECT."""
    return ", ".join(f"{row}.{column} AS {attribute}" for column, attribute in attributes_of(table).items())


def parameters_of(table: type[SQLModel], names: Iterable[str] | None = None) -> dict[str, str]:
    """A parameter of the column's type for each column (all, or those named), for statements about one row."""
    columns = table.__table__.columns  # type: ignore[attr-defined]
    wanted = columns.keys() if names is None else names
    return {name: f"CAST(:{name} AS {columns[name].type.compile(dialect=_DIALECT)})" for name in wanted}


def array_text(values: Iterable[str]) -> str:
    """An array as PostgreSQL reads it from text: an array column cannot be unnested with its row."""
    return "{" + ",".join(f'"{_escaped(value)}"' for value in values) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
