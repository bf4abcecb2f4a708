"""Facts as events again: for each lead the last `lead.enriched`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.enrichment import store
from services.enrichment.use_cases import told
from shared.db import UnitOfWork
from shared.events import LeadEnriched
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def lead_enriched(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The facts of leads, but not of aliases, that were published since then."""
    return [
        StateEvent(told(row), row.lead[1], row.enriched_at, revision_id(LeadEnriched.type, row.lead[1], row.revision))
        for row in await store.enriched_leads(work, work.tenants[0], since, last, limit)
        if row.enriched_at is not None
    ]


PAGES: dict[str, ReadPage] = {LeadEnriched.type: lead_enriched}
