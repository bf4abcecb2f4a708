"""The tables that all parts of outreach share, and the base class of every table of outreach.

Classes of tables end in `Row`: outside `tables.py` the plain names (`Lead`, `Mailbox`, ...) mean what a store or a
request works with.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import json_object, moment

metadata = MetaData()


class Table(SQLModel):
    """The base class of outreach's tables; its parts declare theirs in `tables.py` of their own."""

    metadata = metadata


def text_column(*, null: bool = False, key: bool = False, default: str | None = None) -> Any:
    """A text column; `default` is what the database puts where an insert names no value."""
    return Column(Text, nullable=null, primary_key=key, server_default=default)


def number_column(default: int) -> Any:
    """An integer column that is never null."""
    return Column(Integer, nullable=False, server_default=text(str(default)))


def boolean_column(default: str = "false", *, key: bool = False) -> Any:
    """A boolean column that is never null."""
    return Column(Boolean, nullable=False, primary_key=key, server_default=text(default))


QUEUES: Mapping[str, str] = {"answers": "kind = 'answer'", "others": "kind <> 'answer'"}
"""What is written and sent, in the order in which it is: who has written to us never waits behind bulk work."""


def due_indexes(table: str) -> list[Index]:
    """The indexes by which the due rows of each queue are found, tenant by tenant."""
    return [
        Index(f"{table}_due_{name}", "tenant_id", "due_at", postgresql_where=text(f"state = 'queued' AND {condition}"))
        for name, condition in QUEUES.items()
    ]


class LeadRow(Table, table=True):
    """A lead as outreach knows it. `version` 0: only other events have named it, it was not captured yet."""

    __tablename__ = "lead"
    __table_args__ = (
        Index("lead_email", "tenant_id", "email_hash", postgresql_where=text("email_hash IS NOT NULL")),
        Index("lead_phone", "tenant_id", "phone_hash", postgresql_where=text("phone_hash IS NOT NULL")),
        Index("lead_domain", "tenant_id", "domain_hash", postgresql_where=text("domain_hash IS NOT NULL")),
        Index("lead_nurture", "nurture_due", postgresql_where=text("nurture_due IS NOT NULL")),
        Index("lead_exhaust", "exhaust_due", postgresql_where=text("exhaust_due IS NOT NULL")),
        Index("lead_nurture_in_turn", "tenant_id", "nurture_due", postgresql_where=text("nurture_due IS NOT NULL")),
        Index("lead_exhaust_in_turn", "tenant_id", "exhaust_due", postgresql_where=text("exhaust_due IS NOT NULL")),
        Index(
            "lead_mode",
            "tenant_id",
            "announced_mode",
            "lead_id",
            postgresql_where=text("mode IS NULL AND version > 0"),
        ),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    lead_id: UUID = Field(primary_key=True)
    version: int = Field(sa_column=number_column(0))
    email: str | None = Field(sa_column=text_column(null=True))
    phone: str | None = Field(sa_column=text_column(null=True))
    email_hash: bytes | None
    """Keyed hashes (`keys.py`): they find a lead by its address without storing the address twice."""
    phone_hash: bytes | None
    domain_hash: bytes | None
    fields: dict[str, Any] = Field(sa_column=json_object())
    fields_at: datetime | None = Field(sa_column=moment(null=True))
    consent: dict[str, Any] = Field(sa_column=json_object())
    facts: dict[str, Any] = Field(sa_column=json_object())
    facts_at: datetime | None = Field(sa_column=moment(null=True))
    stage: str = Field(sa_column=text_column(default="new"))
    stage_revision: int = Field(sa_column=number_column(0))
    stage_rule: str | None = Field(sa_column=text_column(null=True))
    stage_since: datetime | None = Field(sa_column=moment(null=True))
    met_at: datetime | None = Field(sa_column=moment(null=True))
    """When a meeting was booked or held last: a contact from the lead, like a reply."""
    score_total: int | None
    score_band: str | None = Field(sa_column=text_column(null=True))
    scored_at: datetime | None = Field(sa_column=moment(null=True))
    score_reasons: list[dict[str, Any]] | None = Field(sa_column=Column(JSONB))
    """What weighs most in the score; null: not known."""
    owner: str | None = Field(sa_column=text_column(null=True))
    """The owner by the last `stage.changed`, '' for none; null: not known, and then the captured one counts."""
    mode: str | None = Field(sa_column=text_column(null=True))
    """The lead's own outreach mode; null: the tenant's."""
    announced_mode: str = Field(sa_column=text_column(default="blended"))
    """The mode that the other services know, by the last `outreach.mode_changed`."""
    opted_out_at: datetime | None = Field(sa_column=moment(null=True))
    opted_out_for_good: bool = Field(sa_column=boolean_column())
    """False after an opt-out by reply only: a corrected label retracts it."""
    later_until: datetime | None = Field(sa_column=moment(null=True))
    """Until when the lead asked to be left alone, in its last reply."""
    nurture_due: datetime | None = Field(sa_column=moment(null=True))
    exhaust_due: datetime | None = Field(sa_column=moment(null=True))
    """When to check next whether the lead's channels are used up."""
    exhausted_at: datetime | None = Field(sa_column=moment(null=True))


class SettingsRow(Table, table=True):
    """A tenant's settings (`OutreachSettings`), and whether its mode has been announced to all its leads."""

    __tablename__ = "settings"
    __table_args__ = (Index("settings_to_announce", "tenant_id", postgresql_where=text("NOT mode_announced")),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    version: int = Field(sa_column=number_column(1))
    mode: str = Field(sa_column=text_column())
    mode_announced: bool = Field(sa_column=boolean_column("true"))
    updated_at: datetime = Field(sa_column=moment())


class ServiceKeyRow(Table, table=True):
    """The one secret that migration 0001 made, for deployments that set none (`LEADFLOW_OUTREACH_SECRET`)."""

    __tablename__ = "service_key"

    id: bool = Field(sa_column=boolean_column("true", key=True))
    key: str = Field(sa_column=text_column())
