"""HTTP bodies, and `lead.submitted` as it is read here."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.capture.rules.contact import Problem, Readers, clean, clean_json, normalise
from shared.events import LeadSubmitted

Line = Annotated[str, Field(max_length=2_000)]


def _said(text: str) -> str | None:
    return clean(text) or None


class Body(BaseModel):
    """A body may carry more than we read; what is wrong with it is said without repeating it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class ConsentIn(Body):
    email: Literal["granted", "denied", "unknown"] = "unknown"
    sms: Literal["granted", "denied", "unknown"] = "unknown"
    basis: Line | None = None
    source: Line | None = None
    at: AwareDatetime | None = None


class LeadIn(Body):
    """A lead as another system submits it. `source` and at least one of `email` and `phone` are needed."""

    source: Line
    external_id: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    first_name: Line | None = None
    last_name: Line | None = None
    full_name: Line | None = None
    company: Line | None = None
    job_title: Line | None = None
    website: Line | None = None
    country: Line | None = None
    timezone: Line | None = None
    campaign: Line | None = None
    owner: Line | None = None
    consent: ConsentIn | None = None
    attributes: dict[str, Any] | None = None

    def given(self) -> dict[str, Any]:
        """What was said, as `rules.contact.normalise` reads it."""
        return self.model_dump(exclude_unset=True)


class BatchIn(Body):
    """Up to 1,000 leads, each judged by itself."""

    leads: Annotated[list[Any], Field(max_length=1_000, json_schema_extra={"items": LeadIn.model_json_schema()})]


class LeadEdit(Body):
    """The fields to change; null clears one, `attributes` are changed one by one. What is no such field is not read."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    consent: ConsentIn | None = None
    attributes: dict[str, Any] | None = None


class MergeIn(Body):
    alias_id: UUID


class DecisionIn(Body):
    """`keep` names the lead that stays; the older one unless it is given."""

    decision: Literal["merge", "distinct"]
    keep: UUID | None = None


class EngagementIn(Body):
    """What a lead did, as one of ours or another system saw it."""

    lead_id: UUID
    kind: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100)]
    page: Annotated[Line, AfterValidator(_said)] | None = None
    url: Annotated[Line, AfterValidator(_said)] | None = None
    properties: Annotated[dict[str, Any], AfterValidator(clean_json)] | None = None
    occurred_at: AwareDatetime | None = None


class Pair(BaseModel):
    """Two leads that may be one person; `score` from 0 to 1 says how likely."""

    id: UUID
    lead_ids: list[UUID]
    score: float
    reasons: list[str]
    found_on: AwareDatetime


class ImportOut(BaseModel):
    """How far an import is; `total` is an estimate until it is done."""

    import_id: UUID
    state: Literal["running", "done", "failed"]
    read: int
    taken: int
    rejected: int
    total: int | None
    source: str
    file: str
    created_on: AwareDatetime
    finished_on: AwareDatetime | None
    reason: str | None


class ImportErrorOut(BaseModel):
    """Why one row was not taken."""

    line: int
    column: str | None
    value: str
    reason: str


class ImportWarningOut(ImportErrorOut):
    """What a row was taken without; `lead_id` is the lead that it became."""

    lead_id: UUID


def said_wrong(problems: list[Problem]) -> list[dict[str, str]]:
    """Problems as answers say them: without the value."""
    return [{"field": problem.field, "message": problem.message} for problem in problems]


def submitted_model(readers: Readers) -> type[LeadSubmitted]:
    """`lead.submitted` that is valid only if it makes a lead.

    So a record that cannot be taken goes to the dead letters by itself while the batch is decoded, with the reason, and
    the batch beside it need not be taken apart to find it. Each has a `contact`: itself in normal form.
    """

    class Submitted(LeadSubmitted):
        @model_validator(mode="after")
        def _normalise(self) -> "Submitted":
            contact, problems = normalise(vars(self), readers)
            if contact is None:
                raise ValueError("; ".join(f"{problem.field} {problem.message}" for problem in problems))
            vars(self)["contact"] = contact  # beside the fields, where a cached property is kept too
            return self

    return Submitted
