"""Contact details and consent as capture publishes them, and what follows from a changed address."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.outreach.drafts.use_cases.supersession import supersede_on_changed_details
from services.outreach.keys import Keys
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store as dispatches
from services.outreach.sending.rules import LONGEST_BACK_OFF
from services.outreach.sequences.store import enrolments
from services.outreach.store import Lead, address_hashes_of, hold_settings, leads_of
from services.outreach.store.lead_state import ContactDetails, newest_of, save_contacts
from services.outreach.store.modes import mark_mode_announced, present
from services.outreach.suppression import store as addresses
from services.outreach.suppression.use_cases import opt_out_blocklisted
from services.outreach.use_cases.modes import announce
from shared.db import UnitOfWork
from shared.events import LeadCaptured, LeadUpdated, Received
from shared.ids import LeadKey

_CLOCK = frozenset({"country", "timezone"})
"""The fields by which the clock of a lead is known."""

Details = Received[LeadCaptured] | Received[LeadUpdated]

_FIELDS = frozenset(
    {
        "first_name",
        "last_name",
        "full_name",
        "company",
        "job_title",
        "website",
        "country",
        "timezone",
        "campaign",
        "source",
        "owner",
        "external_id",
        "attributes",
    }
)


async def apply_contact_details(work: UnitOfWork, keys: Keys, batch: Sequence[Details]) -> None:
    """Save the details with the greatest version of each lead, under the locks of its old and new addresses.

    A lead with a blocklisted address is opted out, a mode that the other services do not know is announced, drafts
    that contradict the new details are superseded, and what waits for the lead's clock follows a new one.
    """
    newest = newest_of([((each.tenant, each.lead_id), each.event.version, each) for each in batch])
    contacts = {key: _contact_details(keys, key[0], received) for key, received in newest.items()}
    if not contacts:
        return
    # Before any address or lead, as whoever announces a mode: a mode that changes meanwhile is announced to these too.
    settings = await hold_settings(work, {tenant for tenant, _ in contacts})
    await _lock_addresses(work, contacts)
    changed = {key: newest[key] for key in await save_contacts(work, contacts)}
    if not changed:
        return
    leads = await leads_of(work, changed)
    await opt_out_blocklisted(work, leads, {key: each.envelope for key, each in changed.items()})
    await _announce_modes(work, leads, changed, settings)
    await supersede_on_changed_details(work, leads, {key: each.id for key, each in changed.items()})
    await follow_clocks(work, {(each.tenant, each.lead_id) for each in batch if _may_change_clock(each)} & set(changed))


def _may_change_clock(received: Received[Any]) -> bool:
    """Whether details may bring another time zone. An update that names no field states all of them again."""
    return received.type == LeadUpdated.type and not (
        received.event.changed and _CLOCK.isdisjoint(received.event.changed)
    )


async def follow_clocks(work: UnitOfWork, leads: Collection[LeadKey]) -> None:
    """The clocks of these (locked) leads may show another time: what waits for a moment is looked at again at once."""
    if leads:
        await dispatches.hasten_queued_of(work, leads, work.now + LONGEST_BACK_OFF)
        await enrolments.wake(work, leads)


def _contact_details(keys: Keys, tenant: str, received: Received[Any]) -> ContactDetails:
    event = received.event
    fields = event.model_dump(mode="json", include=set(_FIELDS))
    return ContactDetails(
        version=event.version,
        email=event.email,
        phone=event.phone,
        email_hash=keys.address(tenant, event.email) if event.email else None,
        phone_hash=keys.address(tenant, event.phone) if event.phone else None,
        domain_hash=keys.domain_of(tenant, event.email) if event.email else None,
        fields={name: value for name, value in fields.items() if value is not None},
        fields_at=received.occurred_at,
        consent=event.consent.model_dump(mode="json", exclude_none=True) if event.consent else {},
    )


async def _lock_addresses(work: UnitOfWork, contacts: Mapping[LeadKey, ContactDetails]) -> None:
    wanted = await address_hashes_of(work, list(contacts))
    for (tenant, _), each in contacts.items():
        new = (("email", each.email_hash), ("sms", each.phone_hash))
        wanted += [(tenant, channel, hash) for channel, hash in new if hash]
    await addresses.lock_addresses(work, wanted)
    domains = [(tenant, each.domain_hash) for (tenant, _), each in contacts.items() if each.domain_hash]
    await addresses.lock_domains(work, domains, shared=True)


async def _announce_modes(
    work: UnitOfWork,
    leads: Mapping[LeadKey, Lead],
    changed: Mapping[LeadKey, Received[Any]],
    settings: Mapping[str, OutreachSettings],
) -> None:
    unannounced = {
        key: mode for key, lead in leads.items() if (mode := lead.mode or settings[key[0]].mode) != lead.announced_mode
    }
    if not unannounced:
        return
    at = await present(work)
    announced: dict[str, list[UUID]] = {}
    for (tenant, lead_id), mode in unannounced.items():
        key = tenant, lead_id
        announced.setdefault(tenant, []).append(lead_id)
        announce(work, tenant, lead_id, mode, leads[key].announced_mode, at, changed[key].envelope)
    for tenant, lead_ids in announced.items():
        await mark_mode_announced(work, tenant, lead_ids, settings[tenant].mode)
        await dispatches.check_now(work, tenant, lead_ids)
