"""HTTP bodies, and the model of `lead.submitted` that the consumer validates with."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.capture.rules.contact import ContactNormaliser, normalise
from services.capture.rules.errors import FieldError
from services.capture.rules.text import clean, clean_json
from shared.events import LeadSubmitted

Line = Annotated[str, Field(max_length=2_000)]


def _line_or_none(text: str) -> str | None:
    return clean(text) or None


class Body(BaseModel):
    """A request body. Unknown fields are ignored, and validation errors do not repeat the input."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class ConsentIn(Body):
    email: Literal["granted", "denied", "unknown"] = "unknown"
    sms: Literal["granted", "denied", "unknown"] = "unknown"
    basis: Line | None = None
    source: Line | None = None
    at: AwareDatetime | None = None


class LeadIn(Body):
    """A submitted lead. `source` and at least one of `email` and `phone` are needed."""

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

    def raw(self) -> dict[str, Any]:
        """The fields that the request has, for `rules.contact.normalise`."""
        return self.model_dump(exclude_unset=True)


class BatchIn(Body):
    """Up to 1,000 leads. An invalid one does not affect the others."""

    leads: Annotated[list[Any], Field(max_length=1_000, json_schema_extra={"items": LeadIn.model_json_schema()})]


class LeadEdit(Body):
    """The fields to change; null clears a field, `attributes` are changed one by one. Unknown fields are ignored."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    consent: ConsentIn | None = None
    attributes: dict[str, Any] | None = None


class MergeIn(Body):
    alias_id: UUID


class DecisionIn(Body):
    """`keep` names the lead that stays; by default the older one."""

    decision: Literal["merge", "distinct"]
    keep: UUID | None = None


class EngagementIn(Body):
    """Something that a lead did, such as a visit or a download."""

    lead_id: UUID
    kind: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100)]
    page: Annotated[Line, AfterValidator(_line_or_none)] | None = None
    url: Annotated[Line, AfterValidator(_line_or_none)] | None = None
    properties: Annotated[dict[str, Any], AfterValidator(clean_json)] | None = None
    occurred_at: AwareDatetime | None = None


class DuplicatePairOut(BaseModel):
    """Two leads that may be one person. `score`: how likely, from 0 to 1."""

    id: UUID
    lead_ids: list[UUID]
    score: float
    reasons: list[str]
    found_on: AwareDatetime


class ImportOut(BaseModel):
    """The progress of an import; `total` is an estimate until it is done."""

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
    """Why a row was not taken."""

    line: int
    column: str | None
    value: str
    reason: str


class ImportWarningOut(ImportErrorOut):
    """A bad value that was left out of a row that was taken as the lead `lead_id`."""

    lead_id: UUID


def errors_out(errors: list[FieldError]) -> list[dict[str, str]]:
    """Field errors as answers have them, without the values."""
    return [{"field": error.field, "message": error.message} for error in errors]


def submitted_model(normaliser: ContactNormaliser) -> type[LeadSubmitted]:
    """The model of `lead.submitted` that is valid only if it makes a lead; `contact` has it in normal form.

    So a record that makes no lead becomes a dead letter, with the reason, while the batch is decoded. The transaction
    of the other records does not have to fail to find it.
    """

    class Submitted(LeadSubmitted):
        @model_validator(mode="after")
        def _normalise(self) -> "Submitted":
            contact, errors = normalise(vars(self), normaliser)
            if contact is None:
                raise ValueError("; ".join(f"{error.field} {error.message}" for error in errors))
            # The model is frozen: `contact` is put beside its fields, where a cached property would also be.
            vars(self)["contact"] = contact
            return self

    return Submitted
