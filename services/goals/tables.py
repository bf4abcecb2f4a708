"""The tables of the goals service: the latest facts of each lead, what they add up to, goals and their reports."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


def _moment(*, null: bool = True, key: bool = False) -> Any:
    return Column(DateTime(timezone=True), nullable=null, primary_key=key)


def _name(*, null: bool = True) -> Any:
    return Column(Text, nullable=null)


def _belongs(key: str, table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", key], [f"{table}.tenant_id", f"{table}.{key}"])


class Lead(Table, table=True):
    """One row a lead id. Facts as they came, and (`counts` and below) what follows from them and from its aliases."""

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
    source: str | None = Field(default=None, sa_column=_name())
    campaign: str | None = Field(default=None, sa_column=_name())
    captured_on: datetime | None = Field(default=None, sa_column=_moment())
    version: int = 0
    first_owner: str | None = Field(default=None, sa_column=_name())
    first_version: int | None = None
    revision: int = 0
    stage: str = Field(sa_column=_name(null=False))
    status: str = Field(sa_column=_name(null=False))
    owner: str | None = Field(default=None, sa_column=_name())
    contacted: bool = False
    first_qualified_on: datetime | None = Field(default=None, sa_column=_moment())
    won_on: datetime | None = Field(default=None, sa_column=_moment())
    meetings_told: int = 0
    created_told: datetime | None = Field(default=None, sa_column=_moment())
    created_revision: int = 0
    changed_on: datetime | None = Field(default=None, sa_column=_moment())
    entered_on: datetime | None = Field(default=None, sa_column=_moment())
    counts: bool = False
    """Known since when, and no alias of another: the row is counted."""
    counted_on: datetime | None = Field(default=None, sa_column=_moment())
    counted_owner: str | None = Field(default=None, sa_column=_name())
    held_on: list[datetime] = Field(sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False))
    due_on: datetime | None = Field(default=None, sa_column=_moment())
    erased: bool = False
    """The row of a person who was erased: its lead id is a random one, and it stands in no stage any more."""
    reached: int = Field(sa_column=Column(SmallInteger, nullable=False))
    """The furthest step of the way, 0 (captured) to 4 (won)."""


class Step(Table, table=True):
    """One `stage.changed` of a lead, and the move that it amounts to (`moved_from` empty: none)."""

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
    event_id: str = Field(sa_column=_name(null=False))
    from_said: str = Field(sa_column=_name(null=False))
    to: str = Field(sa_column=Column("to_stage", Text, nullable=False))
    occurred_at: datetime = Field(sa_column=_moment(null=False))
    created_on: datetime | None = Field(default=None, sa_column=_moment())
    corrects: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    moved_from: str | None = Field(default=None, sa_column=_name())
    seconds: float | None = None


class MeetingSignal(Table, table=True):
    """One `meeting.booked`, or (`ends_at` empty) one `meeting.cancelled`."""

    __tablename__ = "meeting_signal"
    __table_args__ = (Index("meeting_signal_lead", "tenant_id", "lead_id"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    digest: UUID = Field(primary_key=True)
    lead_id: UUID
    occurred_at: datetime = Field(sa_column=_moment(null=False))
    event_id: str = Field(sa_column=_name(null=False))
    source: str = Field(sa_column=_name(null=False))
    meeting_id: str = Field(sa_column=_name(null=False))
    ends_at: datetime | None = Field(default=None, sa_column=_moment())


class Series(Table, table=True):
    """What is counted by day: a metric, a time zone, a filter, perhaps a window. Goals that ask alike share one."""

    __tablename__ = "series"
    __table_args__ = (Index("series_asked", "tenant_id", "metric", "timezone", "asked", unique=True),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    series_id: UUID = Field(primary_key=True)
    metric: str = Field(sa_column=_name(null=False))
    timezone: str = Field(sa_column=_name(null=False))
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    counts_from: datetime | None = Field(default=None, sa_column=_moment())
    counts_until: datetime | None = Field(default=None, sa_column=_moment())
    asked: str = Field(sa_column=_name(null=False))
    """Filter and window in the one form in which equal ones are equal."""


class SeriesDay(Table, table=True):
    """A counter: the sum over the slots counts. Each process adds to a slot of its own, so replicas do not queue up."""

    __tablename__ = "series_day"
    __table_args__ = (_belongs("series_id", "series"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    series_id: UUID = Field(primary_key=True)
    day: date = Field(sa_column=Column(Date, primary_key=True))
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    value: int


class Touched(Table, table=True):
    """A series that changed: the goals that it serves have something to say."""

    __tablename__ = "touched"
    __table_args__ = (Index("touched_tenant", "tenant_id", "series_id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    tenant_id: str = Field(sa_column=_name(null=False))
    series_id: UUID


class Standing(Table, table=True):
    """How many leads stand in a stage; the sum over the slots counts."""

    __tablename__ = "standing"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    stage: str = Field(primary_key=True, sa_type=Text)
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    value: int


class Tally(Table, table=True):
    """How many moves there were between two stages in a day or a quarter of an hour, after a stay of which length."""

    __tablename__ = "tally"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    span: int = Field(primary_key=True)
    """The length of the bucket in seconds: 86,400 or 900."""
    at: datetime = Field(sa_column=_moment(null=False, key=True))
    from_stage: str = Field(primary_key=True, sa_type=Text)
    to_stage: str = Field(primary_key=True, sa_type=Text)
    stay: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    value: int


class Goal(Table, table=True):
    __tablename__ = "goal"
    __table_args__ = (_belongs("series_id", "series"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    goal_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=_name(null=False))
    metric: str = Field(sa_column=_name(null=False))
    target: int
    period: str = Field(sa_column=_name(null=False))
    starts_on: str | None = Field(default=None, sa_column=_name())
    """Of a custom period: what was asked as `from`."""
    ends_on: str | None = Field(default=None, sa_column=_name())
    timezone: str = Field(sa_column=_name(null=False))
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    working_days: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    active: bool = True
    series_id: UUID
    version: int
    created_on: datetime = Field(sa_column=_moment(null=False))
    created_by: str = Field(sa_column=_name(null=False))


class Period(Table, table=True):
    """One period of a goal: open (`closed_on` empty) or closed, and then it is a report that never changes."""

    __tablename__ = "period"
    __table_args__ = (
        _belongs("goal_id", "goal"),
        _belongs("series_id", "series"),
        Index("period_of_goal", "tenant_id", "goal_id", "period_start", "period_end", unique=True),
        Index("period_open", "period_end", postgresql_where=text("closed_on IS NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    period_id: UUID = Field(primary_key=True)
    goal_id: UUID
    series_id: UUID
    first_day: date = Field(sa_column=Column(Date, nullable=False))
    last_day: date = Field(sa_column=Column(Date, nullable=False))
    period_start: datetime = Field(sa_column=_moment(null=False))
    period_end: datetime = Field(sa_column=_moment(null=False))
    told_value: int | None = None
    """The value of the newest `goal.progressed`."""
    told_on: datetime | None = Field(default=None, sa_column=_moment())
    achieved_on: datetime | None = Field(default=None, sa_column=_moment())
    closed_on: datetime | None = Field(default=None, sa_column=_moment())
    target: int | None = None
    """The target as it was when the period was closed."""
    value: int | None = None


class ReportRow(Table, table=True):
    """One lead that a report counted (or one of its meetings), as it was then."""

    __tablename__ = "report_row"
    __table_args__ = (_belongs("period_id", "period"), Index("report_row_lead", "tenant_id", "lead_id"))

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    period_id: UUID = Field(primary_key=True)
    n: int = Field(primary_key=True)
    lead_id: UUID
    counted_on: datetime = Field(sa_column=_moment(null=False))
    created_on: datetime = Field(sa_column=_moment(null=False))
    source: str | None = Field(default=None, sa_column=_name())
    campaign: str | None = Field(default=None, sa_column=_name())
    owner: str | None = Field(default=None, sa_column=_name())
    stage: str = Field(sa_column=_name(null=False))
    status: str = Field(sa_column=_name(null=False))
