"""Replies: one row for each inbound message, with its raw form and the history of its labels."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import REAL, BigInteger, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.outreach.tables import Table, boolean_column, number_column, text_column
from shared.db.columns import json_object, moment


class ReplyRow(Table, table=True):
    """An inbound mail or SMS, or (`outcome` bounce) a delivery report. Deleted when its lead is erased."""

    __tablename__ = "reply"
    __table_args__ = (
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

    tenant_id: str = Field(sa_column=text_column(key=True))
    reply_id: UUID = Field(primary_key=True)
    key: bytes
    """A hash of a mail's content, or of an SMS's id: the same message received twice is one reply."""
    lead_id: UUID | None
    dispatch_id: UUID | None
    channel: str = Field(sa_column=text_column())
    outcome: str = Field(sa_column=text_column())
    sender: str | None = Field(sa_column=text_column(null=True))
    message_id: str | None = Field(sa_column=text_column(null=True))
    subject: str | None = Field(sa_column=text_column(null=True))
    newest: str = Field(sa_column=text_column(default=""))
    """The new text of the message: without quotes and signature."""
    raw: bytes | None
    received_at: datetime = Field(sa_column=moment())
    label: str = Field(sa_column=text_column())
    confidence: float = Field(sa_column=Column(REAL, nullable=False))
    method: str = Field(sa_column=text_column())
    because: str | None = Field(sa_column=text_column(null=True))
    needs_human: bool = Field(sa_column=boolean_column())
    wrong_address: bool = Field(sa_column=boolean_column())
    stop_word: bool = Field(sa_column=boolean_column())
    closed_hash: bytes | None
    """The address that this reply made invalid; a corrected label makes it valid."""
    labelled_at: datetime = Field(sa_column=moment())
    event_id: str | None = Field(sa_column=text_column(null=True))
    history: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    asked: int = Field(sa_column=number_column(0))
    """How often a language model was asked for the label."""
    ask_after: datetime | None = Field(sa_column=moment(null=True))
    """Until then a process asks about it now, or waits after a failure."""


class InboundMailRow(Table, table=True):
    """A raw mail that was received and not read yet; it becomes a reply, and this row is deleted."""

    __tablename__ = "inbound_mail"
    __table_args__ = (
        Index("inbound_mail_due", "due_at"),
        Index("inbound_mail_due_in_turn", "tenant_id", "due_at"),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    mail_id: UUID = Field(primary_key=True)
    raw: bytes
    received_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment())
    """When a worker reads it, unless the request that brought it has done so before."""
    attempts: int = Field(sa_column=number_column(0))
    problem: str | None = Field(sa_column=text_column(null=True))
    """Why the last attempt failed."""


class ReplyModelRow(Table, table=True):
    """The reply model that a tenant has trained with the labels of its people; without a row the shipped one counts."""

    __tablename__ = "reply_model"

    tenant_id: str = Field(sa_column=text_column(key=True))
    digest: bytes
    """The SHA-256 of the model, by which the process that reads mails knows it."""
    model: bytes
    replies: int = Field(sa_column=number_column(0))
    """How many labels it was trained with."""
    figures: dict[str, Any] = Field(sa_column=json_object())
    """How well it labels replies that it does not know, by cross-validation."""
    trained_at: datetime = Field(sa_column=moment())


class ImapPositionRow(Table, table=True):
    """How far an account's folder has been read, and which process reads it until `lease_until`."""

    __tablename__ = "imap_position"

    tenant_id: str = Field(sa_column=text_column(key=True))
    account: str = Field(sa_column=text_column(key=True))
    mailbox: str = Field(sa_column=text_column(default=""))
    """User, host and folder: an account that was pointed elsewhere starts from the beginning."""
    uidvalidity: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    uid: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """The last UID that is stored, skipped, or in `failing`."""
    failing: dict[str, Any] = Field(sa_column=json_object())
    """UIDs that could not be fetched: how often it was tried, and when to try again."""
    unmarked: list[int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    """UIDs that are stored, and not yet marked as the account's `after` says."""
    holder: UUID | None
    lease_until: datetime | None = Field(sa_column=moment(null=True))
