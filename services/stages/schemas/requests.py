"""Request bodies of the stage service."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.stages.rules import Stage, TenantSettings
from shared.errors import Invalid
from shared.events.stages import check_meeting
from shared.http.openapi import schema_of
from shared.limits import MAX_OWNER
from shared.text import clean, not_blank

Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Owner = Annotated[str, Field(min_length=1, max_length=MAX_OWNER)]


def _blank_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Remark = Annotated[Text | None, BeforeValidator(_blank_is_none)]


class Body(BaseModel):
    """A request body; fields that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class MoveBody(Body):
    """A manual move; a move to a disqualified stage needs a reason."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"stage": "lost", "disqualification_reason": "They chose another vendor."}]}
    )

    stage: Stage
    note: Remark = None
    disqualification_reason: Remark = None


class BulkMoveItem(MoveBody):
    model_config = ConfigDict(json_schema_extra={"examples": []})

    lead_id: UUID


class BulkMovesBody(Body):
    """Many manual moves. Each item is validated alone, so that an invalid one refuses only itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                            "stage": "nurture",
                            "note": "Again in spring.",
                        }
                    ]
                }
            ]
        }
    )

    items: Annotated[
        list[dict[str, Any]],
        Field(min_length=1, max_length=1_000, json_schema_extra={"items": schema_of(BulkMoveItem)}),
    ]


class TickBody(Body):
    """A tick of a checklist item set or removed, with the sentence that it relies on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticked": True, "evidence": "We have the budget for this year."}]}
    )

    ticked: bool
    evidence: Remark = None


class MeetingBody(Body):
    """A meeting; with the `meeting_id` of a booked one, that meeting is moved."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-03-10T14:00:00+01:00",
                    "ends_at": "2026-03-10T14:30:00+01:00",
                    "title": "First call",
                }
            ]
        }
    )

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    title: Remark = None
    meeting_id: Annotated[Name | None, BeforeValidator(_blank_is_none)] = None

    @model_validator(mode="after")
    def _in_order(self) -> "MeetingBody":
        check_meeting(self.starts_at, self.ends_at)
        return self


class NoteBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Met at the fair."}]})

    text: Annotated[str, Field(min_length=1, max_length=20_000), AfterValidator(not_blank)]


class OwnerBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"owner": "ann"}]})

    owner: Annotated[Owner, AfterValidator(clean), AfterValidator(not_blank)] | None


class ScoreRule(Body):
    score_at_least: Annotated[int, Field(ge=1, le=1_000)]


class ChecklistItem(Body):
    """An item of the qualification checklist; with a `rule` the score ticks it."""

    id: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
    label: Name | None = None
    required: bool = True
    rule: ScoreRule | None = None


class StrictBody(Body):
    """A part of the settings; an unknown name is refused, since a misspelt setting would have no effect."""

    model_config = ConfigDict(extra="forbid")


class Hot(StrictBody):
    """The total scores from which a lead is hot, and below which it is not any more."""

    up: Annotated[int, Field(ge=1, le=1_000)] | None = None
    down: Annotated[int, Field(ge=0, le=1_000)] | None = None

    @model_validator(mode="after")
    def _hysteresis(self) -> "Hot":
        if self.up is not None and self.down is not None and self.down > self.up:
            raise ValueError("down must not be greater than up")
        return self


class Thresholds(StrictBody):
    hot: Hot = Hot()


class SettingsBody(StrictBody):
    """The tenant's checklist, thresholds and periods (fractions allowed); an absent setting keeps its value."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "checklist": [
                        {"id": "budget", "label": "Has a budget"},
                        {"id": "fit", "label": "Fits", "rule": {"score_at_least": 50}},
                    ],
                    "thresholds": {"hot": {"up": 80, "down": 70}},
                    "quiet_days": 30,
                }
            ]
        }
    )

    checklist: Annotated[list[ChecklistItem], Field(max_length=50)] | None = None
    thresholds: Thresholds = Thresholds()
    quiet_days: Annotated[float, Field(gt=0, le=3_650)] | None = None
    react_within_hours: Annotated[float, Field(ge=0, le=8_760)] | None = None

    @model_validator(mode="after")
    def _ids_once(self) -> "SettingsBody":
        ids = [item.id for item in self.checklist or ()]
        if len(ids) != len(set(ids)):
            raise ValueError("the checklist names an item id twice")
        return self

    def over(self, present: TenantSettings) -> dict[str, Any]:
        """The JSON of the present settings, with the values of this body in place of theirs. Raises Invalid."""
        before = present.to_json()
        named = self.model_dump(mode="json", exclude_none=True)
        hot = before["thresholds"]["hot"] | named.pop("thresholds")["hot"]
        if hot["down"] > hot["up"]:
            message = "down must not be greater than up"
            raise Invalid(message, [{"field": "thresholds.hot", "message": message}])
        return before | named | {"thresholds": {"hot": hot}}
