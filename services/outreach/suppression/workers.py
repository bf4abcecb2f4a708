"""Tells the leads of a blocklisted domain, a page at a time, so that bulk work does not delay the next reply."""

from services.outreach.suppression import store
from services.outreach.suppression.use_cases import blocklisted
from shared.db import Database
from shared.store import outbox

PAGE = 500


async def tell_domains(database: Database) -> int:
    """One page of one domain; how many leads were told."""
    async with database.worker() as work:
        job = await work.fetch_one("SELECT tenant_id, suppression_id FROM domain_job ORDER BY random() LIMIT 1")
        if job is None or not await outbox.is_short(work):
            return 0
    tenant = job["tenant_id"]
    async with database.worker([tenant]) as work:
        row = await work.fetch_one(
            """
            SELECT j.after_lead, s.domain_hash FROM domain_job j
            JOIN suppression s ON s.tenant_id = j.tenant_id AND s.suppression_id = j.suppression_id
            WHERE j.tenant_id = :tenant AND j.suppression_id = :id FOR UPDATE OF j SKIP LOCKED
            """,
            tenant=tenant,
            id=job["suppression_id"],
        )
        if row is None:
            return 0
        leads = await store.leads_with(work, tenant, bytes(row["domain_hash"]), after=row["after_lead"], limit=PAGE)
        for lead_id in await store.mark_opted_out(work, tenant, leads):
            await blocklisted(work, tenant, lead_id)
        if len(leads) < PAGE:
            await work.run(
                "DELETE FROM domain_job WHERE tenant_id = :tenant AND suppression_id = :id",
                tenant=tenant,
                id=job["suppression_id"],
            )
        else:
            await work.run(
                "UPDATE domain_job SET after_lead = :after WHERE tenant_id = :tenant AND suppression_id = :id",
                after=leads[-1],
                tenant=tenant,
                id=job["suppression_id"],
            )
    return max(1, len(leads))
