"""One lead: read it, edit it by hand, erase it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.capture.rules.consent import read_consent
from services.capture.rules.contact import (
    FIELDS,
    Contact,
    ContactNormaliser,
    read_attributes,
    read_fields,
    spellings_of,
)
from services.capture.rules.lead import Lead, Provenance
from services.capture.rules.matching import LeadIndex, pair_of
from services.capture.rules.mentions import Person, Phone, spellings_of_domain
from services.capture.rules.precedence import apply_contact, apply_values, split_by_room
from services.capture.store import blocks, candidates, consents, duplicates, erasure, merges, persons
from services.capture.store import leads as store
from services.capture.use_cases.imports import forget_rows
from services.capture.use_cases.lead_events import emit_updated
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.events import LeadErased
from shared.http import IfMatch, check_if_match
from shared.ids import revision_id
from shared.store.erasure import erased_among, record_erasure


async def get_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> tuple[Lead, list[UUID]]:
    """The lead with this id, or the kept lead of this alias, and its aliases. Raises NotFound."""
    lead = await store.read(work, tenant, lead_id)
    if lead is not None and lead.merged_into is not None:
        lead = await store.read(work, tenant, lead.merged_into)
    if lead is None:
        raise NotFound(f"there is no lead {lead_id}")
    return lead, await merges.aliases_of(work, tenant, lead.lead_id)


async def find_leads(
    work: UnitOfWork,
    tenant: str,
    normaliser: ContactNormaliser,
    *,
    source: str,
    external_id: str,
    email: str,
    phone: str,
) -> list[Lead]:
    """The leads that have all that is given ("" for what is not), the oldest first; for an alias the kept lead.

    Raises Invalid for a value that is no address, and where nothing is given that a lead can be found by.
    """
    if external_id and not source:
        raise Invalid("an external id belongs to a source", [{"field": "source", "message": "is missing"}])
    if not (external_id or email or phone):
        message = "give source and external_id, email or phone"
        raise Invalid(message, [{"field": "email", "message": message}])
    found: list[set[UUID]] = []
    try:
        field = "email"
        if email:
            found.append(await candidates.lookup(work, tenant, "email", email=normaliser.email(email)))
        field = "phone"
        if phone:
            phones = list(spellings_of(normaliser.phone(phone, None).number))
            found.append(await candidates.lookup(work, tenant, "phone", phones=phones))
    except ValueError as error:
        raise Invalid(f"{field}: {error}", [{"field": field, "message": str(error)}]) from None
    if external_id:
        found.append(await candidates.lookup(work, tenant, "external_id", source=source, external_id=external_id))
    leads = await store.read_all(work, tenant, sorted(set.intersection(*found)))
    return [lead for lead in leads if external_id or source in ("", lead.source)]


async def lock_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead:
    """The lead with this id, or the kept lead of this alias, locked. Raises NotFound."""
    leads = {lead.lead_id: lead for lead in await store.lock(work, [(tenant, lead_id)])}
    lead = leads.get(lead_id)
    if lead is not None and lead.merged_into is not None:
        lead = leads.get(lead.merged_into)
    if lead is None:
        raise NotFound(f"there is no lead {lead_id}")
    return lead


async def edit_lead(
    work: UnitOfWork,
    tenant: str,
    lead_id: UUID,
    edit: Mapping[str, Any],
    if_match: IfMatch,
    normaliser: ContactNormaliser,
) -> Lead:
    """Change fields by hand; None clears a field. An edit outranks all submissions, earlier and later.

    Raises PreconditionRequired or Stale for `if_match`, Invalid for a bad value, Conflict when another lead has the
    e-mail.
    """
    lead = await lock_lead(work, tenant, lead_id)
    check_if_match(if_match, lead.version, required=True)
    values, contact = _read_edit(lead, edit, normaliser)
    email, phone = values.get("email"), values.get("phone")
    await candidates.forbid_table_scans(work)
    keys, _ = await candidates.find(work, [(tenant, contact)])
    others = [other for other in await store.lock(work, keys - {lead.key}) if other.key != lead.key]
    index = LeadIndex([lead, *others], {})
    holder = index.by_email(tenant, email)
    if holder is not None and holder is not lead:
        raise Conflict(f"lead {holder.lead_id} has this e-mail; merge the two instead")
    attributes = {name.removeprefix("attributes."): values[name] for name in values if name.startswith("attributes.")}
    if left_out := split_by_room(lead, attributes)[1]:
        message = f"are more than a lead can have with: {', '.join(left_out)[:500]}; clear others first"
        raise Invalid(f"attributes {message}", [{"field": "attributes", "message": message}])
    phone_before = lead.phone
    changed = apply_values(lead, values, Provenance(work.now, human=True))
    changed += apply_contact(lead, contact, work.now, human=True, without=FIELDS)
    if lead.email is None and lead.phone is None:
        raise Invalid(
            "a lead needs an e-mail or a phone", [{"field": "email", "message": "is the lead's last address"}]
        )
    if lead.phone != phone_before:
        index.decide_phone_first(lead)
        sharing = [other for other in index.by_phone(tenant, phone) if other is not lead]
        if phone is not None:
            await duplicates.insert(work, [pair_of(lead, other, "phone", phone) for other in sharing], work.now)
    if changed:
        lead.next_version(work.now)
    if lead.unsaved:
        await store.save(work, [lead])
    await consents.save_changes(work, [lead])
    if changed:
        emit_updated(work, lead, changed)
        await blocks.request_search(work, [lead.key])
    return lead


def _read_edit(lead: Lead, edit: Mapping[str, Any], normaliser: ContactNormaliser) -> tuple[dict[str, Any], Contact]:
    """The new values of fields and attributes, None for a cleared one, and the contact with the consent."""
    errors: list[dict[str, str]] = []
    if "owner" in edit and edit["owner"] != lead.owner:
        errors.append({"field": "owner", "message": "is changed in stages: PUT /v1/leads/{id}/owner"})
    # A national phone number is read with the lead's own country, unless the edit names another.
    with_country = {"country": lead.fields.get("country"), **{name: edit[name] for name in edit if name in FIELDS}}
    fields, _, field_errors = read_fields(with_country, normaliser)
    consent, consent_errors = read_consent(edit.get("consent"))
    attributes, attribute_errors = read_attributes(edit.get("attributes"))
    values: dict[str, Any] = {}
    values |= {name: fields.get(name) for name in FIELDS if name in edit}
    # Whoever edits is told of a number: only submissions of programs are taken with one.
    not_text = [name for name in FIELDS if edit.get(name) is not None and not isinstance(edit[name], str)]
    errors += [{"field": name, "message": "is not text"} for name in not_text]
    errors += [
        {"field": error.field, "message": error.message}
        for error in (*field_errors, *consent_errors, *attribute_errors)
        if error.field not in not_text
    ]
    if errors or attributes is None:
        raise Invalid("; ".join(f"{error['field']}: {error['message']}" for error in errors), errors)
    values |= {f"attributes.{name}": value for name, value in attributes.items()}
    return values, Contact(source=lead.source, external_id=None, fields=fields, consent=consent)


async def person_of(work: UnitOfWork, tenant: str, leads: Sequence[Lead], normaliser: ContactNormaliser) -> Person:
    """By what the person of these leads, a lead and its aliases, is known."""
    shared = await persons.shared_phones(work, tenant, leads)
    emails = {spelling for lead in leads if lead.email is not None for spelling in spellings_of_domain(lead.email)}
    phones = sorted({lead.phone for lead in leads if lead.phone is not None})
    known = [Phone(phone, normaliser.national_number(phone), phone in shared) for phone in phones]
    return Person(leads, frozenset(emails), known)


async def erase_lead(work: UnitOfWork, tenant: str, lead_id: UUID, normaliser: ContactNormaliser) -> None:
    """Delete the lead, its aliases and their personal data; only the ids stay known, as erased.

    A repeated call changes nothing. Raises NotFound for an id that was never a lead's.
    """
    try:
        kept, ids = await get_lead(work, tenant, lead_id)
        # Before the leads are locked: an import locks itself first, and then its leads.
        known = await person_of(work, tenant, [kept, *await store.read_all(work, tenant, ids)], normaliser)
        await forget_rows(work, tenant, known, normaliser)
        lead = await lock_lead(work, tenant, lead_id)
    except NotFound:
        if await erased_among(work, [(tenant, lead_id)]):
            return
        raise
    aliases = await merges.aliases_of(work, tenant, lead.lead_id)
    leads = await store.lock(work, [(tenant, id) for id in [lead.lead_id, *aliases]])
    await erasure.delete_personal_data(work, tenant, await person_of(work, tenant, leads, normaliser))
    # A search that is under way may still store what it read of them.
    await blocks.request_search(work, [erased.key for erased in leads])
    for erased in leads:
        await record_erasure(work, tenant, erased.lead_id)
        work.emit(
            LeadErased(lead_id=erased.lead_id),
            tenant=tenant,
            subject=erased.lead_id,
            time=max(work.now, erased.updated_on),
            event_id=revision_id(LeadErased.type, erased.lead_id, 1),
        )
