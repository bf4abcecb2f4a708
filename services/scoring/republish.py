"""Scores as events again: for each lead the `lead.scored` of its highest revision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.scoring import store
from shared.db import UnitOfWork
from shared.events import LeadScored
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def lead_scored(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The scores of leads, but not of aliases, that were published since then."""
    return [
        StateEvent(
            LeadScored(
                lead_id=lead_id,
                fit=row.points[0],
                intent=row.points[1],
                engagement=row.points[2],
                total=sum(row.points),
                band=row.band,
                model_version=row.model_version,
                scored_at=row.scored_at,
                revision=row.revision,
            ),
            lead_id,
            row.scored_at,
            revision_id(LeadScored.type, lead_id, row.revision),
        )
        for lead_id, row in await store.published_scores(work, work.tenants[0], since, last, limit)
        if row.scored_at is not None
    ]


PAGES: dict[str, ReadPage] = {LeadScored.type: lead_scored}
