"""Parts of statements: lead keys, and columns under the names of their attributes."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import inspect
from sqlmodel import SQLModel

from shared.ids import LeadKey

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
