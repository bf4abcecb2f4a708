"""Dispatches, each bound to one approval of one text, and how much each mailbox has sent."""

from sqlalchemy import (
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from services.outreach.tables import Moment, flag, metadata

dispatch = Table(
    "dispatch",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("dispatch_id", Uuid, primary_key=True),
    Column("draft_id", Uuid, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("lead_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("cause_at", Moment, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("reason", Text),
    Column("message_id", Text),
    Column("provider_id", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment, nullable=False),
    Column("first_tried_at", Moment),
    Column("sending_at", Moment),
    Column("sent_at", Moment),
    Column("lease_until", Moment),
    Column("resolved_by", Text),
    Column("note", Text),
    flag("crossed", "false"),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("tenant_id", "draft_id"),
    UniqueConstraint("tenant_id", "message_id"),
    ForeignKeyConstraint(
        ["tenant_id", "draft_id", "sha256"], ["approval.tenant_id", "approval.draft_id", "approval.sha256"]
    ),
    Index("dispatch_due", "due_at", postgresql_where=text("state = 'queued'")),
    Index("dispatch_turns", "tenant_id", "mailbox", "due_at", postgresql_where=text("state = 'queued'")),
    Index("dispatch_leased", "lease_until", postgresql_where=text("state = 'sending'")),
    Index("dispatch_lead", "tenant_id", "lead_id", "created_at"),
    Index("dispatch_newest", "tenant_id", text("created_at DESC"), text("dispatch_id DESC")),
    Index("dispatch_provider", "tenant_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
    Index(
        "dispatch_address", "tenant_id", "address_hash", "sending_at", postgresql_where=text("sending_at IS NOT NULL")
    ),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("last_at", Moment),
)
