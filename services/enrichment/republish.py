"""Republish facts: for each lead, its latest `lead.enriched`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.enrichment.store import leads as store
from services.enrichment.use_cases.leads import enriched_event
from shared.db import UnitOfWork
from shared.events import LeadEnriched
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def enriched_page(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The facts of the leads that were enriched since then; aliases are left out."""
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


PAGES: dict[str, ReadPage] = {LeadEnriched.type: enriched_page}
