"""HTTP bodies, and the model of `lead.submitted` that the consumer validates with."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.capture.rules.contact import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_ATTRIBUTE_DEPTH,
    MAX_ATTRIBUTES,
    MAX_EXTERNAL_ID,
    MAX_SOURCE,
    MAX_TEXT,
    ContactNormaliser,
    normalise,
    read_attributes,
    shape_error,
)
from services.capture.rules.errors import FieldError
from services.capture.rules.text import clean, clean_json
from shared.events import LeadSubmitted

Line = Annotated[str, Field(max_length=MAX_TEXT)]


def _shallow(attributes: dict[str, Any]) -> dict[str, Any]:
    """Before anything else walks through them: what is nested deeper than a lead may be cannot even be copied."""
    if message := shape_error(attributes):
        raise PydanticCustomError("attributes", message)  # type: ignore[arg-type]
    return attributes


def _limited(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties have the limits of attributes."""
    _, errors = read_attributes(properties)
    if errors:
        raise PydanticCustomError("attributes", errors[0].message)  # type: ignore[arg-type]
    return properties


_LIMITS = Field(
    description=f"The tenant's own fields: at most {MAX_ATTRIBUTES}, nested at most {MAX_ATTRIBUTE_DEPTH} levels, "
    f"{MAX_ATTRIBUTE_CHARACTERS} characters in all",
    json_schema_extra={"maxProperties": MAX_ATTRIBUTES},
)
Attributes = Annotated[dict[str, Any], AfterValidator(_shallow), _LIMITS]
"""How large they are is checked when they are read (`rules.contact.normalise`), once for every way in."""


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

    source: Annotated[str, Field(max_length=MAX_SOURCE)]
    external_id: Annotated[str, Field(max_length=MAX_EXTERNAL_ID)] | None = None
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
    attributes: Attributes | None = None

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
    attributes: Attributes | None = None

    def raw(self) -> dict[str, Any]:
        """The fields that the request has. What is not known is handed on as it came, however deep it is nested."""
        known = self.model_dump(include={"consent", "attributes"}, exclude_unset=True)
        return {**(self.model_extra or {}), **known}


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
    properties: Annotated[dict[str, Any], AfterValidator(_limited), AfterValidator(clean_json), _LIMITS] | None = None
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
    encoding: str
    """What the file was when it was uploaded: the name of an encoding, or `xlsx`."""
    mapping: dict[str, str]
    """Which column, or path in a JSON record, fills which field."""
    unmapped: list[str]
    """The columns that no field takes; of an NDJSON file the names in its first rows."""


class ImportErrorOut(BaseModel):
    """Why a row was not taken."""

    line: int
    column: str | None
    value: str
    reason: str


class ImportWarningOut(ImportErrorOut):
    """What a person should know of a row that was taken as the lead `lead_id`: a value was left out, or is in doubt."""

    lead_id: UUID


def errors_out(errors: Sequence[FieldError]) -> list[dict[str, str]]:
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
