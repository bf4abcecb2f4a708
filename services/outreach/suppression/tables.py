"""Addresses with their state, and the append-only list of what is closed. Keyed hashes outlive erasure."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from services.outreach.tables import Moment, metadata

address = Table(
    "address",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("state", Text, nullable=False, server_default="valid"),
    Column("soft_failures", ARRAY(Moment), nullable=False, server_default="{}"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("suppression_id", Uuid, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("address_hash", LargeBinary),
    Column("domain_hash", LargeBinary),
    Column("address", Text),
    Column("domain", Text),
    Column("how", Text, nullable=False),
    Column("reason", Text),
    Column("actor", Text, nullable=False),
    Column("reply_id", Uuid),
    Column("created_at", Moment, nullable=False),
    Index("suppression_address", "tenant_id", "address_hash", postgresql_where=text("address_hash IS NOT NULL")),
    Index("suppression_domain", "tenant_id", "domain_hash", postgresql_where=text("domain_hash IS NOT NULL")),
    Index("suppression_reply", "tenant_id", "reply_id", postgresql_where=text("reply_id IS NOT NULL")),
)


def _of_suppression() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "suppression_id"], ["suppression.tenant_id", "suppression.suppression_id"]
    )


suppression_retraction = Table(
    "suppression_retraction",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("suppression_id", Uuid, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _of_suppression(),
)

domain_job = Table(
    "domain_job",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("suppression_id", Uuid, primary_key=True),
    Column("after_lead", Uuid),
    _of_suppression(),
)
