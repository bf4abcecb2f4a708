"""Forgetting a person: texts, approvals, dispatches, replies. What is closed stays closed, by keyed hash."""

from uuid import UUID

from services.outreach.store import family, lead_of
from services.outreach.suppression.store import lock_addresses
from shared.db import UnitOfWork
from shared.store.erasure import record_erasure

_STEPS = (
    """DELETE FROM dispatch d USING draft f WHERE f.tenant_id = d.tenant_id AND f.draft_id = d.draft_id
       AND d.tenant_id = :tenant AND f.lead_id = :lead""",
    """DELETE FROM approval a USING draft f WHERE f.tenant_id = a.tenant_id AND f.draft_id = a.draft_id
       AND a.tenant_id = :tenant AND f.lead_id = :lead""",
    """WITH gone AS (DELETE FROM draft WHERE tenant_id = :tenant AND lead_id = :lead RETURNING draft_id)
       SELECT draft_id FROM gone""",
    "DELETE FROM composition WHERE tenant_id = :tenant AND lead_id = :lead",
    "DELETE FROM reply WHERE tenant_id = :tenant AND lead_id = :lead",
    "DELETE FROM lead WHERE tenant_id = :tenant AND lead_id = :lead",
)


async def erase(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Forget the lead and those merged into it, under the locks of its addresses."""
    for each in await family(work, tenant, lead_id):
        lead = await lead_of(work, tenant, each)
        if lead is not None:
            hashes = [("email", lead.email_hash), ("sms", lead.phone_hash)]
            await lock_addresses(work, [(tenant, channel, hash) for channel, hash in hashes if hash])
            known = [hash for _, hash in hashes if hash]
            await work.run(
                """
                UPDATE suppression SET address = NULL
                WHERE tenant_id = :tenant AND address_hash = ANY (CAST(:hashes AS bytea[])) AND address IS NOT NULL
                """,
                tenant=tenant,
                hashes=known,
            )
            await work.run(
                "DELETE FROM reply WHERE tenant_id = :tenant AND lead_id IS NULL AND sender = ANY (:senders)",
                tenant=tenant,
                senders=[address for address in ((lead.email or "").lower(), lead.phone) if address],
            )
        await record_erasure(work, tenant, each)
        for step in _STEPS:
            if "gone" in step:
                drafts = [row["draft_id"] for row in await work.fetch(step, tenant=tenant, lead=each)]
                await work.run(
                    "DELETE FROM content WHERE tenant_id = :tenant AND draft_id = ANY (:drafts)",
                    tenant=tenant,
                    drafts=drafts,
                )
            else:
                await work.run(step, tenant=tenant, lead=each)
