"""The tables that all parts of outreach share: leads as outreach knows them, the tenant's settings."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

Moment = DateTime(timezone=True)


def flag(name: str, default: str) -> Column[bool]:
    """A boolean column that is never null."""
    return Column(name, Boolean, nullable=False, server_default=default)


def json(name: str, default: str = "{}") -> Column[object]:
    """A JSON column that is never null."""
    return Column(name, JSONB, nullable=False, server_default=default)


lead = Table(
    "lead",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("lead_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("email", Text),
    Column("phone", Text),
    Column("email_hash", LargeBinary),
    Column("phone_hash", LargeBinary),
    Column("domain_hash", LargeBinary),
    json("fields"),
    Column("fields_at", Moment),
    json("consent"),
    json("facts"),
    Column("facts_at", Moment),
    Column("stage", Text, nullable=False, server_default="new"),
    Column("stage_revision", Integer, nullable=False, server_default="0"),
    Column("stage_rule", Text),
    Column("stage_since", Moment),
    Column("met_at", Moment),
    Column("score_total", Integer),
    Column("score_band", Text),
    Column("scored_at", Moment),
    Column("mode", Text),
    Column("announced_mode", Text, nullable=False, server_default="blended"),
    Column("opted_out_at", Moment),
    flag("opted_out_for_good", "false"),
    Column("later_until", Moment),
    Column("nurture_due", Moment),
    Column("exhaust_due", Moment),
    Column("exhausted_at", Moment),
    Index("lead_email", "tenant_id", "email_hash", postgresql_where=text("email_hash IS NOT NULL")),
    Index("lead_phone", "tenant_id", "phone_hash", postgresql_where=text("phone_hash IS NOT NULL")),
    Index("lead_domain", "tenant_id", "domain_hash", postgresql_where=text("domain_hash IS NOT NULL")),
    Index("lead_nurture", "nurture_due", postgresql_where=text("nurture_due IS NOT NULL")),
    Index("lead_exhaust", "exhaust_due", postgresql_where=text("exhaust_due IS NOT NULL")),
    Index(
        "lead_mode",
        "tenant_id",
        "announced_mode",
        "lead_id",
        postgresql_where=text("mode IS NULL AND version > 0"),
    ),
)

settings = Table(
    "settings",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("mode", Text, nullable=False),
    flag("mode_announced", "true"),
    Column("updated_at", Moment, nullable=False),
    Index("settings_to_announce", "tenant_id", postgresql_where=text("NOT mode_announced")),
)

service_key = Table(
    "service_key",
    metadata,
    Column("id", Boolean, primary_key=True, server_default="true"),
    Column("key", Text, nullable=False),
)
