"""The events that scoring reads, in batches."""

from typing import Any

from services.scoring.use_cases import Models, take_signals
from shared.db import UnitOfWork
from shared.events import (
    EngagementRecorded,
    Event,
    LeadCaptured,
    LeadEnriched,
    LeadErased,
    LeadMerged,
    LeadUpdated,
    MeetingBooked,
    MeetingCancelled,
    MessageSent,
    Received,
    ReplyReceived,
)
from shared.messaging import Handle

READS: tuple[type[Event], ...] = (
    LeadCaptured,
    LeadUpdated,
    LeadMerged,
    LeadErased,
    LeadEnriched,
    EngagementRecorded,
    MessageSent,
    ReplyReceived,
    MeetingBooked,
    MeetingCancelled,
)


def handler(models: Models) -> Handle:
    """Each event is stored as a signal and the leads of the batch are scored, all at once."""

    async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
        await take_signals(work, models, batch)

    return handle
