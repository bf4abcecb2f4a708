"""HTTP bodies of answers about drafts in lists, and after an action. `background_views` has that of one draft."""

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from services.outreach.drafts.rules import Caution, cited_name
from services.outreach.store import Lead
from shared.db import Row
from shared.http import FieldError

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
    claimed: Annotated[int, Field(description="Pending drafts that somebody works on, without snoozed ones")]
    mine: Annotated[int, Field(description="Those that you work on")]
    snoozed: Annotated[int, Field(description="Pending drafts that are snoozed, and not listed before their time")]


class DraftPage(BaseModel):
    """One page of drafts; only `next_cursor: null` ends a list."""

    items: list[DraftItem]
    next_cursor: str | None = None
    total: Annotated[int, Field(description="Drafts of the state, kind, channel and lead that the filters name")]
    counts: DraftCounts


def _optional(field: FieldInfo) -> Any:
    optional = copy(field)
    optional.default = None
    return field.annotation | None, optional


# A list has `made_from` only where `fields` names it.
PartialDraft = create_model(
    "PartialDraft",
    __doc__="A draft in a list, with the fields that `fields` names.",
    **{name: _optional(field) for name, field in DraftItem.model_fields.items()},
    made_from=(dict[str, Any] | None, None),
)


class PartialDraftPage(DraftPage):
    """A page of drafts of which each has the fields that `fields` names."""

    items: list[PartialDraft]


EXAMPLE: dict[str, Any] = {
    "draft_id": "01935a70-11aa-7cde-8f01-23456789ab01",
    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
    "kind": "first",
    "channel": "email",
    "state": "pending",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "from": "sales@example.org",
    "to": "ada@lovelace.example",
    "subject": "Analytical Ltd",
    "body": "Dear Ada, ...",
    "headers": {},
    "claims": [
        {
            "sentence": "You are CTO of Analytical Ltd.",
            "kind": "field",
            "fact": None,
            "field": "job_title",
            "value": "CTO",
            "source": "website",
            "age": None,
            "age_days": None,
            "supported": True,
            "unsupported": False,
        }
    ],
    "author": "agent:template",
    "version": 1,
    "cause": "asked",
    "cause_id": "01935a70",
    "created_at": "2026-03-02T09:30:00Z",
    "expires_at": "2026-03-09T09:30:00Z",
    "claimed_by": None,
    "lease_until": None,
    "snoozed_until": None,
    "reason": None,
    "decided_by": None,
    "decided_at": None,
    "replaces": None,
    "score": 30,
    "lead": {
        "name": "Ada Lovelace",
        "company": "Analytical Ltd",
        "score": 30,
        "band": "C",
        "stage": "new",
        "owner": None,
    },
    "made_from": {},
    "dispatch_id": None,
    "warnings": [],
}
"""A draft as the description of the API shows it."""


class DraftView(DraftItem):
    """A draft as reviewers see it. An approval names its `sha256`."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    made_from: dict[str, Any]
    dispatch_id: UUID | None = None
    warnings: list[WarningView] = []


class ComposingView(BaseModel):
    """A draft that the agent writes. `warnings`: hints of the instruction that it cannot follow."""

    draft_id: UUID
    state: Literal["composing"]
    warnings: list[WarningView] | None = None


class RegeneratedView(BaseModel):
    """The draft that the agent writes in place of `replaces`. `warnings`: hints that it cannot follow."""

    draft_id: UUID
    replaces: UUID
    state: Literal["composing"]
    warnings: list[WarningView]


class BulkResult(BaseModel):
    """The result of an action on one draft: done (200), or refused with `error`."""

    draft_id: Annotated[UUID | str | None, Field(description="As the item names it; null where that is no text")]
    status: int
    error: str | None = None
    type: Annotated[str | None, Field(description="The kind of the problem, where `errors` has more")] = None
    errors: list[FieldError] | None = None
    dispatch_id: Annotated[UUID | None, Field(description="Of an approved draft")] = None
    replaced_by: Annotated[UUID | None, Field(description="The draft that is written in place of this one")] = None
    warnings: Annotated[list[WarningView] | None, Field(description="What to know of an approved draft")] = None


class BulkResults(BaseModel):
    """The result for each draft, in the order of the request."""

    results: list[BulkResult]


class StrategyView(BaseModel):
    """How a kind of message is written in a stage."""

    strategy_id: UUID
    kind: str
    stage: str
    version: Annotated[int, Field(description="0: built in")]
    built_in: bool
    aim: str
    tone: str
    length: str
    call_to_action: str
    forbidden_claims: list[str]
    templates: Annotated[
        dict[str, dict[str, str]], Field(description="By channel: the template of `subject` and of `body`")
    ]


def draft_item(row: Row, now: datetime, lead: Lead | None) -> DraftItem:
    """A draft as a list shows it."""
    return DraftItem(**common_fields(row, now), lead=LeadView(**lead_fields(lead)) if lead else None)


def draft_view(row: Row, now: datetime, lead: Lead | None, warnings: Iterable[Caution] = ()) -> DraftView:
    """A draft with its present text, as the API shows it after an action."""
    shown = LeadView(**lead_fields(lead)) if lead else None
    return DraftView(
        **common_fields(row, now), made_from=row["made_from"], lead=shown, warnings=warning_views(warnings)
    )


def warning_views(warnings: Iterable[Caution]) -> list[WarningView]:
    """What to know before an approval, as the API shows it."""
    return [WarningView(kind=each.kind, message=each.message, draft_id=each.draft_id) for each in warnings]


_SAME = (
    "draft_id lead_id kind channel state sha256 subject body headers author version cause cause_id "
    "created_at expires_at snoozed_until reason decided_by decided_at replaces score"
).split()


def common_fields(row: Row, now: datetime) -> dict[str, Any]:
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


def lead_fields(lead: Lead) -> dict[str, Any]:
    """What every view of a lead has."""
    return {
        "name": lead.name,
        "company": lead.company,
        "score": lead.score_total if lead.score_band else None,
        "band": lead.score_band,
        "stage": lead.stage,
        "owner": lead.owner,
    }
