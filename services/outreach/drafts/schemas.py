"""HTTP bodies of drafts and strategies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import RowMapping

from services.outreach.drafts.rules import MAX_INSTRUCTION
from services.outreach.schemas import Body, Channel, Kind
from services.outreach.sending.templates import MAX_TEMPLATE

MAX_REASON = 2_000
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
Subject = Annotated[str, Field(max_length=1_000)]
Text = Annotated[str, Field(max_length=100_000)]
Instruction = Annotated[str, Field(max_length=MAX_INSTRUCTION)]


class NewDraftBody(Body):
    """Ask the agent for a draft, or give your own text (`body`)."""

    lead_id: UUID
    kind: Kind
    channel: Channel = "email"
    subject: Subject | None = None
    body: Text | None = None
    instruction: Instruction | None = None


class Approve(Body):
    """The hash of the text that the reviewer saw."""

    sha256: str


class Edit(Body):
    """Another text; with `approve` the approval of just this text in the same step."""

    subject: Subject | None = None
    body: Text | None = None
    approve: bool = False


class Reject(Body):
    reason: Reason


class Regenerate(Body):
    instruction: Instruction | None = None


class Snooze(Body):
    until: AwareDatetime


class BulkItem(Body):
    """One draft of many. Hash and reason are checked item by item, so that a wrong one fails alone."""

    draft_id: UUID
    sha256: str | None = None
    reason: str | None = None


class Bulk(Body):
    """One action on many drafts: approve needs the hash of each, reject a reason."""

    action: Literal["approve", "reject", "claim", "release", "snooze", "regenerate"]
    items: Annotated[list[BulkItem], Field(min_length=1, max_length=1_000)]
    until: AwareDatetime | None = None
    instruction: Instruction | None = None


Template = Annotated[str, Field(max_length=MAX_TEMPLATE)]


class StrategyBody(Body):
    """How to write a kind of message in a stage. Parts that are left out are as built in."""

    kind: Kind
    stage: str
    aim: Annotated[str, Field(max_length=500)] | None = None
    tone: Annotated[str, Field(max_length=200)] | None = None
    length: Annotated[str, Field(max_length=200)] | None = None
    call_to_action: Annotated[str, Field(max_length=500)] | None = None
    forbidden_claims: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)] | None
    ) = None
    templates: dict[Channel, dict[Literal["subject", "body"], Template]] | None = None


class Strategies(Body):
    items: Annotated[list[StrategyBody], Field(min_length=1, max_length=50)]


class DraftView(BaseModel):
    """A draft as reviewers see it. An approval names its `sha256`."""

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
    claims: list[dict[str, Any]]
    made_from: dict[str, Any]
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
    dispatch_id: UUID | None = None
    texts: list[dict[str, Any]] | None = None
    """Every text that the draft has had, the oldest first; only where one draft is read."""


def draft_view(row: RowMapping, now: datetime, texts: Sequence[RowMapping] | None = None) -> DraftView:
    """A draft with its present text, as the API shows it. A lease that has run out is not shown."""
    leased = row["claimed_by"] is not None and row["lease_until"] > now
    return DraftView(
        **{name: row[name] for name in _SAME},
        from_=row["from_address"],
        to=row["to_address"],
        claims=[_claim_view(claim, now) for claim in row["claims"]],
        claimed_by=row["claimed_by"] if leased else None,
        lease_until=row["lease_until"] if leased else None,
        texts=[dict(text) for text in texts] if texts is not None else None,
    )


_SAME = (
    "draft_id lead_id kind channel state sha256 subject body headers made_from author version cause cause_id "
    "created_at expires_at snoozed_until reason decided_by decided_at replaces"
).split()


def _claim_view(claim: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A claim with the `age` of its fact in whole seconds."""
    at = claim.get("at")
    age = max(0, int((now - datetime.fromisoformat(at)).total_seconds())) if at else None
    return {**{key: value for key, value in claim.items() if key != "at"}, "age": age}
