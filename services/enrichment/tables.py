"""The tables of the enrichment service: leads with their facts, company directories, and the switch of each tenant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import moment

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


def _json() -> Any:
    return Column(JSONB, nullable=False)


class Lead(Table, table=True):
    """The contact fields that facts are made from, and the facts of the last `lead.enriched`."""

    __tablename__ = "lead"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    version: int
    """Capture's version of the contact fields."""
    fields: dict[str, Any] = Field(sa_column=_json())
    facts: dict[str, Any] = Field(sa_column=_json())
    """{name: {value, source, fetched_at}}"""
    providers: list[dict[str, Any]] = Field(sa_column=_json())
    """[{name, outcome, ms}] of the last run."""
    revision: int
    """Counts the lead's `lead.enriched` events."""
    enriched_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    """The time of the last `lead.enriched`; null before the first."""


class Directory(Table, table=True):
    """One company of a tenant's company directory."""

    __tablename__ = "directory"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    domain: str = Field(primary_key=True, sa_type=Text(collation="C"))
    facts: dict[str, Any] = Field(sa_column=_json())


class Setting(Table, table=True):
    """Whether a tenant's leads are enriched. A tenant without a row has enrichment switched on."""

    __tablename__ = "setting"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    enabled: bool
    changed_at: datetime = Field(sa_column=moment())
    changed_by: str = Field(sa_type=Text)
