"""Republish scores: for each lead, the `lead.scored` of its highest revision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.scoring import store
from services.scoring.use_cases import scored_event
from shared.db import UnitOfWork
from shared.events import LeadScored
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def scores_page(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The scores that were published since then; aliases are left out."""
    return [
        StateEvent(
            event=scored_event(lead_id, record),
            subject=lead_id,
            time=record.scored_at,
            event_id=revision_id(LeadScored.type, lead_id, record.revision),
        )
        for (_, lead_id), record in await store.published_scores(work, work.tenants[0], since, last, limit)
        if record.scored_at is not None
    ]


PAGES: dict[str, ReadPage] = {LeadScored.type: scores_page}
