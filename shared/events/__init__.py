"""The events of Leadflow: one module per publisher, one frozen model per type and major version."""

from shared.events.base import Event
from shared.events.capture import (
    EngagementRecorded,
    FieldNote,
    LeadCaptured,
    LeadErased,
    LeadMerged,
    LeadUpdated,
    SubmissionAnswered,
)
from shared.events.catalogue import CATALOGUE
from shared.events.enrichment import Fact, LeadEnriched, ProviderRun
from shared.events.envelope import Envelope, Received
from shared.events.external import Consent, ContactFields, LeadSubmitted
from shared.events.goals import GoalAchieved, GoalProgressed
from shared.events.outreach import (
    ContactOptedOut,
    DraftCreated,
    DraftDecided,
    Evidence,
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
from shared.events.stages import (
    JourneySummary,
    LeadAssigned,
    LeadBecameHot,
    MeetingBooked,
    MeetingCancelled,
    StageChanged,
)
from shared.ids import revision_id

__all__ = [
    "CATALOGUE",
    "Consent",
    "ContactFields",
    "ContactOptedOut",
    "DraftCreated",
    "DraftDecided",
    "EngagementRecorded",
    "Envelope",
    "Event",
    "Evidence",
    "Fact",
    "FieldNote",
    "GoalAchieved",
    "GoalProgressed",
    "JourneySummary",
    "LeadAssigned",
    "LeadBecameHot",
    "LeadCaptured",
    "LeadEnriched",
    "LeadErased",
    "LeadMerged",
    "LeadScored",
    "LeadSubmitted",
    "LeadUpdated",
    "MeetingBooked",
    "MeetingCancelled",
    "MessageBounced",
    "MessageSent",
    "OutreachExhausted",
    "OutreachModeChanged",
    "ProviderRun",
    "Received",
    "ReplyReceived",
    "SequenceChanged",
    "SequenceEnrolled",
    "SequenceExited",
    "StageChanged",
    "SubmissionAnswered",
    "revision_id",
]
