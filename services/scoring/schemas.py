"""HTTP bodies of the scoring API."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from services.scoring.rules import Contribution, Score
from services.scoring.rules.conditions import SUBJECTS, Operator
from services.scoring.rules.default_model import DEFAULT_BANDS, DEFAULT_CAPS
from services.scoring.rules.model import ScoreName

Name = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[Decimal, PlainSerializer(float, return_type=float)]
Cap = Annotated[int, Field(ge=0, le=300)]
Threshold = Annotated[int, Field(ge=0, le=1_000)]
Simple = str | bool | int | float


class When(BaseModel):
    """A condition: exactly one of the subjects (`fact`, `field`, ...) with a name, and a comparison."""

    fact: Name | None = None
    field: Name | None = None
    engagement: Name | None = None
    reply: Name | None = None
    meeting: Name | None = None
    message: Name | None = None
    op: Operator = "exists"
    value: Simple | Annotated[list[Simple], Field(max_length=1_000)] | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if sum(getattr(self, subject) is not None for subject in SUBJECTS) != 1:
            raise ValueError(f"name exactly one of {', '.join(SUBJECTS)}")
        return self


class Rule(BaseModel):
    """Points that are given once for a fact or field that matches, or for each event that matches."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    score: ScoreName
    when: When
    points: Annotated[float, Field(ge=-1_000, le=1_000, allow_inf_nan=False)]
    half_life_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    once_a_day: bool | None = None
    """Whether the events about one message, page or link count once a day, however many there are."""


class Caps(BaseModel):
    """The most points of each score."""

    fit: Cap = DEFAULT_CAPS["fit"]
    intent: Cap = DEFAULT_CAPS["intent"]
    engagement: Cap = DEFAULT_CAPS["engagement"]


class Bands(BaseModel):
    """The lowest total of each band; below C is D."""

    A: Threshold = DEFAULT_BANDS["A"]
    B: Threshold = DEFAULT_BANDS["B"]
    C: Threshold = DEFAULT_BANDS["C"]


_MODEL = {
    "rules": [
        {"id": "c-level", "score": "fit", "when": {"fact": "seniority", "op": "eq", "value": "c_level"}, "points": 25},
        {
            "id": "visit",
            "score": "engagement",
            "when": {"engagement": "visit", "op": "exists"},
            "points": 5,
            "half_life_days": 7,
        },
    ],
    "caps": {"fit": 40, "intent": 40, "engagement": 20},
    "bands": {"A": 75, "B": 50, "C": 25},
}


class ModelBody(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_MODEL]})

    rules: Annotated[list[Rule], Field(max_length=500)]
    caps: Caps = Caps()
    bands: Bands = Bands()

    def definition(self) -> dict[str, Any]:
        return self.model_dump(include={"rules", "caps", "bands"}, exclude_none=True)


class ModelOut(ModelBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_MODEL,
                    "version": 2,
                    "active": True,
                    "created_at": "2026-03-02T09:30:00Z",
                    "created_by": "human:ann",
                }
            ]
        }
    )

    version: int
    active: bool
    created_at: datetime | None
    created_by: str


class TestBody(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01"}]})

    lead_id: UUID


class ScoreOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                    "fit": 25,
                    "intent": 0,
                    "engagement": 5,
                    "total": 30,
                    "band": "C",
                    "model_version": 1,
                    "as_of": "2026-03-02T09:30:00Z",
                    "next_change_at": "2026-03-09T09:30:00Z",
                }
            ]
        }
    )

    lead_id: UUID
    fit: int
    intent: int
    engagement: int
    total: int
    band: Literal["A", "B", "C", "D"]
    model_version: int
    as_of: datetime
    next_change_at: datetime | None = None
    """Until this moment the score changes only if an event is received; null: then for ever."""

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
    """Points with two decimal places. Scoring adds the rules `cap`, `floor` (no score is below 0) and `rounding`."""

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
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                    "fit": 25,
                    "intent": 0,
                    "engagement": 5,
                    "total": 30,
                    "band": "C",
                    "model_version": 1,
                    "as_of": "2026-03-02T09:30:00Z",
                    "next_change_at": "2026-03-09T09:30:00Z",
                    "contributions": [
                        {
                            "score": "fit",
                            "rule": "c-level",
                            "points": 25.0,
                            "event_id": None,
                            "fact": "seniority",
                            "field": None,
                            "at": None,
                        },
                        {
                            "score": "engagement",
                            "rule": "visit",
                            "points": 5.0,
                            "event_id": "01935a74-55ee-7cde-8f01-23456789ab05",
                            "fact": None,
                            "field": None,
                            "at": "2026-03-02T09:30:00Z",
                        },
                    ],
                }
            ]
        }
    )

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
