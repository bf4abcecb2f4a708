"""Answers of the stage service."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.stages.rules import Stage
from services.stages.schemas.requests import ScoreRule


class TickView(BaseModel):
    """An item of the present checklist, with its tick: by whom, when, and on which evidence."""

    id: str
    label: str
    required: bool
    rule: ScoreRule | None = None
    ticked: bool
    by: str | None
    at: datetime | None
    evidence: str | None


class LeadView(BaseModel):
    """A lead as the queue and the lead page show it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                    "stage": "engaged",
                    "status": "contacted",
                    "score_total": 30,
                    "band": "C",
                    "last_activity_on": "2026-03-02T09:30:00Z",
                    "source": "website",
                    "campaign": "spring",
                    "owner": "ann",
                    "hot": False,
                    "disqualification_reason": None,
                    "first_qualified_on": None,
                    "checklist": [
                        {
                            "id": "budget",
                            "label": "Has a budget",
                            "required": True,
                            "rule": None,
                            "ticked": False,
                            "by": None,
                            "at": None,
                            "evidence": None,
                        }
                    ],
                    "next_action": "Ask about the budget",
                    "name": "Ada Lovelace",
                    "company": "Analytical Ltd",
                    "created_on": "2026-03-02T09:30:00Z",
                    "contacted": True,
                    "meetings_held": 0,
                    "revision": 4,
                }
            ]
        }
    )

    lead_id: UUID
    stage: str
    status: str
    score_total: int
    band: str | None
    last_activity_on: datetime
    source: str | None
    campaign: str | None
    owner: str | None
    hot: bool
    disqualification_reason: str | None
    first_qualified_on: datetime | None
    checklist: list[TickView]
    next_action: str | None
    name: str | None
    company: str | None
    created_on: datetime | None
    contacted: bool
    meetings_held: int
    revision: int


class ActivityView(BaseModel):
    """One entry of a lead's timeline."""

    id: UUID
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str | None
    caused_by: str | None
    data: dict[str, Any]


class IgnoredSignal(BaseModel):
    """A signal that changed nothing, and why."""

    event_id: str | None
    type: str
    reason: str


class ExplanationView(BaseModel):
    """Why a lead is in its stage, as sentences."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stage": "engaged",
                    "because": "The lead answered with interest.",
                    "ignored": [
                        {
                            "event_id": "01935a74-55ee-7cde-8f01-23456789ab05",
                            "type": "engagement.recorded",
                            "reason": "a visit moves nobody",
                        }
                    ],
                    "would_move": ["A meeting that is booked moves the lead to scheduled."],
                }
            ]
        }
    )

    stage: Stage
    because: str
    ignored: list[IgnoredSignal]
    would_move: list[str]


class MeetingView(BaseModel):
    """A meeting of a lead; its state is `booked`, `cancelled` or `passed`."""

    meeting_id: str
    starts_at: datetime
    ends_at: datetime
    state: str
    title: str | None


class BookedMeeting(BaseModel):
    meeting_id: str


class AddedNote(BaseModel):
    id: UUID


class MoveResult(BaseModel):
    """The result of one move: with its stage when it was made (200), else with the error."""

    lead_id: str | None
    status: int
    stage: Stage | None = None
    error: str | None = None


class MoveResults(BaseModel):
    """The result of each move, in the order of the request."""

    results: list[MoveResult]


class AlertView(BaseModel):
    """A lead that became hot."""

    alert_id: UUID
    lead_id: UUID
    total: int
    threshold: int
    at: datetime


class WaitingEvent(BaseModel):
    """An event about a lead that is not captured yet. It counts when the lead is captured before `deleted_on`."""

    lead_id: UUID
    event_id: str
    type: str
    source: str
    occurred_at: datetime
    recorded_at: datetime
    deleted_on: datetime


class StageView(BaseModel):
    """A stage, and its CRM status for a lead that was contacted."""

    stage: Stage
    title: str
    kind: str
    status: str
    meaning: str


class RuleView(BaseModel):
    """A rule: which signal moves a lead from which stages to which."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    from_: list[Stage] = Field(alias="from")
    signal: str
    to: Stage
    reason: str


class StagesView(BaseModel):
    """The stages and rules, as data, as a Markdown table, and as a Mermaid diagram."""

    stages: list[StageView]
    rules: list[RuleView]
    table: str
    diagram: str


class HotView(BaseModel):
    up: int
    down: int


class ThresholdsView(BaseModel):
    hot: HotView


class ChecklistItemView(BaseModel):
    id: str
    label: str
    required: bool
    rule: ScoreRule | None = None


class SettingsView(BaseModel):
    """The tenant's settings; durations may be fractions."""

    checklist: list[ChecklistItemView]
    thresholds: ThresholdsView
    quiet_days: float
    react_within_hours: float


class DryRunMoveView(BaseModel):
    """A move that the settings would bring; `anyway` when the present settings would bring it too."""

    model_config = ConfigDict(populate_by_name=True)

    lead_id: UUID
    from_: Stage = Field(alias="from")
    to: Stage
    at: datetime
    rule: str
    anyway: bool


class DryRunView(BaseModel):
    """The moves of a dry run: all are counted, the first thousand listed; not `complete` when time ran out."""

    total: int
    moves: list[DryRunMoveView]
    complete: bool
