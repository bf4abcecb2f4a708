"""The events as plain pydantic models, as in the docs. (Ours are strict, and are read only from JSON.)"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Consent(BaseModel):
    email: str = "unknown"
    sms: str = "unknown"
    basis: str | None = None
    source: str | None = None
    at: datetime | None = None


class ContactFields(BaseModel):
    source: str
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    company: str | None = None
    job_title: str | None = None
    website: str | None = None
    country: str | None = None
    timezone: str | None = None
    campaign: str | None = None
    owner: str | None = None
    consent: Consent | None = None
    attributes: dict[str, Any] | None = None


class LeadSubmitted(ContactFields):
    pass


class LeadCaptured(ContactFields):
    lead_id: UUID
    created_on: datetime
    version: int = 1


class LeadScored(BaseModel):
    lead_id: UUID
    fit: int
    intent: int
    engagement: int
    total: int
    band: str
    model_version: int
    scored_at: datetime
    revision: int


class StageChanged(BaseModel):
    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    lead_id: UUID
    from_: str = Field(alias="from")
    to: str
    from_status: str
    status: str
    rule: str
    actor: str
    reason: str
    caused_by: str
    occurred_at: datetime
    recorded_at: datetime
    revision: int
    journey: dict[str, Any]
