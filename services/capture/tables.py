"""The tables of the capture service: leads and their external ids, merges, pairs for review, imports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Identity, Index, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import json_object, moment

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


class LeadRow(Table, table=True):
    """A lead's present contact details, with the provenance of each.

    An alias keeps its row; `merged_into` is its kept lead.
    """

    __tablename__ = "lead"
    __table_args__ = (
        Index(
            "lead_email",
            "tenant_id",
            "email",
            unique=True,
            postgresql_where=text("email IS NOT NULL AND merged_into IS NULL"),
        ),
        Index(
            "lead_email_merged",
            "tenant_id",
            "email",
            postgresql_where=text("email IS NOT NULL AND merged_into IS NOT NULL"),
        ),
        Index("lead_phone", "tenant_id", "phone", unique=True, postgresql_where=text("phone_first")),
        Index(
            "lead_phone_more",
            "tenant_id",
            "phone",
            "lead_id",
            postgresql_where=text("phone IS NOT NULL AND NOT phone_first"),
        ),
        Index("lead_likeness", "tenant_id", "likeness", "lead_id", postgresql_where=text("likeness IS NOT NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    version: int
    source: str = Field(sa_type=Text)
    external_id: str | None = Field(default=None, sa_type=Text)
    owner: str | None = Field(default=None, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    phone_first: bool
    """Whether it is the first lead with its phone. Only one is, so two batches cannot both capture a new number."""
    likeness: int | None = Field(default=None, sa_column=Column(BigInteger))
    """Of the release before: not written any more, and dropped by a later one (`blocking_key` took its place)."""
    details: dict[str, Any] = Field(sa_column=json_object())
    attributes: dict[str, Any] = Field(sa_column=json_object())
    consent: dict[str, Any] = Field(sa_column=json_object())
    marks: dict[str, Any] = Field(sa_column=json_object())
    """Field -> [time, human]: the provenance of its value. A value without a mark was submitted at `as_of`."""
    as_of: datetime = Field(sa_column=moment())
    created_on: datetime = Field(sa_column=moment())
    updated_on: datetime = Field(sa_column=moment())
    """The time of the lead's last event."""
    merged_into: UUID | None = None
    merge_version: int
    """Counts the merges and undos of this lead as an alias."""


class LeadIdentityRow(Table, table=True):
    """The external ids of leads: each names one lead for ever."""

    __tablename__ = "lead_identity"
    __table_args__ = (Index("lead_identity_lead", "tenant_id", "lead_id"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    source: str = Field(primary_key=True, sa_type=Text)
    external_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID


class MergeRow(Table, table=True):
    """One merge; `record` has what the kept lead took over, so that an undo can restore it."""

    __tablename__ = "merge"
    __table_args__ = (Index("merge_lead", "tenant_id", "lead_id"), Index("merge_alias", "tenant_id", "alias_id"))

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    merge_id: UUID = Field(primary_key=True)
    lead_id: UUID
    alias_id: UUID
    version: int
    record: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    merged_on: datetime = Field(sa_column=moment())
    merged_by: str = Field(sa_type=Text)
    undone_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    undone_by: str | None = Field(default=None, sa_type=Text)


class DuplicateRow(Table, table=True):
    """A pair for review: two leads that may be one person. `state`: open, merged or distinct."""

    __tablename__ = "duplicate"
    __table_args__ = (
        Index("duplicate_pair", "tenant_id", "lead_a", "lead_b", unique=True),
        Index("duplicate_other", "tenant_id", "lead_b"),
        Index("duplicate_open", "tenant_id", "pair_id", postgresql_where=text("state = 'open'")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    pair_id: UUID = Field(primary_key=True)
    lead_a: UUID
    lead_b: UUID
    score: float
    reasons: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    state: str = Field(sa_type=Text)
    merge_id: UUID | None = None
    found_on: datetime = Field(sa_column=moment())
    decided_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    decided_by: str | None = Field(default=None, sa_type=Text)


class BlockingKeyRow(Table, table=True):
    """A key by which a lead is found that may be the same person (`rules.blocking`); an alias's is its kept lead's."""

    __tablename__ = "blocking_key"
    __table_args__ = (Index("blocking_key_lead", "tenant_id", "lead_id"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    key: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    lead_id: UUID = Field(primary_key=True)


class DuplicateSearchRow(Table, table=True):
    """A lead that was captured, changed, merged or erased: its duplicates are to be searched for."""

    __tablename__ = "duplicate_search"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True, nullable=False)
    )
    lead_id: UUID


class FailedSearchRow(Table, table=True):
    """A lead whose duplicates could not be searched for. `due_at`: when it is tried again; None: set aside."""

    __tablename__ = "failed_search"
    __table_args__ = (Index("failed_search_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    attempts: int
    reason: str = Field(sa_type=Text)
    failed_on: datetime = Field(sa_column=moment())
    due_at: datetime | None = Field(default=None, sa_column=moment(null=True))


class ImportJobRow(Table, table=True):
    """One uploaded file and its progress. `state`: uploading, running, done or failed."""

    __tablename__ = "import_job"
    __table_args__ = (
        Index("import_job_due", "touched_on", postgresql_where=text("state IN ('running', 'uploading')")),
        Index(
            "import_job_key",
            "tenant_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    import_id: UUID = Field(primary_key=True)
    state: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    file_name: str = Field(sa_type=Text)
    mapping: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    layout: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    size: int = Field(sa_type=BigInteger)
    position: int = Field(sa_type=BigInteger)
    """The byte at which the next record begins."""
    line: int = Field(sa_type=BigInteger)
    rows_read: int = Field(sa_type=BigInteger)
    rows_taken: int = Field(sa_type=BigInteger)
    rows_rejected: int = Field(sa_type=BigInteger)
    rows_total: int | None = Field(default=None, sa_column=Column(BigInteger))
    reason: str | None = Field(default=None, sa_type=Text)
    """Why the import failed."""
    idempotency_key: str | None = Field(default=None, sa_type=Text)
    request_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_on: datetime = Field(sa_column=moment())
    created_by: str = Field(sa_type=Text)
    touched_on: datetime = Field(sa_column=moment())
    finished_on: datetime | None = Field(default=None, sa_column=moment(null=True))


class ImportChunkRow(Table, table=True):
    """A chunk of an uploaded file, deleted when the import is done."""

    __tablename__ = "import_chunk"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "import_id"], ["import_job.tenant_id", "import_job.import_id"]),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    import_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ImportErrorRow(Table, table=True):
    """What is wrong with a row. With a `lead_id` it is a warning: the row was taken, without this value."""

    __tablename__ = "import_error"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "import_id"], ["import_job.tenant_id", "import_job.import_id"]),
        Index("import_error_lead", "tenant_id", "lead_id", postgresql_where=text("lead_id IS NOT NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    import_id: UUID = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    line: int = Field(sa_type=BigInteger)
    column_name: str | None = Field(default=None, sa_type=Text)
    value: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    lead_id: UUID | None = None
    record: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """The row as it was written, with its first error."""


class FormRow(Table, table=True):
    """A web form. The token is in its address; `settings` has its fields and guards (`schemas.forms.FormIn`)."""

    __tablename__ = "form"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    token: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    active: bool
    settings: dict[str, Any] = Field(sa_column=json_object())
    honeypot: str = Field(sa_type=Text)
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Signs what a form that is shown carries; nobody else needs it."""
    consent_text_id: UUID | None = None
    """The text that asks for consent now."""
    created_on: datetime = Field(sa_column=moment())
    created_by: str = Field(sa_type=Text)
    changed_on: datetime = Field(sa_column=moment())


class ConsentTextRow(Table, table=True):
    """A text by which a form asks for consent, or asked once: a changed text is a new version."""

    __tablename__ = "consent_text"
    __table_args__ = (Index("consent_text_version", "tenant_id", "form_token", "version", unique=True),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    text_id: UUID = Field(primary_key=True)
    form_token: str = Field(sa_type=Text)
    version: int
    content: str = Field(sa_type=Text)
    created_on: datetime = Field(sa_column=moment())


class FormUseRow(Table, table=True):
    """How often one visitor, known by a keyed hash, has used a form; it counts anew after `until`."""

    __tablename__ = "form_use"
    __table_args__ = (Index("form_use_until", "until"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    token: str = Field(primary_key=True, sa_type=Text)
    visitor: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    until: datetime = Field(sa_column=moment())
    uses: int


class ConsentChangeRow(Table, table=True):
    """One change of a lead's consent on one channel. `text_id`: the text that the person agreed to."""

    __tablename__ = "consent_change"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    channel: str = Field(sa_type=Text)
    choice: str = Field(sa_type=Text)
    before: str = Field(sa_type=Text)
    at: datetime = Field(sa_column=moment())
    source: str | None = Field(default=None, sa_type=Text)
    basis: str | None = Field(default=None, sa_type=Text)
    text_id: UUID | None = None
    cause: str = Field(sa_type=Text)
    """submission, edit, merge or undo."""
    recorded_on: datetime = Field(sa_column=moment())


class WebhookRow(Table, table=True):
    """An address that another system sends leads to. `settings`: mapping, signature (`schemas.webhooks.WebhookIn`)."""

    __tablename__ = "webhook"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    token: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    active: bool
    settings: dict[str, Any] = Field(sa_column=json_object())
    secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """What the sender signs with; it is shown once, when it is made."""
    created_on: datetime = Field(sa_column=moment())
    created_by: str = Field(sa_type=Text)
    changed_on: datetime = Field(sa_column=moment())


class WebhookDeliveryRow(Table, table=True):
    """What arrived and made no lead: kept until it is replayed. `state`: kept or replayed; then the body is gone.

    `whole`: whether the body is that of the request, or one item of it.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("webhook_delivery_kept", "tenant_id", "token", "delivery_id", postgresql_where=text("state = 'kept'")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    token: str = Field(primary_key=True, sa_type=Text)
    delivery_id: UUID = Field(primary_key=True)
    state: str = Field(sa_type=Text)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    content_type: str = Field(sa_type=Text)
    whole: bool
    errors: list[Any] = Field(sa_column=Column(JSONB, nullable=False))
    lead_id: UUID | None = None
    received_on: datetime = Field(sa_column=moment())
    replayed_on: datetime | None = Field(default=None, sa_column=moment(null=True))
