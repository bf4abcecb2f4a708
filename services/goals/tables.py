"""The tables of the goals service: the record of each lead, the counters, goals, their periods and reports.

An attribute has another name than its column where the column keeps an older one.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import moment

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


def _text(*, null: bool = False) -> Any:
    return Column(Text, nullable=null)


def _references(key: str, table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", key], [f"{table}.tenant_id", f"{table}.{key}"])


class LeadRow(Table, table=True):
    """One lead id: its latest facts as they were received, and what is counted of it (`rules.leads.LeadRecord`)."""

    __tablename__ = "lead"
    __table_args__ = (
        Index("lead_qualified", "tenant_id", "counted_on", postgresql_where=text("counts AND status = 'qualified'")),
        Index(
            "lead_first_qualified",
            "tenant_id",
            "first_qualified_on",
            postgresql_where=text("counts AND first_qualified_on IS NOT NULL"),
        ),
        Index("lead_won", "tenant_id", "won_on", postgresql_where=text("counts AND won_on IS NOT NULL")),
        Index("lead_due", "due_on", postgresql_where=text("due_on IS NOT NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    """A random id once the person was erased."""
    source: str | None = Field(default=None, sa_column=_text(null=True))
    campaign: str | None = Field(default=None, sa_column=_text(null=True))
    captured_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    version: int = 0
    first_owner: str | None = Field(default=None, sa_column=_text(null=True))
    first_version: int | None = None
    revision: int = 0
    stage: str = Field(sa_column=_text())
    status: str = Field(sa_column=_text())
    owner: str | None = Field(default=None, sa_column=_text(null=True))
    contacted: bool = False
    first_qualified_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    won_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    journey_meetings: int = Field(default=0, sa_column=Column("meetings_told", Integer, nullable=False))
    journey_created_on: datetime | None = Field(default=None, sa_column=Column("created_told", DateTime(timezone=True)))
    journey_created_revision: int = Field(default=0, sa_column=Column("created_revision", Integer, nullable=False))
    changed_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    entered_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    is_counted: bool = Field(default=False, sa_column=Column("counts", Boolean, nullable=False))
    counted_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    counted_owner: str | None = Field(default=None, sa_column=_text(null=True))
    held_on: list[datetime] = Field(sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False))
    due_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    erased: bool = False
    furthest_step: int = Field(sa_column=Column("reached", SmallInteger, nullable=False))
    """An index in `rules.funnel.STEPS`."""


class TransitionRow(Table, table=True):
    """One `stage.changed` of a lead, and the move that it is (`rules.moves.Transition`)."""

    __tablename__ = "step"
    __table_args__ = (
        Index(
            "step_left",
            "tenant_id",
            "moved_from",
            "occurred_at",
            postgresql_where=text("seconds IS NOT NULL"),
        ),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    event_id: str = Field(sa_column=_text())
    from_stage: str = Field(sa_column=Column("from_said", Text, nullable=False))
    to_stage: str = Field(sa_column=_text())
    occurred_at: datetime = Field(sa_column=moment())
    created_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    corrects: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    moved_from: str | None = Field(default=None, sa_column=_text(null=True))
    seconds: float | None = None


class MeetingSignalRow(Table, table=True):
    """One `meeting.booked`, or (`ends_at` empty) one `meeting.cancelled`."""

    __tablename__ = "meeting_signal"
    __table_args__ = (Index("meeting_signal_lead", "tenant_id", "lead_id"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    digest: UUID = Field(primary_key=True)
    lead_id: UUID
    occurred_at: datetime = Field(sa_column=moment())
    event_id: str = Field(sa_column=_text())
    source: str = Field(sa_column=_text())
    meeting_id: str = Field(sa_column=_text())
    ends_at: datetime | None = Field(default=None, sa_column=moment(null=True))


class SeriesRow(Table, table=True):
    """A time series: what is counted by day (`rules.time_series.TimeSeries`)."""

    __tablename__ = "series"
    __table_args__ = (Index("series_asked", "tenant_id", "metric", "timezone", "asked", unique=True),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    series_id: UUID = Field(primary_key=True)
    metric: str = Field(sa_column=_text())
    timezone: str = Field(sa_column=_text())
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    counts_from: datetime | None = Field(default=None, sa_column=moment(null=True))
    counts_until: datetime | None = Field(default=None, sa_column=moment(null=True))
    definition: str = Field(sa_column=Column("asked", Text, nullable=False))
    """The SHA-256 of filter, start and end in one form, so that a definition is stored once, however long it is."""


class SeriesDayRow(Table, table=True):
    """The counter of a day; its value is the sum over the slots. Each process adds to one slot, so that replicas do
    not wait for each other."""

    __tablename__ = "series_day"
    __table_args__ = (_references("series_id", "series"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    series_id: UUID = Field(primary_key=True)
    day: date = Field(sa_column=Column(Date, primary_key=True))
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    value: int


class ChangedSeriesRow(Table, table=True):
    """The queue of changed series: the worker `progress` publishes the goals that they serve."""

    __tablename__ = "touched"
    __table_args__ = (Index("touched_tenant", "tenant_id", "series_id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    tenant_id: str = Field(sa_column=_text())
    series_id: UUID


class StageCountRow(Table, table=True):
    """How many leads are in a stage now: the sum over the slots."""

    __tablename__ = "standing"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    stage: str = Field(primary_key=True, sa_type=Text)
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    value: int


class MoveCountRow(Table, table=True):
    """How many moves between two stages were made in a day or a quarter of an hour: the sum over the slots."""

    __tablename__ = "tally"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    span: int = Field(primary_key=True)
    """The length of the bucket in seconds: 86,400 or 900."""
    at: datetime = Field(sa_column=moment(key=True))
    """The start of the bucket."""
    from_stage: str = Field(primary_key=True, sa_type=Text)
    to_stage: str = Field(primary_key=True, sa_type=Text)
    stay: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    """The time in `from_stage`, as a place on the scale of `rules.durations`."""
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    value: int


class GoalRow(Table, table=True):
    """A goal as it is defined now."""

    __tablename__ = "goal"
    __table_args__ = (_references("series_id", "series"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    goal_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=_text())
    metric: str = Field(sa_column=_text())
    target: int
    period: str = Field(sa_column=_text())
    starts_on: str | None = Field(default=None, sa_column=_text(null=True))
    """The `from` of a custom period."""
    ends_on: str | None = Field(default=None, sa_column=_text(null=True))
    """The `to` of a custom period."""
    timezone: str = Field(sa_column=_text())
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    working_days: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    active: bool = True
    series_id: UUID
    version: int
    created_on: datetime = Field(sa_column=moment())
    created_by: str = Field(sa_column=_text())


class PeriodRow(Table, table=True):
    """One period of a goal: open (`closed_on` empty), or closed, and then it is a report that never changes."""

    __tablename__ = "period"
    __table_args__ = (
        _references("goal_id", "goal"),
        _references("series_id", "series"),
        Index("period_of_goal", "tenant_id", "goal_id", "period_start", "period_end", unique=True),
        Index("period_open", "period_end", postgresql_where=text("closed_on IS NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    period_id: UUID = Field(primary_key=True)
    goal_id: UUID
    series_id: UUID
    first_day: date = Field(sa_column=Column(Date, nullable=False))
    last_day: date = Field(sa_column=Column(Date, nullable=False))
    period_start: datetime = Field(sa_column=moment())
    period_end: datetime = Field(sa_column=moment())
    published_value: int | None = Field(default=None, sa_column=Column("told_value", Integer))
    """The value of the newest `goal.progressed`."""
    published_on: datetime | None = Field(default=None, sa_column=Column("told_on", DateTime(timezone=True)))
    """When `goal.progressed` was last published for the goal, in this period or an earlier one."""
    achieved_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    closed_on: datetime | None = Field(default=None, sa_column=moment(null=True))
    target: int | None = None
    """The target when the period was closed."""
    value: int | None = None


class ReportRow(Table, table=True):
    """One lead that a report counted (or one of its meetings), as it was then."""

    __tablename__ = "report_row"
    __table_args__ = (_references("period_id", "period"), Index("report_row_lead", "tenant_id", "lead_id"))

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    period_id: UUID = Field(primary_key=True)
    n: int = Field(primary_key=True)
    lead_id: UUID
    counted_on: datetime = Field(sa_column=moment())
    created_on: datetime = Field(sa_column=moment())
    source: str | None = Field(default=None, sa_column=_text(null=True))
    campaign: str | None = Field(default=None, sa_column=_text(null=True))
    owner: str | None = Field(default=None, sa_column=_text(null=True))
    stage: str = Field(sa_column=_text())
    status: str = Field(sa_column=_text())
