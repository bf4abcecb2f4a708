"""HTTP bodies of the stage service."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.stages.rules import Settings, Stage

Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Move(Body):
    """A stage set by hand; leaving to a disqualified stage needs the reason."""

    stage: Stage
    note: Text | None = None
    disqualification_reason: Text | None = None


class BulkMove(Move):
    lead_id: UUID


class BulkMoves(Body):
    items: Annotated[list[BulkMove], Field(min_length=1, max_length=1_000)]


class Tick(Body):
    """An item of the checklist ticked or unticked, with what it relies on."""

    ticked: bool
    evidence: Text | None = None


class Meeting(Body):
    """A meeting in the calendar; with `meeting_id`, the one of that id is moved."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    title: Text | None = None
    meeting_id: Name | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Meeting":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must lie after starts_at")
        return self


class Note(Body):
    text: Annotated[str, Field(min_length=1, max_length=20_000)]


class Owner(Body):
    owner: Name | None


class ScoreRule(Body):
    score_at_least: Annotated[int, Field(ge=1, le=1_000)]


class ChecklistItem(Body):
    id: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
    label: Name | None = None
    required: bool = True
    rule: ScoreRule | None = None


class Hot(Body):
    up: Annotated[int, Field(ge=1, le=1_000)] = 80
    down: Annotated[int, Field(ge=0, le=1_000)] = 70

    @model_validator(mode="after")
    def _hysteresis(self) -> "Hot":
        if self.down > self.up:
            raise ValueError("down must not lie above up")
        return self


class Thresholds(Body):
    hot: Hot = Hot()


class SettingsBody(Body):
    """The tenant's checklist, thresholds, and periods (days and hours, fractions allowed); what is absent stays."""

    checklist: Annotated[list[ChecklistItem], Field(max_length=50)] | None = None
    thresholds: Thresholds = Thresholds()
    quiet_days: Annotated[float, Field(gt=0, le=3_650)] = 30
    react_within_hours: Annotated[float, Field(ge=0, le=8_760)] = 48

    @model_validator(mode="after")
    def _ids_once(self) -> "SettingsBody":
        ids = [item.id for item in self.checklist or ()]
        if len(ids) != len(set(ids)):
            raise ValueError("an item id stands twice in the checklist")
        return self

    def over(self, present: Settings) -> dict[str, Any]:
        """The JSON that the rules read: the present settings with what this body names put over them."""
        return present.to_json() | self.model_dump(mode="json", exclude_none=True, exclude_unset=True)


class LeadView(BaseModel):
    """A lead as the queue and the lead page show it."""

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
    checklist: list[dict[str, Any]]
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
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str | None
    caused_by: str | None
    data: dict[str, Any]
