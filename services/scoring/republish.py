"""Republish scores: for each lead, the `lead.scored` of its highest revision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.scoring import store
from services.scoring.use_cases import ModelCache, reasons_of, recompute_scores, scored_event
from shared.db import UnitOfWork
from shared.events import LeadScored
from shared.ids import revision_id
from shared.limits import REVISIONS_RAISED
from shared.messaging.republish import ReadPage, StateEvent
from shared.store.leads import lock_page


async def scores_page(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The scores that were published since then; aliases are left out."""
    page = await store.published_scores(work, work.tenants[0], since, last, limit)
    scored_at = {lead: record.scored_at for lead, record in page if record.scored_at is not None}
    reasons = await reasons_of(work, ModelCache(), scored_at)
    return [
        StateEvent(
            event=scored_event(lead[1], record, reasons[lead]),
            subject=lead[1],
            time=scored_at[lead],
            event_id=revision_id(LeadScored.type, lead[1], record.revision),
        )
        for lead, record in page
        if lead in scored_at
    ]


async def raise_page(work: UnitOfWork, after: UUID | None, limit: int) -> dict[UUID, int]:
    """The scores as they are now, computed and published anew: readers order them by their time."""
    (tenant,) = work.tenants
    # The same order of locks as in a rescore: first the models, then the leads.
    await store.lock_models(work, [tenant])
    page = {(tenant, lead_id): None for lead_id in await lock_page(work, after, limit)}
    revisions = await store.raise_revisions(work, page, REVISIONS_RAISED)
    await recompute_scores(work, ModelCache(), page, publish_same=page)
    return {lead_id: revision for (_, lead_id), revision in revisions.items()}


PAGES: dict[str, ReadPage] = {LeadScored.type: scores_page}
