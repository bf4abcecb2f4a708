"""HTTP bodies of the goals service."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.goals.rules.days import Weekday
from services.goals.rules.metrics import Metric
from services.goals.rules.periods import PeriodKind

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


class _Ends(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    from_: Day | None = Field(None, alias="from")
    """Of a custom period: a date or a date-time."""
    to: Day | None = None
    """Of a custom period: a date (that day included) or a date-time (excluded)."""


class NewGoal(_Ends):
    """A new goal: "50 qualified leads a month"."""

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
