"""HTTP bodies of replies and conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from services.outreach.address_forms import sms_sender
from services.outreach.replies.rules.new_text import storable
from services.outreach.schemas import Body
from shared.events.outreach import Label

StorableText = Annotated[str, BeforeValidator(lambda given: storable(given) if isinstance(given, str) else given)]


class LabelBody(Body):
    """A human's label; correcting an `opt_out` needs a note."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": "interested", "note": "She asks for a call."}]})

    label: Label
    note: Annotated[str, Field(max_length=2_000)] | None = None


class InboundSms(Body, extra="ignore"):
    """An inbound SMS from a provider's adapter. Fields that the adapter adds are ignored, so that no reply is lost."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"from": "+442079460958", "to": "+15005550006", "body": "Yes, on Monday.", "message_sid": "SM2"}
            ]
        }
    )

    from_: Annotated[StorableText, Field(alias="from", min_length=3, max_length=64), AfterValidator(sms_sender)]
    to: Annotated[StorableText, Field(max_length=64)]
    body: Annotated[StorableText, Field(max_length=10_000)]
    message_sid: Annotated[StorableText, Field(min_length=1, max_length=200)]


class ReceivedView(BaseModel):
    """The outcome of receiving a message; `reply_id` is null for a copy of our own message.

    `received`: the mail is stored, and is read later.
    """

    reply_id: UUID | None
    outcome: Literal["matched", "unmatched", "own_copy", "duplicate", "bounce", "complaint", "received"]


class StoredView(BaseModel):
    """What became of a provider's request: its mail is stored, or it had none."""

    outcome: Literal["received", "ignored"]
    mail_id: UUID | None


class ReplyView(BaseModel):
    """One reply, with the history of its labels."""

    reply_id: UUID
    lead_id: UUID | None
    channel: str
    outcome: str
    sender: str | None
    subject: str | None
    text: str
    received_at: datetime
    label: str
    confidence: float
    method: str
    because: str | None
    needs_human: bool
    labelled_at: datetime
    history: list[dict[str, Any]]


class Utterance(BaseModel):
    """One message of a conversation, out or in."""

    direction: Literal["out", "in"]
    at: datetime
    channel: str
    subject: str | None
    text: str
    message_id: str | None
    state: str
    """Out: the state of the dispatch; in: `matched` or `bounce`."""
    reason: str | None
    kind: str | None
    label: str | None
    draft_id: UUID | None
    dispatch_id: UUID | None
    reply_id: UUID | None
    approved_by: str | None
