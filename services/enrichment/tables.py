"""The tables of the enrichment service: what a lead told, what is known of it, and what a tenant knows of companies."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


class Lead(Table, table=True):
    """The contact fields that facts are made from, and the facts as they were last published."""

    __tablename__ = "lead"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    version: int
    """Capture's version of the details."""
    fields: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """{name: {value, source, fetched_at}}"""
    providers: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    """[{name, outcome, ms}] of the last run."""
    revision: int
    """Counts the lead's `lead.enriched` events."""
    enriched_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    """Empty while enrichment is switched off."""


class Directory(Table, table=True):
    """One company of a tenant's own table."""

    __tablename__ = "directory"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    domain: str = Field(primary_key=True, sa_type=Text(collation="C"))
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class Setting(Table, table=True):
    """Whether a tenant's leads are enriched; a tenant without a row has it switched on."""

    __tablename__ = "setting"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    enabled: bool
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    changed_by: str = Field(sa_type=Text)
