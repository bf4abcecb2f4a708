"""Republish facts: for each lead, its latest `lead.enriched`.

Aliases too: what readers know of a merged lead includes the facts of its aliases, and counts again after an undo.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.enrichment.store import leads as store
from services.enrichment.use_cases.leads import enriched_event
from shared.db import UnitOfWork
from shared.events import LeadEnriched
from shared.ids import revision_id
from shared.limits import REVISIONS_RAISED
from shared.messaging.republish import ReadPage, StateEvent
from shared.store.leads import lock_page


async def enriched_page(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The facts of the leads that were enriched since then."""
    return [
        StateEvent(
            event=enriched_event(record),
            subject=record.lead_id,
            time=record.enriched_at,
            event_id=revision_id(LeadEnriched.type, record.lead_id, record.revision),
        )
        for record in await store.enriched_leads(work, work.tenants[0], since, last, limit)
        if record.enriched_at is not None
    ]


async def raise_page(work: UnitOfWork, after: UUID | None, limit: int) -> dict[UUID, int]:
    """The facts of the enriched leads, as an enrichment of now."""
    records = await store.raise_revisions(work, await lock_page(work, after, limit), REVISIONS_RAISED)
    for record in records:
        if record.enriched_at is not None:
            work.emit(
                enriched_event(record),
                tenant=record.tenant,
                subject=record.lead_id,
                time=record.enriched_at,
                event_id=revision_id(LeadEnriched.type, record.lead_id, record.revision),
            )
    return {record.lead_id: record.revision for record in records}


PAGES: dict[str, ReadPage] = {LeadEnriched.type: enriched_page}
