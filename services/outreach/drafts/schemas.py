"""HTTP bodies of drafts and strategies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import RowMapping

from services.outreach.drafts.composer.claims import shown
from services.outreach.schemas import Body, Channel, Kind

MAX_REASON = 2_000
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
Subject = Annotated[str, Field(max_length=1_000)]
Text = Annotated[str, Field(max_length=100_000)]


class NewDraftBody(Body):
    """Ask the agent for a draft, or (with `body`) bring a text."""

    lead_id: UUID
    kind: Kind
    channel: Channel = "email"
    subject: Subject | None = None
    body: Text | None = None
    instruction: Annotated[str, Field(max_length=1_000)] | None = None


class Approve(Body):
    """The hash that the reviewer saw. Whatever else stands there is another hash."""

    sha256: str


class Edit(Body):
    """Another text; with `approve` the approval of just this text in the same step."""

    subject: Subject | None = None
    body: Text | None = None
    approve: bool = False


class Reject(Body):
    reason: Reason


class Regenerate(Body):
    instruction: Annotated[str, Field(max_length=1_000)] | None = None


class Snooze(Body):
    until: AwareDatetime


class BulkItem(Body):
    """One draft of many. Hash and reason are judged item by item, so that a wrong one fails alone."""

    draft_id: UUID
    sha256: str | None = None
    reason: str | None = None


class Bulk(Body):
    """One action on many drafts: approve needs the hash of each, reject a reason."""

    action: Literal["approve", "reject", "claim", "release", "snooze", "regenerate"]
    items: Annotated[list[BulkItem], Field(min_length=1, max_length=1_000)]
    until: AwareDatetime | None = None
    instruction: Annotated[str, Field(max_length=1_000)] | None = None


Template = Annotated[str, Field(max_length=20_000)]


class StrategyBody(Body):
    """How to write a kind of message in a stage. What is left out stays as it is built in."""

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
    """A draft as reviewers see it. `sha256` is what an approval names."""

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
    """Every text that the draft had, the first first; only where one draft is read."""


def draft_view(row: RowMapping, now: datetime, texts: Sequence[RowMapping] | None = None) -> DraftView:
    """A row with its text, as the API shows it."""
    claimed = row["claimed_by"] is not None and row["lease_until"] > now
    return DraftView(
        **{name: row[name] for name in _SAME},
        from_=row["from_address"],
        to=row["to_address"],
        claims=[shown(claim, now) for claim in row["claims"]],
        claimed_by=row["claimed_by"] if claimed else None,
        lease_until=row["lease_until"] if claimed else None,
        texts=[dict(text) for text in texts] if texts is not None else None,
    )


_SAME = (
    "draft_id lead_id kind channel state sha256 subject body headers made_from author version cause cause_id "
    "created_at "
    "expires_at snoozed_until reason decided_by decided_at replaces"
).split()
