"""What came in: one row for each reply, with its raw form (gone with the lead) and the history of its labels."""

from sqlalchemy import REAL, Column, Index, LargeBinary, Table, Text, UniqueConstraint, Uuid, text

from services.outreach.tables import Moment, flag, json, metadata

reply = Table(
    "reply",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("reply_id", Uuid, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("lead_id", Uuid),
    Column("dispatch_id", Uuid),
    Column("channel", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("sender", Text),
    Column("message_id", Text),
    Column("subject", Text),
    Column("newest", Text, nullable=False, server_default=""),
    Column("raw", LargeBinary),
    Column("received_at", Moment, nullable=False),
    Column("label", Text, nullable=False),
    Column("confidence", REAL, nullable=False),
    Column("method", Text, nullable=False),
    Column("because", Text),
    flag("needs_human", "false"),
    flag("wrong_address", "false"),
    flag("stop_word", "false"),
    Column("closed_hash", LargeBinary),
    Column("labelled_at", Moment, nullable=False),
    Column("event_id", Text),
    json("history", "[]"),
    UniqueConstraint("tenant_id", "key"),
    Index("reply_lead", "tenant_id", "lead_id", "received_at", postgresql_where=text("lead_id IS NOT NULL")),
    Index("reply_newest", "tenant_id", text("received_at DESC"), text("reply_id DESC")),
    Index(
        "reply_for_humans",
        "tenant_id",
        text("received_at DESC"),
        text("reply_id DESC"),
        postgresql_where=text("needs_human"),
    ),
)
