"""Drafts with their immutable texts and approvals, composition requests, strategies, the use of the language model."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.outreach.tables import Table, boolean_column, due_indexes, number_column, text_column
from shared.db.columns import json_object, moment


def _message_part(name: str, *, null: bool = False) -> Any:
    """A generated column: one part of the canonical message as text."""
    return Column(Text, Computed(f"(canonical::jsonb) ->> '{name}'"), nullable=null)


def _of_content() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "draft_id", "sha256"], ["content.tenant_id", "content.draft_id", "content.sha256"]
    )


class ContentRow(Table, table=True):
    """One text of a draft: the canonical message (RFC 8785) and what the database derives from it. Never changed."""

    __tablename__ = "content"

    tenant_id: str = Field(sa_column=text_column(key=True))
    draft_id: UUID = Field(primary_key=True)
    canonical: str = Field(sa_column=text_column())
    sha256: str = Field(sa_column=Column(Text, Computed("canonical_sha256(canonical)"), primary_key=True))
    channel: str = Field(sa_column=_message_part("channel"))
    from_address: str = Field(sa_column=_message_part("from"))
    to_address: str = Field(sa_column=_message_part("to"))
    subject: str | None = Field(sa_column=_message_part("subject", null=True))
    body: str = Field(sa_column=_message_part("body"))
    headers: dict[str, str] = Field(
        sa_column=Column(JSONB, Computed("(canonical::jsonb) -> 'headers'"), nullable=False)
    )
    author: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=moment())


class DraftRow(Table, table=True):
    """A draft; `sha256` names its present text. `claimed_by` and `lease_until` are the lease of a reviewer."""

    __tablename__ = "draft"
    __table_args__ = (
        _of_content(),
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
        Index("draft_all", "tenant_id", "created_at", "draft_id"),
        Index("draft_kind", "tenant_id", "kind", "created_at", "draft_id", postgresql_where=text("state = 'pending'")),
        Index("draft_at_risk", "tenant_id", "expires_at", "draft_id", postgresql_where=text("state = 'pending'")),
        Index(
            "draft_hottest",
            "tenant_id",
            text("score DESC"),
            text("draft_id DESC"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "draft_claimed",
            "tenant_id",
            "created_at",
            "draft_id",
            postgresql_where=text("state = 'pending' AND claimed_by IS NOT NULL"),
        ),
        Index(
            "draft_snoozed",
            "tenant_id",
            "snoozed_until",
            postgresql_where=text("state = 'pending' AND snoozed_until IS NOT NULL"),
        ),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    draft_id: UUID = Field(primary_key=True)
    lead_id: UUID
    kind: str = Field(sa_column=text_column())
    channel: str = Field(sa_column=text_column())
    state: str = Field(sa_column=text_column(default="pending"))
    sha256: str = Field(sa_column=text_column())
    version: int = Field(sa_column=number_column(1))
    cause: str = Field(sa_column=text_column())
    cause_id: str = Field(sa_column=text_column())
    cause_at: datetime = Field(sa_column=moment())
    claims: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    made_from: dict[str, Any] = Field(sa_column=json_object())
    author: str = Field(sa_column=text_column())
    replaces: UUID | None
    claimed_by: str | None = Field(sa_column=text_column(null=True))
    lease_until: datetime | None = Field(sa_column=moment(null=True))
    snoozed_until: datetime | None = Field(sa_column=moment(null=True))
    reason: str | None = Field(sa_column=text_column(null=True))
    decided_by: str | None = Field(sa_column=text_column(null=True))
    decided_at: datetime | None = Field(sa_column=moment(null=True))
    expires_at: datetime = Field(sa_column=moment())
    created_at: datetime = Field(sa_column=moment())
    score: int = Field(sa_column=number_column(0))
    """The lead's score, as long as the draft is pending: the order of the reviewers' list."""


class DraftCountRow(Table, table=True):
    """A part of the number of drafts in a state; the sum is the number. Written by the triggers of `draft`."""

    __tablename__ = "draft_count"

    tenant_id: str = Field(sa_column=text_column(key=True))
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    state: str = Field(sa_column=text_column())
    kind: str = Field(sa_column=text_column())
    channel: str = Field(sa_column=text_column())
    n: int = Field(sa_column=Column(BigInteger, nullable=False))


class CompositionRow(Table, table=True):
    """A composition request: queued, done, or dropped with the reason. `lease_until` is the lease of the worker."""

    __tablename__ = "composition"
    __table_args__ = (
        UniqueConstraint("tenant_id", "lead_id", "kind", "cause_id"),
        Index("composition_due", "due_at", postgresql_where=text("state = 'queued'")),
        *due_indexes("composition"),
        Index("composition_replaces", "tenant_id", "replaces", postgresql_where=text("replaces IS NOT NULL")),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    draft_id: UUID = Field(primary_key=True)
    """The id that the draft will have."""
    lead_id: UUID
    kind: str = Field(sa_column=text_column())
    channel: str | None = Field(sa_column=text_column(null=True))
    """Where the message is wanted; null: on whichever channel suits best."""
    cause: str = Field(sa_column=text_column())
    cause_id: str = Field(sa_column=text_column())
    cause_at: datetime = Field(sa_column=moment())
    asked_by: str = Field(sa_column=text_column())
    instruction: str | None = Field(sa_column=text_column(null=True))
    replaces: UUID | None
    from_step: str | None = Field(sa_column=text_column(null=True))
    """For a step of a sequence: how it is written and what its reviewer is shown, as JSON."""
    state: str = Field(sa_column=text_column(default="queued"))
    reason: str | None = Field(sa_column=text_column(null=True))
    attempts: int = Field(sa_column=number_column(0))
    due_at: datetime = Field(sa_column=moment())
    lease_until: datetime | None = Field(sa_column=moment(null=True))
    created_at: datetime = Field(sa_column=moment())


class ApprovalRow(Table, table=True):
    """A person's approval of exactly one text of a draft. Never changed; deleted only when the lead is erased."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("tenant_id", "draft_id", "sha256"), _of_content())

    tenant_id: str = Field(sa_column=text_column(key=True))
    draft_id: UUID = Field(primary_key=True)
    sha256: str = Field(sa_column=text_column())
    actor: str = Field(sa_column=text_column())
    at: datetime = Field(sa_column=moment())
    acknowledged: list[str] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    """The unsupported sentences that the person acknowledged."""


class StrategyRow(Table, table=True):
    """One version of a tenant's own strategy for a kind in a stage; one version is active."""

    __tablename__ = "strategy"
    __table_args__ = (
        Index("strategy_active", "tenant_id", "kind", "stage", unique=True, postgresql_where=text("active")),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    strategy_id: UUID = Field(primary_key=True)
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: str = Field(sa_column=text_column())
    stage: str = Field(sa_column=text_column())
    active: bool = Field(sa_column=boolean_column("true"))
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    author: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=moment())


class ModelUseRow(Table, table=True):
    """What a tenant has used of the language model on one UTC day."""

    __tablename__ = "llm_use"

    tenant_id: str = Field(sa_column=text_column(key=True))
    day: date = Field(primary_key=True)
    tokens: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    requests: int = Field(sa_column=number_column(0))
