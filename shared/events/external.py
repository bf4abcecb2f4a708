"""What other systems publish. They may also publish `engagement.recorded`, `meeting.booked` and `meeting.cancelled`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from shared.events.base import LIMITED, NOT_BLANK, Event, Model, Moment, Text, open_enum
from shared.limits import MAX_EXTERNAL_ID, MAX_SOURCE

OTHER_SYSTEMS = "other systems"
"""The publisher of what no service publishes."""

ConsentChoice = Literal["granted", "denied", "unknown"]
Choice = Annotated[str, open_enum(*get_args(ConsentChoice), otherwise="unknown")]


class Consent(Model):
    """What the lead allowed on each channel, on which basis, with source and time."""

    email: Choice = "unknown"
    sms: Choice = "unknown"
    basis: Text | None = None
    source: Text | None = None
    at: Moment | None = None


class ContactFields(Model):
    """The contact details of a lead, all optional: as they were submitted or, published by capture, normalised."""

    external_id: Text | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    phone: Annotated[str, Field(max_length=64)] | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    company: Text | None = None
    job_title: Text | None = None
    website: Text | None = None
    country: Text | None = None
    timezone: Text | None = None
    campaign: Text | None = None
    owner: Text | None = None
    consent: Consent | None = None
    attributes: dict[str, Any] | None = None


class SubmittedConsent(Consent):
    """What the lead allowed, as it is submitted. A choice that is none of these refuses the lead: it may deny."""

    email: ConsentChoice = "unknown"
    sms: ConsentChoice = "unknown"


class LeadSubmitted(ContactFields, Event):
    """Another system submits a lead, with a source and at least one of e-mail and phone."""

    type = "lead.submitted"
    publisher = OTHER_SYSTEMS
    needs_subject = False
    source: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE, json_schema_extra=NOT_BLANK)]
    external_id: Annotated[str, Field(max_length=MAX_EXTERNAL_ID)] | None = None
    email: Text | None = None
    phone: Text | None = None
    consent: SubmittedConsent | None = None
    attributes: Annotated[dict[str, Any], Field(json_schema_extra=LIMITED)] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "LeadSubmitted":
        if not (self.email or "").strip() and not (self.phone or "").strip():
            raise ValueError("at least one of email and phone is needed")
        return self
