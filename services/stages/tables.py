"""The tables of the stage service: leads, their activities, settings by time, alerts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, MetaData, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import moment

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


def _json() -> Any:
    """A JSON column that is never null, and that every insert names."""
    return Column(JSONB, nullable=False)


class Lead(Table, table=True):
    """A lead: its journey as the last fold left it, and the columns that the queue sorts, filters and shows."""

    __tablename__ = "lead"
    __table_args__ = (
        # One index serves the queue without a filter, by stage and by band: a page merges its (stage, band) runs.
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
    """The stage, or for a lead that no list shows: `waiting` (not captured yet), `merged` or `erased`."""
    status: str = Field(default="new", sa_type=Text)
    revision: int = 0
    """Counts the lead's `stage.changed` events."""
    journey: dict[str, Any] = Field(sa_column=_json())
    next_due: datetime | None = Field(default=None, sa_column=moment(null=True))
    """When the next timer of the journey falls due."""
    score_total: int = 0
    band: str = Field(default="", sa_type=Text)
    """Empty while the lead is not scored."""
    score_revision: int = 0
    scored_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    hot: bool = False
    last_activity_on: datetime = Field(sa_column=moment())
    source: str | None = Field(default=None, sa_type=Text)
    campaign: str | None = Field(default=None, sa_type=Text)
    owner: str | None = Field(default=None, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    company: str | None = Field(default=None, sa_type=Text)
    contact_version: int = 0
    """The version of the contact details that source, campaign, name and company are from."""
    drafts: dict[str, str] = Field(sa_column=_json())
    """The newest drafts by id: `open` or `closed`."""
    merged_into: UUID | None = None
    """The lead that this one is an alias of; an alias is in no list."""
    updated_at: datetime = Field(sa_column=moment())


class Activity(Table, table=True):
    """One entry of a lead's timeline. The entries that a rule reads (`folded`) are the lead's signals.

    The primary key is the inbox as well: an event of the same source and id changes nothing the second time.
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
    """The lead id that the event was received with; a merge does not change it."""
    type: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    occurred_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    actor: str | None = Field(default=None, sa_type=Text)
    caused_by: str | None = Field(default=None, sa_type=Text)
    data: dict[str, Any] = Field(sa_column=_json())
    folded: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    position: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    """The order of entries of the same instant: an event (0) before the moves that it caused (1, 2, ...)."""
    revision: int | None = None
    """For a status change: the revision of the `stage.changed` that published it."""
    superseded: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    shown: bool = Field(default=True, sa_column=Column(Boolean, nullable=False))
    """False for an entry that only the fold reads: a score inside its band, a second label of a reply."""


class Setting(Table, table=True):
    """A tenant's settings from a moment on; the latest version before a signal decides about it."""

    __tablename__ = "setting"
    __table_args__ = (Index("setting_to_apply", "valid_from", postgresql_where=text("NOT applied")),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    valid_from: datetime = Field(sa_column=moment(key=True))
    body: dict[str, Any] = Field(sa_column=_json())
    actor: str = Field(sa_type=Text)
    reached: UUID | None = None
    """The last lead whose timer was recomputed by these settings."""
    applied: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    """Whether the timers of all leads were recomputed."""


class Alert(Table, table=True):
    """A lead became hot: one row for each time that it was alerted."""

    __tablename__ = "alert"
    __table_args__ = (Index("alert_newest", "tenant_id", text("at DESC"), text("alert_id DESC")),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    alert_id: UUID = Field(primary_key=True)
    lead_id: UUID
    total: int
    threshold: int
    at: datetime = Field(sa_column=moment())
