"""Erasure of a person: texts, approvals, dispatches, replies. Suppressions stay, by the keyed hash of the address."""

from uuid import UUID

from services.outreach.sequences.use_cases import interruptions
from services.outreach.store import lead_ids_of, lead_of
from services.outreach.store.erasure import delete_lead, forget_addresses
from services.outreach.suppression.store import lock_addresses
from shared.db import UnitOfWork
from shared.store.erasure import record_erasure


async def erase(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Erase the lead and its aliases, under the locks of their addresses."""
    for each in await lead_ids_of(work, tenant, lead_id):
        lead = await lead_of(work, tenant, each)
        if lead is not None:
            hashes = {"email": lead.email_hash, "sms": lead.phone_hash}
            known = {channel: hash for channel, hash in hashes.items() if hash}
            await lock_addresses(work, [(tenant, channel, hash) for channel, hash in known.items()])
            plain = [address for address in ((lead.email or "").lower(), lead.phone) if address]
            await forget_addresses(work, tenant, list(known.values()), plain)
        await record_erasure(work, tenant, each)
        await interruptions.erase(work, tenant, each)
        await delete_lead(work, tenant, each)
