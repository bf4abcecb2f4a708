"""The HTTP body of one draft, with all that a decision needs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.outreach.drafts.schemas.views import (
    EXAMPLE,
    DraftView,
    LeadView,
    common_fields,
    lead_fields,
    warning_views,
)
from services.outreach.drafts.use_cases.background import Background
from services.outreach.rules import is_night
from services.outreach.store import Lead
from shared.db import Row


class ReasonView(BaseModel):
    """A rule that weighs in the score, with all its occurrences together, and the value of the fact or field."""

    rule: str
    score: str
    points: float
    times: int = 1
    fact: str | None = None
    field: str | None = None
    value: Any = None


class LeadInFullView(LeadView):
    """The lead of a draft, as its reviewer sees it."""

    lead_id: UUID
    job_title: str | None
    country: str | None
    reasons: Annotated[list[ReasonView], Field(description="What weighs most in the score, the heaviest first")]
    timezone: str | None
    local_time: Annotated[
        datetime | None,
        Field(description="The time where the lead is, by its time zone or else its country; null: neither is known"),
    ]
    is_night: bool | None


class AnsweredView(BaseModel):
    """The reply that a draft answers."""

    reply_id: UUID
    received_at: datetime
    channel: str
    label: str
    because: str | None
    subject: str | None


class MessageView(BaseModel):
    """One message of the conversation, `in` from the lead or `out` to it."""

    direction: Literal["in", "out"]
    at: datetime
    channel: str
    subject: str | None
    text: str
    state: str
    kind: str | None
    label: str | None
    draft_id: UUID | None
    reply_id: UUID | None


class OtherMessageView(BaseModel):
    """Another message to the lead: a pending draft, or one whose dispatch is in `state`."""

    draft_id: UUID
    kind: str
    channel: str
    state: str
    subject: str | None
    at: Annotated[datetime, Field(description="When it was created (pending), is due (queued), or was sent")]
    author: str


class DraftInFullView(DraftView):
    """A draft with all that a decision needs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE,
                    "lead": {
                        **EXAMPLE["lead"],
                        "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                        "job_title": "CTO",
                        "country": "GB",
                        "reasons": [
                            {
                                "rule": "c-level",
                                "score": "fit",
                                "points": 25.0,
                                "times": 1,
                                "fact": "seniority",
                                "field": None,
                                "value": "c_level",
                            }
                        ],
                        "timezone": "Europe/London",
                        "local_time": "2026-03-02T09:30:00Z",
                        "is_night": False,
                    },
                    "conversation": [],
                    "consent": {"email": "granted", "sms": "unknown"},
                    "other_messages": [],
                    "texts": [],
                }
            ]
        }
    )

    lead: LeadInFullView | None = None
    answers: Annotated[str | None, Field(description="The lead's own words that an `answer` answers")] = None
    answered_reply: AnsweredView | None = None
    conversation: Annotated[list[MessageView], Field(description="The last messages, the oldest first")] = []
    consent: dict[str, Any] = {}
    other_messages: Annotated[
        list[OtherMessageView], Field(description="Other messages to the lead: pending, on their way, or just sent")
    ] = []
    replaced_by: Annotated[UUID | None, Field(description="The draft that was requested in place of this one")] = None
    acknowledged_unsupported: Annotated[
        list[str] | None, Field(description="The unsupported sentences that the approval acknowledges")
    ] = None
    texts: Annotated[list[dict[str, Any]], Field(description="Every text that it has had, the oldest first")] = []


def draft_in_full(row: Row, now: datetime, background: Background) -> DraftInFullView:
    """A draft with all that a decision needs."""
    lead, answers = background.lead, background.answers
    return DraftInFullView(
        **common_fields(row, now),
        made_from=row["made_from"],
        warnings=warning_views(background.cautions),
        lead=_lead_in_full(lead, background.local_time) if lead else None,
        answers=answers["text"] if answers else None,
        answered_reply=AnsweredView(**{name: answers[name] for name in AnsweredView.model_fields}) if answers else None,
        conversation=[MessageView(**message) for message in background.conversation],
        consent={"email": "unknown", "sms": "unknown", **(lead.consent if lead else {})},
        other_messages=[
            OtherMessageView(**{name: other[name] for name in OtherMessageView.model_fields})
            for other in background.others
        ],
        replaced_by=background.replaced_by,
        acknowledged_unsupported=list(background.acknowledged) if background.acknowledged is not None else None,
        texts=[dict(text) for text in background.texts],
        dispatch_id=background.dispatch_id,
    )


def _lead_in_full(lead: Lead, local: datetime | None) -> LeadInFullView:
    return LeadInFullView(
        **lead_fields(lead),
        lead_id=lead.lead_id,
        job_title=lead.fields.get("job_title"),
        country=lead.fields.get("country"),
        reasons=_reasons(lead),
        timezone=lead.timezone,
        local_time=local,
        is_night=is_night(local) if local else None,
    )


def _reasons(lead: Lead) -> Sequence[ReasonView]:
    """The reasons of the score, each with the present value of what its rule looks at."""
    views = []
    for reason in lead.score_reasons:
        value = lead.fields.get(reason.get("field", ""))
        if "fact" in reason:
            value = (lead.facts.get(reason["fact"]) or {}).get("value")
        views.append(ReasonView(**reason, value=value))
    return views
