"""Addresses with their state, and the append-only suppression list. Keyed hashes outlive erasure."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.outreach.tables import Table, text_column
from shared.db.columns import moment


class AddressRow(Table, table=True):
    """The state of an address. Sending and every change of an address lock this row first."""

    __tablename__ = "address"

    tenant_id: str = Field(sa_column=text_column(key=True))
    channel: str = Field(sa_column=text_column(key=True))
    address_hash: bytes = Field(primary_key=True)
    state: str = Field(sa_column=text_column(default="valid"))
    soft_failures: list[datetime] = Field(
        sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False, server_default=text("'{}'"))
    )


class SuppressionRow(Table, table=True):
    """One entry of the suppression list: an address on one channel or on all, or a whole mail domain."""

    __tablename__ = "suppression"
    __table_args__ = (
        Index("suppression_address", "tenant_id", "address_hash", postgresql_where=text("address_hash IS NOT NULL")),
        Index("suppression_domain", "tenant_id", "domain_hash", postgresql_where=text("domain_hash IS NOT NULL")),
        Index("suppression_reply", "tenant_id", "reply_id", postgresql_where=text("reply_id IS NOT NULL")),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    suppression_id: UUID = Field(primary_key=True)
    channel: str = Field(sa_column=text_column())
    address_hash: bytes | None
    domain_hash: bytes | None
    address: str | None = Field(sa_column=text_column(null=True))
    domain: str | None = Field(sa_column=text_column(null=True))
    how: str = Field(sa_column=text_column())
    reason: str | None = Field(sa_column=text_column(null=True))
    actor: str = Field(sa_column=text_column())
    reply_id: UUID | None
    created_at: datetime = Field(sa_column=moment())


def _of_suppression() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "suppression_id"], ["suppression.tenant_id", "suppression.suppression_id"]
    )


class RetractionRow(Table, table=True):
    """Who retracted an entry of the suppression list, and why. The entry itself stays."""

    __tablename__ = "suppression_retraction"
    __table_args__ = (_of_suppression(),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    suppression_id: UUID = Field(primary_key=True)
    actor: str = Field(sa_column=text_column())
    note: str = Field(sa_column=text_column())
    at: datetime = Field(sa_column=moment())


class DomainJobRow(Table, table=True):
    """A blocklisted domain whose leads are being closed page by page; `after_lead` is where the next page begins."""

    __tablename__ = "domain_job"
    __table_args__ = (_of_suppression(),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    suppression_id: UUID = Field(primary_key=True)
    after_lead: UUID | None
