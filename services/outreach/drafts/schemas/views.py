"""HTTP bodies of answers about drafts: small ones for lists, and all that a decision needs for one draft."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from services.outreach.drafts.rules import Caution, cited_name
from services.outreach.drafts.use_cases.background import Background
from services.outreach.rules import is_night
from services.outreach.store import Lead

_DAY = 86_400


class ClaimView(BaseModel):
    """A sentence of the text, and the fact or contact field that supports it; or one that nothing known supports."""

    sentence: str
    kind: Literal["fact", "field", "link", "promise", "statement", "unchecked"]
    fact: str | None
    field: str | None
    value: str | None
    source: str | None
    age: Annotated[int | None, Field(description="Seconds since the fact was found")]
    age_days: int | None
    supported: bool
    unsupported: Annotated[bool, Field(deprecated=True, description="The opposite of `supported`")]


class LeadView(BaseModel):
    """The lead of a draft, as a list shows it."""

    name: str | None
    company: str | None
    score: Annotated[int | None, Field(description="null: not scored yet")]
    band: str | None
    stage: str
    owner: str | None


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
    local_time: Annotated[datetime | None, Field(description="The time on the lead's clock; null: no zone is known")]
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


class WarningView(BaseModel):
    """Something to know before the draft is approved; it does not prevent that."""

    kind: Literal["other_message", "night", "instruction"]
    message: str
    draft_id: UUID | None = None


class DraftItem(BaseModel):
    """A draft in a list."""

    draft_id: UUID
    lead_id: UUID
    kind: str
    channel: str
    state: str
    sha256: str
    from_: Annotated[str, Field(serialization_alias="from")]
    to: str
    subject: str | None
    body: str
    headers: dict[str, str]
    claims: list[ClaimView]
    author: str
    version: int
    cause: str
    cause_id: str
    created_at: datetime
    expires_at: datetime
    claimed_by: str | None
    lease_until: datetime | None
    snoozed_until: datetime | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    replaces: UUID | None
    score: Annotated[int, Field(description="The lead's score, by which `hottest` sorts; 0: not scored yet")]
    lead: LeadView | None = None


SUMMARY = (
    *("draft_id", "lead_id", "kind", "channel", "state", "sha256", "to", "subject", "score", "lead"),
    *("created_at", "expires_at", "claimed_by", "lease_until"),
)
"""What `fields=summary` stands for: enough to choose the next draft by."""
LIST_FIELDS = ("summary", *(field.serialization_alias or name for name, field in DraftItem.model_fields.items()))
MADE_FROM = "made_from"
"""The field that a list has only where `fields` names it."""


class DraftCounts(BaseModel):
    """How many drafts there are, whatever page is shown."""

    state: Annotated[dict[str, int], Field(description="By state, of the kind and channel that the filters name")]
    kind: Annotated[dict[str, int], Field(description="By kind, of the state and channel that the filters name")]
    claimed: Annotated[int, Field(description="Pending drafts that somebody works on")]
    mine: Annotated[int, Field(description="Those that you work on")]
    snoozed: Annotated[int, Field(description="Pending drafts that are snoozed, and not listed before their time")]


class DraftPage(BaseModel):
    """One page of drafts; only `next_cursor: null` ends a list."""

    items: list[DraftItem]
    next_cursor: str | None = None
    total: Annotated[int, Field(description="Drafts of the state, kind, channel and lead that the filters name")]
    counts: DraftCounts


class DraftView(DraftItem):
    """A draft as reviewers see it. An approval names its `sha256`."""

    made_from: dict[str, Any]
    dispatch_id: UUID | None = None
    warnings: list[WarningView] = []


class DraftInFullView(DraftView):
    """A draft with all that a decision needs."""

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


def draft_item(row: RowMapping, now: datetime, lead: Lead | None) -> DraftItem:
    """A draft as a list shows it."""
    return DraftItem(**_common(row, now), lead=LeadView(**_lead(lead)) if lead else None)


def draft_view(row: RowMapping, now: datetime, lead: Lead | None, warnings: Iterable[Caution] = ()) -> DraftView:
    """A draft with its present text, as the API shows it after an action."""
    shown = LeadView(**_lead(lead)) if lead else None
    return DraftView(**_common(row, now), made_from=row["made_from"], lead=shown, warnings=warning_views(warnings))


def draft_in_full(row: RowMapping, now: datetime, background: Background) -> DraftInFullView:
    """A draft with all that a decision needs."""
    lead, answers = background.lead, background.answers
    return DraftInFullView(
        **_common(row, now),
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


def warning_views(warnings: Iterable[Caution]) -> list[WarningView]:
    """What to know before an approval, as the API shows it."""
    return [WarningView(kind=each.kind, message=each.message, draft_id=each.draft_id) for each in warnings]


_SAME = (
    "draft_id lead_id kind channel state sha256 subject body headers author version cause cause_id "
    "created_at expires_at snoozed_until reason decided_by decided_at replaces score"
).split()


def _common(row: RowMapping, now: datetime) -> dict[str, Any]:
    """What every view of a draft has. A lease that has run out is not shown."""
    leased = row["claimed_by"] is not None and row["lease_until"] > now
    return {name: row[name] for name in _SAME} | {
        "from_": row["from_address"],
        "to": row["to_address"],
        "claims": [_claim(claim, now) for claim in row["claims"]],
        "claimed_by": row["claimed_by"] if leased else None,
        "lease_until": row["lease_until"] if leased else None,
    }


def _claim(claim: Mapping[str, Any], now: datetime) -> ClaimView:
    """A claim as every answer shows it. One that was stored without its kind is a statement, or cites by its name."""
    at = claim.get("at")
    age = max(0, int((now - datetime.fromisoformat(at)).total_seconds())) if at else None
    cites = "fact" if claim.get("fact") else "field" if claim.get("field") else "statement"
    supported = cited_name(claim) is not None
    return ClaimView(
        sentence=claim["sentence"],
        kind=claim.get("kind", cites),
        fact=claim.get("fact"),
        field=claim.get("field"),
        value=None if claim.get("value") is None else str(claim["value"]),
        source=claim.get("source"),
        age=age,
        age_days=None if age is None else age // _DAY,
        supported=supported,
        unsupported=not supported,
    )


def _lead(lead: Lead) -> dict[str, Any]:
    return {
        "name": lead.name,
        "company": lead.company,
        "score": lead.score_total if lead.score_band else None,
        "band": lead.score_band,
        "stage": lead.stage,
        "owner": lead.owner,
    }


def _lead_in_full(lead: Lead, local: datetime | None) -> LeadInFullView:
    return LeadInFullView(
        **_lead(lead),
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
