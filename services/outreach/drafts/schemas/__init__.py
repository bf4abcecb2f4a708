"""HTTP bodies of requests on drafts and strategies; `views` has those of the answers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from services.outreach.drafts.rules import MAX_INSTRUCTION
from services.outreach.schemas import Body, Channel, Kind
from services.outreach.sending.templates import MAX_TEMPLATE
from shared.http.openapi import schema_of

MAX_REASON = 2_000
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
Subject = Annotated[str, Field(max_length=1_000)]
MAX_TEXT = 100_000
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Instruction = Annotated[str, Field(max_length=MAX_INSTRUCTION)]


class NewDraftBody(Body):
    """Ask the agent for a draft, or give your own text (`body`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                    "kind": "first",
                    "channel": "email",
                    "instruction": "shorter",
                }
            ]
        }
    )

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

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}]}
    )

    sha256: str
    acknowledge_unsupported: Acknowledge = False


class Edit(Body):
    """Another text; with `approve` the approval of just this text in the same step."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subject": "A question", "body": "Dear Ada, ...", "approve": True}]}
    )

    subject: Subject | None = None
    body: Text | None = None
    approve: bool = False
    acknowledge_unsupported: Acknowledge = False


class Reject(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The tone is wrong."}]})

    reason: Reason


class Regenerate(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"instruction": "shorter, mention industry"}]})

    instruction: Instruction | None = None


class Snooze(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2026-03-09T09:30:00Z"}]})

    until: AwareDatetime


class BulkItem(Body):
    """One draft of many. It is read and checked by itself, so that a wrong one fails alone."""

    draft_id: UUID
    sha256: str | None = None
    reason: str | None = None
    acknowledge_unsupported: Acknowledge = False


class Bulk(Body):
    """One action on many drafts: approve needs the hash of each, reject a reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "approve",
                    "items": [
                        {
                            "draft_id": "01935a70-11aa-7cde-8f01-23456789ab01",
                            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                        }
                    ],
                }
            ]
        }
    )

    action: Literal["approve", "reject", "claim", "release", "snooze", "regenerate"]
    items: Annotated[
        list[dict[str, Any]],
        Field(min_length=1, max_length=1_000, json_schema_extra={"items": schema_of(BulkItem)}),
    ]
    until: AwareDatetime | None = None
    instruction: Instruction | None = None


Template = Annotated[str, Field(max_length=MAX_TEMPLATE)]


class StrategyBody(Body):
    """How to write a kind of message in a stage. Parts that are left out are as built in."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "first", "stage": "new", "aim": "A first call", "tone": "friendly"}]}
    )

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
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"kind": "first", "stage": "new", "tone": "friendly"}]}]}
    )

    items: Annotated[list[StrategyBody], Field(min_length=1, max_length=50)]
