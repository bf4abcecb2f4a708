"""What the stage service publishes: the stages of leads. Other systems may publish meetings too."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from shared.events.base import Event, Model, Moment, Text, check_moment

MeetingId = Annotated[str, Field(min_length=1, max_length=200)]


class JourneySummary(Model):
    """The facts of the journey after a change, so that no reader has to add up changes."""

    contacted: bool
    first_qualified_on: Moment | None = None
    won_on: Moment | None = None
    meetings_held: int = 0
    owner: Text | None = None
    created_on: Moment | None = None


class StageChanged(Event):
    """The lead moved to another stage, or (with `corrects`, perhaps `from` = `to`) an earlier move was corrected.

    `revision` counts up for each lead: the highest counts. `from` is the `to` of the revision before.
    """

    type = "stage.changed"
    publisher = "stages"
    lead_id: UUID | None = None
    from_: Annotated[str, Field(alias="from")]
    to: str
    from_status: str
    status: str
    rule: str
    actor: str
    reason: str | None = None
    caused_by: str | None = None
    occurred_at: Moment
    recorded_at: Moment
    revision: int
    journey: JourneySummary
    disqualification_reason: str | None = None
    corrects: list[str] | None = None


class LeadBecameHot(Event):
    """A lead in an active or paused stage reached the tenant's threshold, or came back to such a stage with that total.

    It is published once until the total falls below the lower threshold.
    """

    type = "lead.became_hot"
    publisher = "stages"
    total: int
    threshold: int


class LeadAssigned(Event):
    """The lead's owner changed."""

    type = "lead.assigned"
    publisher = "stages"
    owner: Text | None = None
    previous: Text | None = None
    actor: Text


def check_meeting(starts_at: datetime, ends_at: datetime) -> None:
    """Raises ValueError, with a sentence for people, for a meeting that does not end after it starts, or is no moment
    of a lead's life."""
    for name, at in (("starts_at", starts_at), ("ends_at", ends_at)):
        try:
            check_moment(at)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    if ends_at <= starts_at:
        raise ValueError("ends_at must be after starts_at")


class MeetingBooked(Event):
    """A meeting was booked; with the id of an earlier one, that meeting was moved. It ends after it starts."""

    type = "meeting.booked"
    publisher = "stages"
    meeting_id: MeetingId
    starts_at: Moment
    ends_at: Moment
    title: Text | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "MeetingBooked":
        check_meeting(self.starts_at, self.ends_at)
        return self


class MeetingCancelled(Event):
    """A meeting was cancelled; a later booking with the same id books it again."""

    type = "meeting.cancelled"
    publisher = "stages"
    meeting_id: MeetingId
