"""Who reads and who writes which event type. The consumers of the services, the documents and the ACLs follow it."""

from collections.abc import Mapping

from shared.events.base import Event
from shared.events.capture import EngagementRecorded, LeadCaptured, LeadErased, LeadMerged, LeadUpdated
from shared.events.enrichment import LeadEnriched
from shared.events.external import OTHER_SYSTEMS, LeadSubmitted
from shared.events.outreach import (
    ContactOptedOut,
    DraftCreated,
    DraftDecided,
    MessageBounced,
    MessageSent,
    OutreachExhausted,
    OutreachModeChanged,
    ReplyReceived,
    SequenceChanged,
    SequenceEnrolled,
    SequenceExited,
)
from shared.events.scoring import LeadScored
from shared.events.stages import LeadAssigned, LeadBecameHot, MeetingBooked, MeetingCancelled, StageChanged

_LEADS: tuple[type[Event], ...] = (LeadCaptured, LeadUpdated, LeadMerged, LeadErased)
_MEETINGS: tuple[type[Event], ...] = (MeetingBooked, MeetingCancelled)

READS: Mapping[str, tuple[type[Event], ...]] = {
    "capture": (LeadSubmitted,),
    "enrichment": _LEADS,
    "scoring": (*_LEADS, EngagementRecorded, LeadEnriched, *_MEETINGS, MessageSent, ReplyReceived),
    "stages": (
        *_LEADS,
        EngagementRecorded,
        LeadEnriched,
        LeadScored,
        LeadAssigned,
        *_MEETINGS,
        DraftCreated,
        DraftDecided,
        MessageSent,
        MessageBounced,
        ReplyReceived,
        ContactOptedOut,
        OutreachExhausted,
        OutreachModeChanged,
        SequenceChanged,
        SequenceEnrolled,
        SequenceExited,
    ),
    "outreach": (*_LEADS, LeadEnriched, LeadScored, StageChanged, LeadBecameHot),
    "goals": (*_LEADS, StageChanged, *_MEETINGS),
}
"""The event types that each service reads."""

OTHERS_MAY_WRITE: tuple[type[Event], ...] = (LeadSubmitted, EngagementRecorded, MeetingBooked, MeetingCancelled)
"""What other systems may publish; every other topic has one writer, its publisher."""
SERVICES_MAY_WRITE: Mapping[str, tuple[type[Event], ...]] = {"capture": _MEETINGS}
"""What a service publishes for other systems that cannot: calendars send their meetings to a webhook of capture."""
READS_BACK: Mapping[str, tuple[type[Event], ...]] = {
    "outreach": (DraftDecided, MessageSent, ReplyReceived, ContactOptedOut, SequenceExited)
}
"""What a service reads of its own events after a restore (`leadflow read-back`), and never else."""


def readers(event: type[Event]) -> list[str]:
    """The services that read an event type, in the order of the pipeline."""
    return [service for service, reads in READS.items() if event in reads]


def writers(event: type[Event]) -> list[str]:
    """Who publishes an event type."""
    own = [] if event.publisher == OTHER_SYSTEMS else [event.publisher]
    own += [service for service, events in SERVICES_MAY_WRITE.items() if event in events]
    return own + ([OTHER_SYSTEMS] if event in OTHERS_MAY_WRITE else [])
