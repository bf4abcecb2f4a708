"""HTTP bodies of the scoring API."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, PlainSerializer, model_validator

from services.scoring.rules import Contribution, Score
from services.scoring.rules.model import SUBJECTS

ScoreName = Literal["fit", "intent", "engagement"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[Decimal, PlainSerializer(float, return_type=float)]
Threshold = Annotated[int, Field(ge=0, le=1_000)]
Simple = str | bool | int | float


class When(BaseModel):
    """The condition: exactly one of what it looks at, with a name; then a comparison."""

    fact: Name | None = None
    field: Name | None = None
    engagement: Name | None = None
    reply: Name | None = None
    meeting: Name | None = None
    message: Name | None = None
    op: Literal["eq", "ne", "in", "gte", "lte", "contains", "exists"] = "exists"
    value: Simple | Annotated[list[Simple], Field(max_length=1_000)] | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if sum(getattr(self, subject) is not None for subject in SUBJECTS) != 1:
            raise ValueError(f"name exactly one of {', '.join(SUBJECTS)}")
        return self


class Rule(BaseModel):
    """Points given once for a fact or field, or for each event, that the condition finds."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    score: ScoreName
    when: When
    points: Annotated[float, Field(ge=-1_000, le=1_000, allow_inf_nan=False)]
    half_life_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None


class Caps(BaseModel):
    fit: Annotated[int, Field(ge=0, le=300)] = 40
    intent: Annotated[int, Field(ge=0, le=300)] = 30
    engagement: Annotated[int, Field(ge=0, le=300)] = 30


class Bands(BaseModel):
    """From how many points of the total on; below C is D."""

    A: Threshold = 75
    B: Threshold = 50
    C: Threshold = 25


class ModelBody(BaseModel):
    rules: Annotated[list[Rule], Field(max_length=500)]
    caps: Caps = Caps()
    bands: Bands = Bands()

    def definition(self) -> dict[str, Any]:
        return self.model_dump(include={"rules", "caps", "bands"}, exclude_none=True)


class ModelOut(ModelBody):
    version: int
    active: bool
    created_at: datetime | None
    created_by: str


class TestBody(BaseModel):
    lead_id: UUID


class ScoreOut(BaseModel):
    lead_id: UUID
    fit: int
    intent: int
    engagement: int
    total: int
    band: Literal["A", "B", "C", "D"]
    model_version: int
    as_of: datetime
    next_change_at: datetime | None
    """Before this moment the score will not change by itself; null: it never will."""

    @staticmethod
    def of(lead_id: UUID, score: Score) -> dict[str, Any]:
        return {
            "lead_id": lead_id,
            "fit": score.fit,
            "intent": score.intent,
            "engagement": score.engagement,
            "total": score.total,
            "band": score.band,
            "model_version": score.model_version,
            "as_of": score.at,
            "next_change_at": score.next_change_at,
        }


class ContributionOut(BaseModel):
    """Points, two decimal places. No model makes rules `cap`, `floor` (no score falls below nought) and `rounding`."""

    score: ScoreName
    rule: str
    points: Points
    event_id: str | None = None
    fact: str | None = None
    field: str | None = None
    at: datetime | None = None

    @staticmethod
    def of(contribution: Contribution) -> dict[str, Any]:
        return {name: getattr(contribution, name) for name in ContributionOut.model_fields}


class ExplanationOut(ScoreOut):
    contributions: list[ContributionOut]


class ActivationOut(BaseModel):
    rescore_id: UUID


class RescoreOut(BaseModel):
    rescore_id: UUID
    version: int
    state: Literal["running", "done", "superseded"]
    done: int
    total: int
    started_at: datetime
    finished_at: datetime | None
