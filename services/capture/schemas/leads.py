"""HTTP bodies of leads and their engagement, and the model of `lead.submitted` that the consumer validates with."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.capture.rules.contact import (
    ContactNormaliser,
    normalise,
    read_attributes,
)
from services.capture.rules.text import clean_json
from services.capture.schemas.bodies import Body, Line, errors_out, sentence_of
from shared.attributes import MAX_ATTRIBUTE_CHARACTERS, MAX_ATTRIBUTE_DEPTH, MAX_ATTRIBUTES, shape_error
from shared.errors import Invalid
from shared.events import LeadSubmitted
from shared.events.base import LifeMoment, Moment
from shared.events.external import ConsentChoice
from shared.limits import MAX_EXTERNAL_ID, MAX_OWNER, MAX_SOURCE
from shared.text import clean


def _shallow(attributes: dict[str, Any]) -> dict[str, Any]:
    """Before anything else walks through them: what is nested deeper than a lead may be cannot even be copied."""
    if message := shape_error(attributes):
        raise PydanticCustomError("attributes", message)  # type: ignore[arg-type]
    return attributes


def _limited(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties have the limits of attributes."""
    taken, errors = read_attributes(properties)
    if taken is None:
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


class ConsentIn(Body):
    email: ConsentChoice = "unknown"
    sms: ConsentChoice = "unknown"
    basis: Line | None = None
    source: Line | None = None
    at: Moment | None = None


_LEAD = {
    "source": "website",
    "external_id": "w-4711",
    "email": "ada@lovelace.example",
    "phone": "+442079460958",
    "full_name": "Ada Lovelace",
    "company": "Analytical Ltd",
    "job_title": "CTO",
    "country": "GB",
    "campaign": "spring",
    "consent": {"email": "granted", "basis": "form"},
    "attributes": {"plan": "team"},
}


_OWNER = f"Who looks after the lead; one of more than {MAX_OWNER} characters is left out with a warning"


class LeadIn(Body):
    """A submitted lead. `source` and at least one of `email` and `phone` are needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LEAD]})

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
    owner: Annotated[Line, Field(description=_OWNER)] | None = None
    consent: ConsentIn | None = None
    attributes: Attributes | None = None

    def raw(self) -> dict[str, Any]:
        """The fields that the request has, for `rules.contact.normalise`."""
        return self.model_dump(exclude_unset=True)


class BatchIn(Body):
    """Up to 1,000 leads. An invalid one does not affect the others."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"leads": [_LEAD, {"source": "website", "phone": "+442079460999"}]}]}
    )

    # Each is read by itself, so that an invalid one costs no other.
    leads: Annotated[
        list[Any], Field(max_length=1_000, json_schema_extra={"items": {"$ref": "#/components/schemas/LeadIn"}})
    ]


class LeadEdit(Body):
    """The fields to change; null clears a field, `attributes` are changed one by one. Unknown fields are ignored."""

    model_config = ConfigDict(
        extra="allow",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"job_title": "CEO", "campaign": None, "attributes": {"plan": "enterprise"}}]},
    )

    consent: ConsentIn | None = None
    attributes: Attributes | None = None

    def raw(self) -> dict[str, Any]:
        """The fields that the request has. What is not known is handed on as it came, however deep it is nested."""
        known = self.model_dump(include={"consent", "attributes"}, exclude_unset=True)
        return {**(self.model_extra or {}), **known}


class EngagementIn(Body):
    """Something that a lead did, such as a visit or a download."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                    "kind": "visit",
                    "page": "/pricing",
                    "occurred_at": "2026-03-02T09:30:00Z",
                }
            ]
        }
    )

    lead_id: UUID
    kind: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100)]
    page: Annotated[Line, AfterValidator(_line_or_none)] | None = None
    url: Annotated[Line, AfterValidator(_line_or_none)] | None = None
    properties: Annotated[dict[str, Any], AfterValidator(_limited), AfterValidator(clean_json), _LIMITS] | None = None
    occurred_at: LifeMoment | None = None


class Submitted(LeadIn, LeadSubmitted):
    """`lead.submitted` as capture reads it: the body of `POST /v1/leads`, so that both ways in have the same rules.

    Its `contact` is the submission in normal form, its `errors` are what was left out or is in doubt.
    """


def submitted_model(normaliser: ContactNormaliser) -> type[Submitted]:
    """The model of `lead.submitted` that is valid only if it makes a lead.

    So a record that makes no lead is refused, with the reason, while the batch is decoded. The transaction of the
    other records does not have to fail to find it.
    """

    class Normalised(Submitted):
        @model_validator(mode="after")
        def _reachable(self) -> "Normalised":
            # In the place of the check that an address is there: it is one of those that `normalise` makes.
            contact, errors = normalise(self.raw(), normaliser)
            if contact is None:
                raise Invalid(f"the data is not valid: {sentence_of(errors)}", errors_out(errors))
            # The model is frozen: what follows from its fields is put beside them.
            vars(self)["contact"], vars(self)["errors"] = contact, errors
            return self

    return Normalised
