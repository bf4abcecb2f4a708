"""State of outreach as events: which leads are, or were, enrolled in which sequence."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.outreach.sequences.store import enrolments
from services.outreach.sequences.use_cases.enrolling import enrolled_event, exited_event
from shared.db import UnitOfWork
from shared.events import SequenceEnrolled, SequenceExited
from shared.messaging.republish import ReadPage, StateEvent


async def sequence_enrolled(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The `sequence.enrolled` of each enrolment that began since then."""
    found = await enrolments.begun_since(work, since, last, limit)
    return [
        StateEvent(event, each.lead_id, each.created_at, event_id)
        for each in found
        for event, event_id in [enrolled_event(each)]
    ]


async def sequence_exited(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The `sequence.exited` of each enrolment that ended since then."""
    found = await enrolments.ended_since(work, since, last, limit)
    return [
        StateEvent(event, each.lead_id, each.ended_at or each.created_at, event_id)
        for each in found
        for event, event_id in [exited_event(each)]
    ]


PAGES: dict[str, ReadPage] = {SequenceEnrolled.type: sequence_enrolled, SequenceExited.type: sequence_exited}
