"""Sequences with their versions and templates, approvals of templates, enrolments with their steps, and jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Computed, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.outreach.tables import Table, boolean_column, number_column, text_column
from shared.db.columns import moment


def _integer(*, key: bool = False, null: bool = False) -> Any:
    return Column(Integer, primary_key=key, nullable=null, autoincrement=False)


def _references(columns: str, table: str, others: str = "") -> ForeignKeyConstraint:
    names = columns.split()
    return ForeignKeyConstraint(names, [f"{table}.{name}" for name in (others or columns).split()])


class SequenceRow(Table, table=True):
    """A sequence; `version` is the one that new enrolments follow. `highest_step`: the greatest number of a step."""

    __tablename__ = "sequence"
    __table_args__ = (
        Index(
            "sequence_built_in",
            "tenant_id",
            "built_in",
            unique=True,
            postgresql_where=text("built_in IS NOT NULL"),
        ),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    sequence_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=text_column())
    state: str = Field(sa_column=text_column(default="inactive"))
    version: int = Field(sa_column=number_column(1))
    highest_step: int = Field(sa_column=_integer())
    built_in: str | None = Field(sa_column=text_column(null=True))
    """The name of the built-in sequence that it was copied from."""
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment())


class SequenceVersionRow(Table, table=True):
    """One version of a sequence. Never changed: an enrolment follows the version that it began with."""

    __tablename__ = "sequence_version"
    __table_args__ = (_references("tenant_id sequence_id", "sequence"),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    sequence_id: UUID = Field(primary_key=True)
    version: int = Field(sa_column=_integer(key=True))
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    author: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=moment())


class SequenceTemplateRow(Table, table=True):
    """A template of a sequence: its RFC 8785 JSON (channel, subject, body, fields) and the hash that is approved."""

    __tablename__ = "sequence_template"
    __table_args__ = (_references("tenant_id sequence_id", "sequence"),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    sequence_id: UUID = Field(primary_key=True)
    canonical: str = Field(sa_column=text_column())
    sha256: str = Field(sa_column=Column(Text, Computed("canonical_sha256(canonical)"), primary_key=True))


class TemplateApprovalRow(Table, table=True):
    """A person's approval of a template: for a whole sequence, or with the first draft for one enrolment.

    `scope_id` is the id of the one or the other.
    """

    __tablename__ = "template_approval"
    __table_args__ = (
        _references("tenant_id sequence_id sha256", "sequence_template"),
        _references("tenant_id draft_id draft_sha256", "approval", "tenant_id draft_id sha256"),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    scope_id: UUID = Field(primary_key=True)
    sha256: str = Field(sa_column=text_column(key=True))
    sequence_id: UUID
    enrolment_id: UUID | None
    draft_id: UUID | None
    draft_sha256: str | None = Field(sa_column=text_column(null=True))
    actor: str = Field(sa_column=text_column())
    at: datetime = Field(sa_column=moment())


class EnrolmentRow(Table, table=True):
    """One lead in one sequence. `due_at`: when a worker looks at it next; `planned_at`: when its step is planned.

    `draft_id`: the draft of the step that is under way. `nurture_next`: the cause of entering nurture meanwhile.
    `ended_by`: everything that would end it by itself and may yet turn out to be a mistake (a reply by its label, a
    merge, a move of its lead); without any of them the enrolment comes back. None: its end is final. `restored`: how
    often it came back. The pause and the plan of an ended enrolment stay as they would be. `other_pauses`: those that
    end earlier than the present one, and hold where that one was a mistake.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "sequence_id", "lead_id", "cause_id"),
        _references("tenant_id sequence_id version", "sequence_version"),
        Index(
            "enrolment_one_active",
            "tenant_id",
            "lead_id",
            unique=True,
            postgresql_where=text("state IN ('active', 'paused')"),
        ),
        Index("enrolment_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("enrolment_due_in_turn", "tenant_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("enrolment_lead", "tenant_id", "lead_id", "created_at"),
        Index("enrolment_draft", "tenant_id", "draft_id", postgresql_where=text("draft_id IS NOT NULL")),
        Index("enrolment_sequence", "tenant_id", "sequence_id", "enrolment_id"),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    enrolment_id: UUID = Field(primary_key=True)
    lead_id: UUID
    sequence_id: UUID
    version: int = Field(sa_column=_integer())
    state: str = Field(sa_column=text_column(default="active"))
    step: int | None
    attempt: int = Field(sa_column=number_column(0))
    anchor_at: datetime = Field(sa_column=moment())
    not_before: datetime | None = Field(sa_column=moment(null=True))
    planned_at: datetime | None = Field(sa_column=moment(null=True))
    why: str | None = Field(sa_column=text_column(null=True))
    due_at: datetime | None = Field(sa_column=moment(null=True))
    draft_id: UUID | None
    paused_until: datetime | None = Field(sa_column=moment(null=True))
    paused_by: str | None = Field(sa_column=text_column(null=True))
    paused_by_reply: UUID | None
    other_pauses: list[dict[str, Any]] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb"))
    )
    reason: str | None = Field(sa_column=text_column(null=True))
    detail: str | None = Field(sa_column=text_column(null=True))
    cause: str = Field(sa_column=text_column())
    cause_id: str = Field(sa_column=text_column())
    nurture: bool = Field(sa_column=boolean_column())
    nurture_next: str | None = Field(sa_column=text_column(null=True))
    enrolled_by: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(sa_column=moment(null=True))
    ended_by: list[str] | None = Field(sa_column=Column(ARRAY(Text), nullable=True))
    restored: int = Field(sa_column=number_column(0))


class EnrolmentStepRow(Table, table=True):
    """One attempt at a step of an enrolment: what became of it. The figures of a sequence are counted from these."""

    __tablename__ = "enrolment_step"
    __table_args__ = (
        _references("tenant_id enrolment_id", "enrolment"),
        Index(
            "enrolment_step_draft",
            "tenant_id",
            "draft_id",
            unique=True,
            postgresql_where=text("draft_id IS NOT NULL"),
        ),
        Index("enrolment_step_sequence", "tenant_id", "sequence_id", "step"),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    enrolment_id: UUID = Field(primary_key=True)
    step: int = Field(sa_column=_integer(key=True))
    attempt: int = Field(sa_column=_integer(key=True))
    sequence_id: UUID
    lead_id: UUID
    draft_id: UUID | None
    channel: str | None = Field(sa_column=text_column(null=True))
    review: str = Field(sa_column=text_column())
    template_scope: UUID | None
    template_sha256: str | None = Field(sa_column=text_column(null=True))
    send_window: dict[str, Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    uses_up: bool = Field(sa_column=boolean_column("true"))
    state: str = Field(sa_column=text_column())
    reason: str | None = Field(sa_column=text_column(null=True))
    planned_at: datetime | None = Field(sa_column=moment(null=True))
    begun_at: datetime = Field(sa_column=moment())
    drafted_at: datetime | None = Field(sa_column=moment(null=True))
    decided_at: datetime | None = Field(sa_column=moment(null=True))
    decision: str | None = Field(sa_column=text_column(null=True))
    edited: bool = Field(sa_column=boolean_column())
    ended_at: datetime | None = Field(sa_column=moment(null=True))


class SentStepRow(Table, table=True):
    """A step that was sent to a lead before the database was restored from a backup that does not know of it."""

    __tablename__ = "sent_step"

    tenant_id: str = Field(sa_column=text_column(key=True))
    lead_id: UUID = Field(primary_key=True)
    sequence_id: UUID = Field(primary_key=True)
    step: int = Field(sa_column=_integer(key=True))
    channel: str = Field(sa_column=text_column(key=True))
    sent_at: datetime = Field(sa_column=moment())


class EnrolmentChangeRow(Table, table=True):
    """What happened to an enrolment besides its steps: enrolled, paused, resumed, moved, exited; by whom and why."""

    __tablename__ = "enrolment_change"
    __table_args__ = (_references("tenant_id enrolment_id", "enrolment"),)

    tenant_id: str = Field(sa_column=text_column(key=True))
    enrolment_id: UUID = Field(primary_key=True)
    change_id: UUID = Field(primary_key=True)
    lead_id: UUID
    change: str = Field(sa_column=text_column())
    actor: str = Field(sa_column=text_column())
    note: str | None = Field(sa_column=text_column(null=True))
    detail: str | None = Field(sa_column=text_column(null=True))
    caused_by: str | None = Field(sa_column=text_column(null=True))
    """The id of the event that caused it."""
    at: datetime = Field(sa_column=moment())


class EnrolmentJobRow(Table, table=True):
    """Many leads to be enrolled, or many enrolments to be moved to the version `version`, item by item."""

    __tablename__ = "enrolment_job"
    __table_args__ = (
        _references("tenant_id sequence_id", "sequence"),
        Index("enrolment_job_running", "created_at", postgresql_where=text("state = 'running'")),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    job_id: UUID = Field(primary_key=True)
    sequence_id: UUID
    kind: str = Field(sa_column=text_column())
    state: str = Field(sa_column=text_column(default="running"))
    actor: str = Field(sa_column=text_column())
    note: str | None = Field(sa_column=text_column(null=True))
    version: int | None
    total: int = Field(sa_column=_integer())
    done: int = Field(sa_column=number_column(0))
    created_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(sa_column=moment(null=True))


class EnrolmentJobItemRow(Table, table=True):
    """One lead (kind enrol) or enrolment (kind move) of a job, and its result once it was done."""

    __tablename__ = "enrolment_job_item"
    __table_args__ = (
        _references("tenant_id job_id", "enrolment_job"),
        Index(
            "enrolment_job_item_open",
            "tenant_id",
            "job_id",
            "position",
            postgresql_where=text("status IS NULL"),
        ),
    )

    tenant_id: str = Field(sa_column=text_column(key=True))
    job_id: UUID = Field(primary_key=True)
    position: int = Field(sa_column=_integer(key=True))
    subject_id: UUID
    status: int | None
    enrolment_id: UUID | None
    error: str | None = Field(sa_column=text_column(null=True))
