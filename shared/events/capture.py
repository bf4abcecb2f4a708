"""What capture publishes: who the leads are."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, field_validator

from shared.attributes import free_fields_error
from shared.events.base import LIMITED, NOT_BLANK, Event, Model, Moment, Text, open_enum
from shared.events.external import ContactFields
from shared.strict_json import with_long_numbers_as_text
from shared.text import not_blank


class LeadCaptured(ContactFields, Event):
    """A new lead was captured. Contact fields are normalised (e-mail with a lower-case domain, phone as E.164)."""

    type = "lead.captured"
    publisher = "capture"
    lead_id: UUID
    source: Text
    created_on: Moment
    version: int = 1


class LeadUpdated(ContactFields, Event):
    """A lead's details changed: all details as they are now, the names of those that changed, and what they were.

    `before` has the values that were replaced or cleared; `attributes` and `consent` in it hold only the parts that
    changed. A field that had no value before is not in it, nor is what an undone merge gives back to the other lead.
    """

    type = "lead.updated"
    publisher = "capture"
    lead_id: UUID
    source: Text
    created_on: Moment
    changed: list[str]
    version: int
    before: dict[str, Any] | None = None


class LeadMerged(Event):
    """`alias_id` became an alias of `lead_id`; with `undone`, it is a lead again. The greatest version counts."""

    type = "lead.merged"
    publisher = "capture"
    lead_id: UUID
    alias_id: UUID
    merge_id: UUID
    version: int
    undone: bool = False


class LeadErased(Event):
    """The person was erased: every service deletes what it knows of the person and keeps the counts.

    Each alias of the person has an event of its own.
    """

    type = "lead.erased"
    publisher = "capture"
    lead_id: UUID


class FieldNote(Model):
    """What is wrong or doubtful about one field, as a sentence that never repeats the value."""

    field: Text
    message: Text


class SubmissionAnswered(Event):
    """What became of a `lead.submitted`: its lead is `new` or `known`, or it was `refused` and made none.

    A refused submission is a dead letter too; when that is replayed and passes, a second answer follows. The subject
    is the lead's id; the answer to a refused submission has neither subject nor key.
    """

    type = "submission.answered"
    publisher = "capture"
    needs_subject = False
    submission_id: Text
    submission_source: Text
    outcome: Annotated[str, open_enum("new", "known", "refused")]
    lead_id: UUID | None = None
    warnings: list[FieldNote] | None = None
    reason: Text | None = None


class EngagementRecorded(Event):
    """The lead did something: visit, form, open, click, download, webinar, trial, or a tenant's own kind.

    A whole number beyond 64 bits in the properties is read as a text.
    """

    type = "engagement.recorded"
    publisher = "capture"
    kind: Annotated[str, Field(min_length=1, max_length=100, json_schema_extra=NOT_BLANK), AfterValidator(not_blank)]
    page: Text | None = None
    url: Text | None = None
    properties: Annotated[dict[str, Any], Field(json_schema_extra=LIMITED)] | None = None

    @field_validator("properties")
    @classmethod
    def _limited(cls, properties: dict[str, Any] | None) -> dict[str, Any] | None:
        if properties is not None and (message := free_fields_error(properties)):
            raise ValueError(message)
        return properties and with_long_numbers_as_text(properties)
