"""Erasure of a person: texts, approvals, dispatches, replies. Suppressions stay, by the keyed hash of the address."""

from uuid import UUID

from services.outreach.address_forms import known_address, on_the_wire
from services.outreach.sequences.use_cases import interruptions
from services.outreach.store import Lead, address_hashes_of, lead_ids_of, lead_of
from services.outreach.store.erasure import delete_lead, forget_addresses, lock_messages
from services.outreach.suppression.store import lock_addresses
from shared.db import UnitOfWork
from shared.store.erasure import record_erasure


def _spellings(lead: Lead) -> list[str]:
    """The addresses of the lead as a reply may have them as its sender."""
    mail = {lead.email.lower(), known_address(lead.email), on_the_wire(known_address(lead.email))} if lead.email else ()
    return [*mail, *([lead.phone] if lead.phone else [])]


async def erase(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Erase the lead and its aliases, under the locks of their addresses and of themselves.

    Whoever writes something about a lead locks it or one of its drafts too: what is written before is deleted, and
    nothing is written later.
    """
    ids = sorted(await lead_ids_of(work, tenant, lead_id))
    await lock_addresses(work, await address_hashes_of(work, [(tenant, each) for each in ids]))
    leads = {each: await lead_of(work, tenant, each, lock=True) for each in ids}
    await lock_messages(work, tenant, ids)
    for each, lead in leads.items():
        if lead is not None:
            hashes = [hash for hash in (lead.email_hash, lead.phone_hash) if hash]
            await forget_addresses(work, tenant, each, hashes, _spellings(lead))
        await record_erasure(work, tenant, each)
        await interruptions.erase(work, tenant, each)
        await delete_lead(work, tenant, each)
