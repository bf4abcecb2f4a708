"""The tables of the scoring service: signals, the last published score of each lead, models, rescores."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import moment

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


class Signal(Table, table=True):
    """One event that a model can read. The primary key is the inbox: an event that is received twice is stored once."""

    __tablename__ = "signal"
    __table_args__ = (Index("signal_lead", "tenant_id", "lead_id"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    digest: UUID = Field(primary_key=True)
    lead_id: UUID
    """The id that the event was received with; it stays when the lead is merged."""
    type: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    occurred_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    data: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class Lead(Table, table=True):
    """The score last published, and when it will next change without an event."""

    __tablename__ = "lead"
    __table_args__ = (
        Index("lead_due", "next_change_at", postgresql_where=text("next_change_at IS NOT NULL")),
        Index("lead_waiting", "seen_at", postgresql_where=text("scored_at IS NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    seen_at: datetime = Field(sa_column=moment())
    """When the first signal of the lead was stored; of one that is not captured, the oldest that is left."""
    revision: int = 0
    """Counts the lead's `lead.scored` events."""
    fit: int = 0
    intent: int = 0
    engagement: int = 0
    band: str = Field(default="D", sa_type=Text)
    model_version: int = 0
    scored_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    """The moment of the published score, and the time of its event; null until the lead is captured."""
    next_change_at: datetime | None = Field(default=None, sa_column=moment(null=True))


class Model(Table, table=True):
    """A tenant's own model, version 2 and up. Version 1 is built in and has no row."""

    __tablename__ = "model"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    definition: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_column=moment())
    created_by: str = Field(sa_type=Text)


class ActiveModel(Table, table=True):
    """The version that a tenant's leads are scored by. A tenant without a row uses the built-in model."""

    __tablename__ = "active_model"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    version: int
    activated_at: datetime = Field(sa_column=moment())
    activated_by: str = Field(sa_type=Text)


class Rescore(Table, table=True):
    """The progress of scoring all leads of a tenant after a model was activated."""

    __tablename__ = "rescore"
    __table_args__ = (Index("rescore_running", "progressed_at", postgresql_where=text("state = 'running'")),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    rescore_id: UUID = Field(primary_key=True)
    version: int
    state: str = Field(sa_type=Text)
    """running, done, or superseded by a later activation."""
    done: int = 0
    total: int
    reached: UUID | None = None
    """The last lead of the last page."""
    started_at: datetime = Field(sa_column=moment())
    progressed_at: datetime = Field(sa_column=moment())
    finished_at: datetime | None = Field(default=None, sa_column=moment(null=True))
