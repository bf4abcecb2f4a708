"""What the stage service reads: every event that is about a lead. Stored activities are the inbox."""

from services.stages.use_cases.arrivals import take
from shared.events import (
    ContactOptedOut,
    DraftCreated,
    DraftDecided,
    EngagementRecorded,
    LeadAssigned,
    LeadCaptured,
    LeadEnriched,
    LeadErased,
    LeadMerged,
    LeadScored,
    LeadUpdated,
    MeetingBooked,
    MeetingCancelled,
    MessageBounced,
    MessageSent,
    OutreachExhausted,
    OutreachModeChanged,
    ReplyReceived,
    SequenceEnrolled,
    SequenceExited,
)

READS = (
    LeadCaptured,
    LeadUpdated,
    LeadMerged,
    LeadErased,
    EngagementRecorded,
    LeadEnriched,
    LeadScored,
    DraftCreated,
    DraftDecided,
    MessageSent,
    MessageBounced,
    ReplyReceived,
    ContactOptedOut,
    OutreachExhausted,
    OutreachModeChanged,
    SequenceEnrolled,
    SequenceExited,
    MeetingBooked,
    MeetingCancelled,
    LeadAssigned,
)

handle = take
"""One batch at a time; `take` is the function to call in a test."""
