"""One lead: read it, edit it by hand, forget it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.capture.rules.contact import FIELDS, Contact, Readers, read_attributes, read_fields
from services.capture.rules.contact import read_permission as read_consent
from services.capture.rules.lead import Lead, Mark, take, update
from services.capture.rules.matching import Book, Reason, pair_of
from services.capture.store import duplicates, erasure, merges
from services.capture.store import leads as store
from services.capture.use_cases.events import say_updated
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.events import LeadErased
from shared.http import IfMatch, check_if_match
from shared.ids import revision_id
from shared.store.erasure import erased_among, record_erasure


async def get_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> tuple[Lead, list[UUID]]:
    """The lead that this id stands for now, and its aliases. NotFound if there is none."""
    lead = await store.read(work, tenant, lead_id)
    if lead is not None and lead.merged_into is not None:
        lead = await store.read(work, tenant, lead.merged_into)
    if lead is None:
        raise NotFound(f"there is no lead {lead_id}")
    return lead, await merges.aliases_of(work, tenant, lead.lead_id)


async def lock_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead:
    """The lead that this id stands for now, locked. NotFound if there is none."""
    leads = {lead.lead_id: lead for lead in await store.lock(work, [(tenant, lead_id)])}
    lead = leads.get(lead_id)
    if lead is not None and lead.merged_into is not None:
        lead = leads.get(lead.merged_into)
    if lead is None:
        raise NotFound(f"there is no lead {lead_id}")
    return lead


async def edit_lead(
    work: UnitOfWork, tenant: str, lead_id: UUID, given: Mapping[str, Any], if_match: IfMatch, readers: Readers
) -> Lead:
    """A person changes fields; null clears one. It outranks what any other system says, now and later.

    Raises PreconditionRequired or Stale as `If-Match` says, Invalid where a value is none, Conflict where the e-mail
    is another lead's.
    """
    lead = await lock_lead(work, tenant, lead_id)
    check_if_match(if_match, lead.version, required=True)
    said, contact = _read_edit(lead, given, readers)
    email, phone = said.get("email"), said.get("phone")
    await store.probe_by_index(work)
    keys, _ = await store.find(work, [(tenant, contact)])
    book = Book([lead, *await store.lock(work, keys - {lead.key})], {})
    holder = book.by_email(tenant, email)
    if holder is not None and holder is not lead:
        raise Conflict(f"lead {holder.lead_id} has this e-mail; merge the two instead")
    before = lead.phone
    changed = take(lead, said, Mark(work.now, human=True))
    changed += update(lead, contact, work.now, human=True, without=FIELDS)
    if lead.email is None and lead.phone is None:
        raise Invalid(
            "a lead needs an e-mail or a phone", [{"field": "email", "message": "the last address of a lead"}]
        )
    if lead.phone != before:
        lead.phone_first = False
        lead.phone_first = lead.phone is not None and book.phone_is_free(tenant, lead.phone)
        alike = [other for other in book.by_phone(tenant, phone) if other is not lead]
        await duplicates.add(work, [pair_of(lead, other, Reason.SAME_PHONE) for other in alike], work.now)
    if changed:
        lead.next_version(work.now)
    if lead.touched:
        await store.save(work, [lead])
    if changed:
        say_updated(work, lead, changed)
    return lead


def _read_edit(lead: Lead, given: Mapping[str, Any], readers: Readers) -> tuple[dict[str, Any], Contact]:
    """The fields with their new values (None clears), and the consent, in normal form."""
    errors: list[dict[str, str]] = []
    if "owner" in given and given["owner"] != lead.owner:
        errors.append({"field": "owner", "message": "is changed in stages: PUT /v1/leads/{id}/owner"})
    # A national phone number is read with the lead's own country, unless the edit names another.
    hinted = {"country": lead.fields.get("country"), **{name: given[name] for name in given if name in FIELDS}}
    fields, _, problems = read_fields(hinted, readers)
    permission, wrong = read_consent(given.get("consent"))
    attributes, wrong_attributes = read_attributes(given.get("attributes"))
    problems += [*wrong, *wrong_attributes]
    said: dict[str, Any] = {}
    for name in FIELDS:
        if name not in given:
            continue
        if given[name] is not None and not isinstance(given[name], str):
            errors.append({"field": name, "message": "is not text"})
        said[name] = fields.get(name)
    errors += [{"field": problem.field, "message": problem.message} for problem in problems]
    if errors:
        raise Invalid("; ".join(f"{error['field']}: {error['message']}" for error in errors), errors)
    said |= {f"attributes.{name}": value for name, value in attributes.items()}
    return said, Contact(source=lead.source, external_id=None, fields=fields, permission=permission)


async def erase_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Forget the person at once: the lead, its aliases, and what is stored of them elsewhere; only the ids stay known.

    Again for the same id: nothing more happens. NotFound for an id that was never here.
    """
    try:
        lead = await lock_lead(work, tenant, lead_id)
    except NotFound:
        if await erased_among(work, [(tenant, lead_id)]):
            return
        raise
    aliases = await merges.aliases_of(work, tenant, lead.lead_id)
    everyone = await store.lock(work, [(tenant, id) for id in [lead.lead_id, *aliases]])
    await erasure.forget(work, tenant, everyone)
    for one in everyone:
        await record_erasure(work, tenant, one.lead_id)
        work.emit(
            LeadErased(lead_id=one.lead_id),
            tenant=tenant,
            subject=one.lead_id,
            time=max(work.now, one.updated_on),
            event_id=revision_id(LeadErased.type, one.lead_id, 1),
        )
