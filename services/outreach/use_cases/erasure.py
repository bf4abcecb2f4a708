"""Erasure of a person: texts, approvals, dispatches, replies. Suppressions stay, by the keyed hash of the address."""

from uuid import UUID

from services.outreach.address_forms import known_address, on_the_wire
from services.outreach.sequences.use_cases import interruptions
from services.outreach.store import Lead, lead_ids_of, lead_of
from services.outreach.store.erasure import delete_lead, forget_addresses
from services.outreach.suppression.store import lock_addresses
from shared.db import UnitOfWork
from shared.store.erasure import record_erasure


def _spellings(lead: Lead) -> list[str]:
    """The addresses of the lead as a reply may have them as its sender."""
    mail = {lead.email.lower(), known_address(lead.email), on_the_wire(known_address(lead.email))} if lead.email else ()
    return [*mail, *([lead.phone] if lead.phone else [])]


async def erase(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Erase the lead and its aliases, under the locks of their addresses."""
    for each in await lead_ids_of(work, tenant, lead_id):
        lead = await lead_of(work, tenant, each)
        if lead is not None:
            hashes = {"email": lead.email_hash, "sms": lead.phone_hash}
            known = {channel: hash for channel, hash in hashes.items() if hash}
            await lock_addresses(work, [(tenant, channel, hash) for channel, hash in known.items()])
            await forget_addresses(work, tenant, each, list(known.values()), _spellings(lead))
        await record_erasure(work, tenant, each)
        await interruptions.erase(work, tenant, each)
        await delete_lead(work, tenant, each)
