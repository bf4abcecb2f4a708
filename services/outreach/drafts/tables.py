"""Drafts, their immutable texts, their approvals; what is still to be composed; strategies."""

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.outreach.tables import Moment, flag, json, metadata


def _said(name: str) -> Column[str]:
    return Column(name, Text, Computed(f"(canonical::jsonb) ->> '{name.removesuffix('_address')}'"))


content = Table(
    "content",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("draft_id", Uuid, primary_key=True),
    Column("canonical", Text, nullable=False),
    Column("sha256", Text, Computed("canonical_sha256(canonical)"), primary_key=True),
    Column("channel", Text, Computed("(canonical::jsonb) ->> 'channel'"), nullable=False),
    Column("from_address", Text, Computed("(canonical::jsonb) ->> 'from'"), nullable=False),
    Column("to_address", Text, Computed("(canonical::jsonb) ->> 'to'"), nullable=False),
    _said("subject"),
    Column("body", Text, Computed("(canonical::jsonb) ->> 'body'"), nullable=False),
    Column("headers", JSONB, Computed("(canonical::jsonb) -> 'headers'"), nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

draft = Table(
    "draft",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("draft_id", Uuid, primary_key=True),
    Column("lead_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("sha256", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("cause", Text, nullable=False),
    Column("cause_id", Text, nullable=False),
    Column("cause_at", Moment, nullable=False),
    json("claims", "[]"),
    json("made_from"),
    Column("author", Text, nullable=False),
    Column("replaces", Uuid),
    Column("claimed_by", Text),
    Column("lease_until", Moment),
    Column("snoozed_until", Moment),
    Column("reason", Text),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("expires_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "draft_id", "sha256"], ["content.tenant_id", "content.draft_id", "content.sha256"]
    ),
    Index(
        "draft_one_pending",
        "tenant_id",
        "lead_id",
        "kind",
        "channel",
        unique=True,
        postgresql_where=text("state = 'pending'"),
    ),
    Index("draft_lead", "tenant_id", "lead_id", "created_at"),
    Index("draft_oldest", "tenant_id", "state", "created_at", "draft_id"),
    Index("draft_expires", "expires_at", postgresql_where=text("state = 'pending'")),
)

composition = Table(
    "composition",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("draft_id", Uuid, primary_key=True),
    Column("lead_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text),
    Column("cause", Text, nullable=False),
    Column("cause_id", Text, nullable=False),
    Column("cause_at", Moment, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("instruction", Text),
    Column("replaces", Uuid),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment, nullable=False),
    Column("lease_until", Moment),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("tenant_id", "lead_id", "kind", "cause_id"),
    Index("composition_due", "due_at", postgresql_where=text("state = 'queued'")),
)

approval = Table(
    "approval",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("draft_id", Uuid, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("tenant_id", "draft_id", "sha256"),
    ForeignKeyConstraint(
        ["tenant_id", "draft_id", "sha256"], ["content.tenant_id", "content.draft_id", "content.sha256"]
    ),
)

strategy = Table(
    "strategy",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("strategy_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("stage", Text, nullable=False),
    flag("active", "true"),
    Column("body", JSONB, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("strategy_active", "tenant_id", "kind", "stage", unique=True, postgresql_where=text("active")),
)

llm_use = Table(
    "llm_use",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("tokens", BigInteger, nullable=False, server_default="0"),
    Column("requests", Integer, nullable=False, server_default="0"),
)
