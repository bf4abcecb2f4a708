"""The tables of the stage service. One row a lead, one row a thing that happened to it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


def _moment(*, null: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=null)


class Lead(Table, table=True):
    """Where a lead stands: the journey as the fold left it, and what the queue sorts and filters by."""

    __tablename__ = "lead"
    __table_args__ = (
        # One index serves the queue without a filter, by stage and by band: a page merges the (stage, band) runs.
        Index(
            "lead_queue",
            "tenant_id",
            "stage",
            "band",
            text("score_total DESC"),
            text("last_activity_on DESC"),
            text("lead_id DESC"),
        ),
        Index(
            "lead_queue_owner",
            "tenant_id",
            "owner",
            text("score_total DESC"),
            text("last_activity_on DESC"),
            text("lead_id DESC"),
            postgresql_where=text("owner IS NOT NULL"),
        ),
        Index(
            "lead_queue_hot",
            "tenant_id",
            text("score_total DESC"),
            text("last_activity_on DESC"),
            text("lead_id DESC"),
            postgresql_where=text("hot"),
        ),
        Index("lead_due", "next_due", postgresql_where=text("next_due IS NOT NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    captured: bool = False
    """False while signals wait for the lead's capture."""
    stage: str = Field(default="new", sa_type=Text)
    status: str = Field(default="new", sa_type=Text)
    revision: int = 0
    """Counts the lead's `stage.changed` events."""
    journey: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    next_due: datetime | None = Field(default=None, sa_column=_moment())
    """When the next timer of the journey falls due."""
    score_total: int = 0
    band: str = Field(default="", sa_type=Text)
    """Empty while the lead is not scored."""
    score_revision: int = 0
    scored_at: datetime | None = Field(default=None, sa_column=_moment())
    hot: bool = False
    last_activity_on: datetime = Field(sa_column=_moment(null=False))
    source: str | None = Field(default=None, sa_type=Text)
    campaign: str | None = Field(default=None, sa_type=Text)
    owner: str | None = Field(default=None, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    company: str | None = Field(default=None, sa_type=Text)
    contact_version: int = 0
    """The version of the contact details that the four above come from."""
    drafts: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    merged_into: UUID | None = None
    """Set while the lead is another name of that one: it is then in no list."""
    updated_at: datetime = Field(sa_column=_moment(null=False))


class Activity(Table, table=True):
    """One entry of a lead's timeline; those that a rule reads (`folded`) are the lead's signals as well.

    The primary key is the inbox: an event of the same source and id changes nothing the second time.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index(
            "activity_lead",
            "tenant_id",
            "lead_id",
            text("occurred_at DESC"),
            text("position DESC"),
            text("digest DESC"),
        ),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    digest: UUID = Field(primary_key=True)
    lead_id: UUID
    """The id that it came with, whatever the lead was merged into later."""
    type: str = Field(sa_type=Text)
    event_id: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    occurred_at: datetime = Field(sa_column=_moment(null=False))
    recorded_at: datetime = Field(sa_column=_moment(null=False))
    actor: str | None = Field(default=None, sa_type=Text)
    caused_by: str | None = Field(default=None, sa_type=Text)
    data: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    folded: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    position: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    """Orders entries of the same instant: what happened (0) before what followed from it (1, 2, ...)."""
    revision: int | None = Field(default=None, sa_column=Column(Integer))
    """For a status change: the revision of the `stage.changed` that published it."""
    superseded: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    shown: bool = Field(default=True, sa_column=Column(Boolean, nullable=False))
    """False for what only the fold reads: a score inside its band, a second label of a reply."""


class Setting(Table, table=True):
    """A tenant's settings from a moment on; the latest before a signal judges it."""

    __tablename__ = "setting"
    __table_args__ = (Index("setting_to_apply", "valid_from", postgresql_where=text("NOT applied")),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    valid_from: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    actor: str = Field(sa_type=Text)
    reached: UUID | None = None
    """The last lead whose timer was set anew by these settings."""
    applied: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    """Whether that was done for all leads."""


class Alert(Table, table=True):
    """A lead became hot; one row for each crossing that was alerted."""

    __tablename__ = "alert"
    __table_args__ = (Index("alert_newest", "tenant_id", text("at DESC"), text("alert_id DESC")),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    alert_id: UUID = Field(primary_key=True)
    lead_id: UUID
    total: int
    threshold: int
    at: datetime = Field(sa_column=_moment(null=False))
