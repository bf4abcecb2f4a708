"""HTTP bodies that show leads and their engagement."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.events.base import Moment, Text
from shared.events.external import ContactFields
from shared.http import FieldError

_LEAD = {
    "external_id": "w-4711",
    "email": "ada@lovelace.example",
    "phone": "+442079460958",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "full_name": "Ada Lovelace",
    "company": "Analytical Ltd",
    "job_title": "CTO",
    "country": "GB",
    "campaign": "spring",
    "consent": {"email": "granted", "sms": "unknown", "basis": "form"},
    "attributes": {"plan": "team"},
    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
    "source": "website",
    "created_on": "2026-03-02T09:30:00Z",
    "version": 1,
    "updated_on": "2026-03-02T09:30:00Z",
}


class LeadOut(ContactFields):
    """A lead with its details in normal form. A field whose value is not known is absent."""

    model_config = ConfigDict(strict=False)

    lead_id: UUID
    source: Text
    created_on: Moment
    version: int
    """Counts the changes; the ETag of the lead."""
    updated_on: Moment


class FoundLead(LeadOut):
    """A lead as it is read, with the ids of the leads that were merged into it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_LEAD, "aliases": ["01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e02"]}]}
    )

    aliases: list[UUID]


class SubmittedLead(LeadOut):
    """The lead of a submission. `warnings`: what was left out of the submission, or is in doubt."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_LEAD, "warnings": [{"field": "website", "message": "is not a web address"}]}]
        }
    )

    warnings: list[FieldError] | None = None


class BatchResult(BaseModel):
    """What became of one lead of a batch: it is new (201), was known (200), or is not valid (422)."""

    status: Literal[200, 201, 422]
    lead_id: UUID | None = Field(None, description="Of a lead that was recorded")
    errors: list[FieldError] | None = Field(None, description="Why it was not recorded")
    warnings: list[FieldError] | None = Field(None, description="What was left out of it, or is in doubt")


class BatchOut(BaseModel):
    """The result of each lead of a batch, in the order of the request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {"status": 201, "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01"},
                        {"status": 422, "errors": [{"field": "email", "message": "there is no @"}]},
                    ]
                }
            ]
        }
    )

    results: list[BatchResult]


class EngagementOut(BaseModel):
    """The id of the `engagement.recorded` that was published, and the lead that it is about."""

    event_id: str
    lead_id: UUID
