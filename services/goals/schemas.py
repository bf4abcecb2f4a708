"""HTTP bodies of the goals service."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from services.goals.rules.days import Weekday
from services.goals.rules.forecast import Forecast
from services.goals.rules.funnel import FunnelStep
from services.goals.rules.metrics import Metric
from services.goals.rules.pace import Pace
from services.goals.rules.periods import PeriodKind
from shared.text import clean

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Value = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Values = Value | Annotated[list[Value], Field(min_length=1, max_length=100)]
Target = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Day = Annotated[str, StringConstraints(max_length=40)]
Days = Annotated[list[Weekday], Field(min_length=1, max_length=7)]
ZoneName = Annotated[str, StringConstraints(max_length=100)]


class LeadFilter(BaseModel):
    """Which leads count: those that have one of the values in every field that is given."""

    model_config = ConfigDict(extra="forbid")

    source: Values | None = None
    campaign: Values | None = None
    owner: Values | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _as_leads_are_written(cls, values: Any) -> Any:
        if isinstance(values, list):
            return [clean(value) if isinstance(value, str) else value for value in values]
        return clean(values) if isinstance(values, str) else values


class _Ends(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    from_: Day | None = Field(None, alias="from")
    """Of a custom period: a date or a date-time."""
    to: Day | None = None
    """Of a custom period: a date (that day included) or a date-time (excluded)."""


class NewGoal(_Ends):
    """A new goal: "50 qualified leads a month"."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "50 qualified leads a month",
                    "metric": "qualified_created",
                    "target": 50,
                    "period": "month",
                    "timezone": "Europe/Berlin",
                    "filter": {"source": ["website", "fair"]},
                }
            ]
        }
    )

    name: Name
    metric: Metric = "qualified_created"
    target: Target
    period: PeriodKind = "month"
    timezone: ZoneName = "UTC"
    """An IANA name; an unknown one is UTC."""
    filter: LeadFilter | None = None
    working_days: Days | None = None
    """The days that pace and forecast count; all days by default."""


class GoalChange(_Ends):
    """The fields to change; a field that is not given stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": 60}]})

    name: Name | None = None
    metric: Metric | None = None
    target: Target | None = None
    period: PeriodKind | None = None
    timezone: ZoneName | None = None
    filter: LeadFilter | None = None
    working_days: Days | None = None
    active: bool | None = None
    """An inactive goal is still counted, but publishes nothing, and its periods stay open."""

    @model_validator(mode="before")
    @classmethod
    def _not_null(cls, body: Any) -> Any:
        if isinstance(body, dict):
            for field in ("name", "metric", "target", "period", "active"):
                if field in body and body[field] is None:
                    raise ValueError(f"{field} may not be null")
        return body


class MissingView(BaseModel):
    """What is missing to the target, and how many leads each step of the funnel needs for it."""

    missing: int
    captured_leads: int | None
    """How many more leads have to be captured; null where the rates are unknown or zero."""
    steps: tuple[FunnelStep, ...]
    rates_of_leads_created_since: date


class GoalView(_Ends):
    """A goal with its progress in the present period."""

    goal_id: UUID
    id: UUID
    """The same as `goal_id`."""
    name: str
    metric: Metric
    target: int
    period: PeriodKind
    timezone: str
    filter: LeadFilter
    working_days: list[Weekday] | None
    active: bool
    version: int
    created_on: datetime
    current_value: int
    period_start: datetime
    period_end: datetime
    achieved_on: datetime | None
    pace: Pace
    forecast: Forecast


class WholeGoalView(GoalView):
    """One goal, also with what is missing to its target."""

    missing: MissingView


class RecountView(BaseModel):
    """A goal counted from the records of leads, beside its live value."""

    goal_id: UUID
    live_value: int
    current_value: int
    equal: bool
    period_start: datetime
    period_end: datetime
    recounted_on: datetime


class ReportView(BaseModel):
    """A closed period. It never changes; `restated` is the value that the period has today, where that differs."""

    report_id: UUID
    period_start: datetime
    period_end: datetime
    value: int
    restated: int | None
    target: int
    achieved_on: datetime | None
    closed_on: datetime
    rows: str
    """The path of the rows that were counted, as CSV."""


class StageMoves(BaseModel):
    """How many moves there were from one stage to another."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str
    count: int


class PipelineView(BaseModel):
    """Leads in each stage now, and the moves and median times in stage (days) of a range of time."""

    model_config = ConfigDict(populate_by_name=True)

    from_: datetime = Field(alias="from")
    to: datetime
    as_of: datetime
    stages: dict[str, int]
    moves: list[StageMoves]
    median_days: dict[str, float | None]
    estimated: list[str]
    """The stages whose median is estimated from counters, because many leads left them."""
