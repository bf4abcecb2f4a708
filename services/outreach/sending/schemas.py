"""HTTP bodies of dispatches."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.outreach.schemas import Body
from services.outreach.sending.rules import State
from shared.db import Row


class Resolve(Body):
    """What an operator found out about a message of unknown outcome."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "sent", "note": "It is in the provider's log."}]}
    )

    outcome: Literal["sent", "failed"]
    note: Annotated[str, Field(min_length=1, max_length=2_000)]


class SmsStatus(Body, extra="ignore"):
    """A provider's status report on an SMS. `code` is Twilio's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"message_sid": "SM1", "status": "undelivered", "code": 30005}]}
    )

    message_sid: Annotated[str, Field(min_length=1, max_length=200)]
    status: Annotated[str, Field(min_length=1, max_length=50)]
    code: Annotated[str | int | None, Field()] = None


class SmsStatusView(BaseModel):
    """The state of the dispatch after a provider's status report."""

    message_sid: str
    state: State


class DispatchView(BaseModel):
    """The attempt to send one approved text. `message_id` is without angle brackets."""

    dispatch_id: UUID
    draft_id: UUID
    lead_id: UUID
    kind: str
    channel: str
    state: str
    reason: str | None
    message_id: str | None
    sha256: str
    attempts: int
    due_at: datetime
    created_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    resolved_by: str | None
    note: str | None
    crossed: bool
    """The message was on its way when the lead opted out, or wrote and so ended the enrolment."""
    sequence_id: UUID | None
    enrolment_id: UUID | None
    step: int | None


def dispatch_view(row: Row) -> DispatchView:
    """A row as the API shows it."""
    return DispatchView(**{name: row[name] for name in DispatchView.model_fields})
