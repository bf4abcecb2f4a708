"""Dispatches, each bound to the approval of its text or template; what mailboxes have sent; sending domains."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Computed, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.outreach.tables import Table, boolean_column, due_indexes, number_column, text_column
from shared.db.columns import moment


class DispatchRow(Table, table=True):
    """The attempt to send one approved text. The trigger `guard_dispatch` checks every change of it."""

    __tablename__ = "dispatch"
    __table_args__ = (
        UniqueConstraint("tenant_id", "draft_id"),
        UniqueConstraint("tenant_id", "message_id"),
        ForeignKeyConstraint(
            ["tenant_id", "draft_id", "sha256"], ["content.tenant_id", "content.draft_id", "content.sha256"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "draft_id", "approved_sha256"],
            ["approval.tenant_id", "approval.draft_id", "approval.sha256"],
        ),
        ForeignKeyConstraint(
            ["tenant_id", "template_scope", "template_sha256"],
            ["template_approval.tenant_id", "template_approval.scope_id", "template_approval.sha256"],
        ),
        Index("dispatch_due", "due_at", postgresql_where=text("state = 'queued'")),
        *due_indexes("dispatch"),
        Index("dispatch_turns", "tenant_id", "mailbox", "due_at", postgresql_where=text("state = 'queued'")),
        Index("dispatch_leased", "lease_until", postgresql_where=text("state = 'sending'")),
        Index("dispatch_unknown", "created_at", postgresql_where=text("state = 'unknown'")),
        Index("dispatch_lead", "tenant_id", "lead_id", "created_at"),
        Index("dispatch_newest", "tenant_id", text("created_at DESC"), text("dispatch_id DESC")),
        Index("dispatch_provider", "tenant_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
        Index(
            "dispatch_address",
            "tenant_id",
            "address_hash",
            "sending_at",
            postgresql_where=text("sending_at IS NOT NULL"),
        ),
        Index(
            "dispatch_one_of_a_step",
            "tenant_id",
            "address_hash",
            "sequence_id",
            "step",
            "channel",
            unique=True,
            postgresql_where=text("sequence_id IS NOT NULL"),
        ),
        Index("dispatch_enrolment", "tenant_id", "enrolment_id", postgresql_where=text("enrolment_id IS NOT NULL")),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    dispatch_id: UUID = Field(primary_key=True)
    draft_id: UUID
    sha256: str = Field(sa_column=text_column())
    lead_id: UUID
    kind: str = Field(sa_column=text_column())
    channel: str = Field(sa_column=text_column())
    address_hash: bytes
    mailbox: str = Field(sa_column=text_column())
    cause_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=text_column(default="queued"))
    reason: str | None = Field(sa_column=text_column(null=True))
    message_id: str | None = Field(sa_column=text_column(null=True))
    provider_id: str | None = Field(sa_column=text_column(null=True))
    attempts: int = Field(sa_column=number_column(0))
    due_at: datetime = Field(sa_column=moment())
    turn_at: datetime | None = Field(sa_column=moment(null=True))
    """When its first turn was, if it waits for the spacing of its mailbox: the order of those that wait."""
    first_tried_at: datetime | None = Field(sa_column=moment(null=True))
    sending_at: datetime | None = Field(sa_column=moment(null=True))
    sent_at: datetime | None = Field(sa_column=moment(null=True))
    lease_until: datetime | None = Field(sa_column=moment(null=True))
    resolved_by: str | None = Field(sa_column=text_column(null=True))
    note: str | None = Field(sa_column=text_column(null=True))
    crossed: bool = Field(sa_column=boolean_column())
    """The message was on its way when the lead opted out, or wrote and so ended the enrolment."""
    created_at: datetime = Field(sa_column=moment())
    enrolment_id: UUID | None
    """The trigger `dispatch_of_step` sets this and the next two, the window and `uses_up`."""
    sequence_id: UUID | None
    step: int | None
    template_scope: UUID | None
    """The sequence or the enrolment for which the template was approved that the message follows."""
    template_sha256: str | None = Field(sa_column=text_column(null=True))
    template_values: dict[str, Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    send_window: dict[str, Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    """The window of the sequence, besides the tenant's."""
    uses_up: bool = Field(sa_column=boolean_column("true"))
    """Whether the message counts when a channel is used up."""
    approved_sha256: str | None = Field(
        sa_column=Column(Text, Computed("CASE WHEN template_sha256 IS NULL THEN sha256 END"), nullable=True)
    )
    """The text that a person approved; null where a template was approved."""


class SendingDomainRow(Table, table=True):
    """A domain that the deployment has given to a tenant: only this tenant sends from it."""

    __tablename__ = "sending_domain"
    __table_args__ = (Index("sending_domain_owner", "domain", unique=True),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    domain: str = Field(sa_column=text_column(key=True))
    allowed_at: datetime = Field(sa_column=moment())


class MailboxRow(Table, table=True):
    """How much a mailbox has sent on one UTC day, its last; the row is the lock of the mailbox."""

    __tablename__ = "mailbox"

    tenant_id: str = Field(sa_column=text_column(key=True))
    address: str = Field(sa_column=text_column(key=True))
    day: date
    sent: int = Field(sa_column=number_column(0))
    last_at: datetime | None = Field(sa_column=moment(null=True))
