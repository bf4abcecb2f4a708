"""What outreach publishes: drafts, messages sent, replies and bounces, opt-outs, sequences."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, LongText, Model, Moment, Text, open_enum

Channel = Annotated[str, open_enum("email", "sms")]
Kind = Annotated[str, open_enum("first", "follow_up", "answer", "nurture", "sequence")]
Mode = Annotated[str, open_enum("email_only", "sms_only", "blended", otherwise="blended")]
Label = Literal[
    "interested",
    "question",
    "meeting_request",
    "later",
    "declined",
    "opt_out",
    "moved_company",
    "wrong_person",
    "out_of_office",
    "auto_reply",
    "bounce",
    "other",
]
"""What a reply says; an unknown one of a later version is read as `other`."""
ReplyLabel = Annotated[str, open_enum(*get_args(Label))]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class DraftCreated(Event):
    """A message was composed and waits for a human; `sha256` names its exact bytes."""

    type = "draft.created"
    publisher = "outreach"
    draft_id: UUID
    kind: Kind
    channel: Channel
    sha256: Sha256


class DraftDecided(Event):
    """A draft no longer waits for review: a human decided on exactly the bytes that `sha256` names, or it became void.

    A human approves or rejects; for `superseded` and `expired` the actor is `system:outreach`.
    """

    type = "draft.decided"
    publisher = "outreach"
    draft_id: UUID
    decision: Annotated[str, open_enum("approved", "rejected", "superseded", "expired")]
    actor: Text
    sha256: Sha256
    reason: LongText | None = None
    acknowledged_unsupported: list[LongText] | None = None


class MessageSent(Event):
    """A message was sent; `message_id` is its Message-ID without angle brackets, or the SMS provider's id."""

    type = "message.sent"
    publisher = "outreach"
    message_id: Text
    draft_id: UUID | None = None
    channel: Channel
    kind: Kind
    sequence_id: Text | None = None
    step: int | None = None


class MessageBounced(Event):
    """A message could not be delivered; `address_state` (valid, soft, invalid) is the address's state from now on.

    When an address becomes invalid, each lead that has it gets the event.
    """

    type = "message.bounced"
    publisher = "outreach"
    message_id: Text
    channel: Channel
    severity: Annotated[str, open_enum("hard", "soft", otherwise="soft")]
    code: Text | None = None
    detail: LongText | None = None
    address: Text | None = None
    address_state: Annotated[str, open_enum("valid", "soft", "invalid", otherwise="soft")]


class Evidence(Model):
    """A checklist item that the reply is evidence for, with the sentence relied on."""

    item: Text
    sentence: LongText


class ReplyReceived(Event):
    """The lead replied. Repeated with the same `reply_id` when the label changes: the latest `labelled_at` counts."""

    type = "reply.received"
    publisher = "outreach"
    reply_id: Text
    channel: Channel
    label: ReplyLabel
    confidence: float | None = None
    method: Text | None = None
    labelled_at: Moment
    evidence: list[Evidence] | None = None
    message_id: Text | None = None
    later_until: Text | None = None
    return_date: Text | None = None
    successor: Text | None = None
    wrong_address: bool | None = None
    excerpt: LongText | None = None


class ContactOptedOut(Event):
    """The lead, an operator or a blocklist closed a channel (`all`: every channel)."""

    type = "contact.opted_out"
    publisher = "outreach"
    channel: Annotated[str, open_enum("email", "sms", "all", otherwise="all")]
    how: Annotated[str, open_enum("reply", "stop_word", "unsubscribe", "operator", "blocklist", otherwise="blocklist")]
    reply_id: Text | None = None


class OutreachExhausted(Event):
    """Every named channel of the mode is used up, and the lead has not replied."""

    type = "outreach.exhausted"
    publisher = "outreach"
    mode: Mode
    channels: list[Channel]


class OutreachModeChanged(Event):
    """The outreach mode of a lead changed; one event for each affected lead."""

    type = "outreach.mode_changed"
    publisher = "outreach"
    mode: Mode
    previous: Mode | None = None


class SequenceEnrolled(Event):
    """The lead was enrolled in a sequence."""

    type = "sequence.enrolled"
    publisher = "outreach"
    enrolment_id: Text
    sequence_id: Text
    reason: Text | None = None
    actor: Text | None = None
    note: LongText | None = None


class SequenceExited(Event):
    """The lead's enrolment in a sequence ended."""

    type = "sequence.exited"
    publisher = "outreach"
    enrolment_id: Text
    sequence_id: Text
    reason: Text | None = None
    actor: Text | None = None
    note: LongText | None = None


class SequenceChanged(Event):
    """The lead's enrolment in a sequence was paused, goes on, was moved, or is restored: its end was a mistake."""

    type = "sequence.changed"
    publisher = "outreach"
    enrolment_id: Text
    sequence_id: Text
    change: Annotated[str, open_enum("paused", "resumed", "moved", "restored")]
    actor: Text
    reason: Text | None = None
    note: LongText | None = None
