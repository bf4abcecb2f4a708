"""HTTP bodies of requests on drafts and strategies; `views` has those of the answers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

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


Acknowledge = Annotated[
    bool, Field(description="Approve although nothing known supports some sentences; without it the answer is 409")
]


class Approve(Body):
    """The hash of the text that the reviewer saw."""

    sha256: str
    acknowledge_unsupported: Acknowledge = False


class Edit(Body):
    """Another text; with `approve` the approval of just this text in the same step."""

    subject: Subject | None = None
    body: Text | None = None
    approve: bool = False
    acknowledge_unsupported: Acknowledge = False


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
    acknowledge_unsupported: Acknowledge = False


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
