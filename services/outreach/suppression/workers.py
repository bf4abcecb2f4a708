"""Workers of suppression."""

from services.outreach.suppression import store
from services.outreach.suppression.use_cases import opt_out_domain_page
from shared.db import Database
from shared.store import outbox


async def close_domain_leads(database: Database) -> int:
    """Opt out one page of the leads of a blocklisted domain; how many. Waits while the outbox is long."""
    async with database.worker() as work:
        job = await store.next_domain_job(work)
        if job is None or not await outbox.is_short(work):
            return 0
    tenant, suppression_id = job
    async with database.worker([tenant]) as work:
        return await opt_out_domain_page(work, tenant, suppression_id)
