"""Submissions from HTTP, imports and Kafka are recorded in the same way, a whole batch with a few statements."""

from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from services.capture.rules.contact import Contact
from services.capture.rules.errors import FieldError, listed
from services.capture.rules.lead import Lead
from services.capture.rules.matching import DuplicatePair, LeadIndex, pair_of
from services.capture.rules.names import NAME_FIELDS, name_of, names_agree
from services.capture.rules.precedence import apply_contact, new_lead, split_by_room
from services.capture.rules.profiles import is_compared
from services.capture.store import blocks, candidates, consents, duplicates
from services.capture.store import leads as store
from services.capture.use_cases.lead_events import captured_event, updated_event
from shared.db import UnitOfWork
from shared.events import LeadCaptured, LeadUpdated, Received
from shared.ids import LeadKey, revision_id, uuid7

OTHER_NAME = FieldError(
    "email",
    "is that of a lead who had another name until now, such as two people who share a mailbox; "
    "the lead's timeline keeps the old values",
)


_NO_ROOM = "are as many as a lead can have: those that it has stay, and these were left out: {}"


class Submission(NamedTuple):
    """One submitted lead in normal form. `time`: when it was submitted, None for now."""

    tenant: str
    contact: Contact
    time: datetime | None = None
    cause: Received[Any] | None = None
    context: Context | None = None
    """The context in which its events are emitted, for their trace; None for the caller's own."""


class SubmissionResult(NamedTuple):
    """The lead that a submission made (`new`) or was about, and what a person should know of how it was recorded."""

    lead: Lead
    new: bool
    warnings: tuple[FieldError, ...] = ()
    known_by: str = ""
    """What the known lead was found by: external id, e-mail or phone."""


@dataclass(slots=True)
class _Changes:
    """What a batch has decided and not stored yet."""

    new: list[Lead] = field(default_factory=list)
    external_ids: dict[candidates.ExternalId, UUID] = field(default_factory=dict)
    pairs: dict[tuple[UUID, UUID], DuplicatePair] = field(default_factory=dict)
    searches: set[LeadKey] = field(default_factory=set)
    events: list[tuple[Submission, Lead, LeadCaptured | LeadUpdated, datetime]] = field(default_factory=list)


async def record_submissions(work: UnitOfWork, submissions: Sequence[Submission]) -> list[SubmissionResult]:
    """Create or update the lead of each submission; the results in the same order.

    The number of statements does not depend on the number of submissions. A unique violation or a deadlock means that
    another transaction captures one of the leads: retry in a new transaction or behind a savepoint.
    """
    if not submissions:
        return []
    await candidates.forbid_table_scans(work)
    keys, external_ids = await candidates.find(work, [(s.tenant, s.contact) for s in submissions])
    known = await store.lock(work, keys)
    index = LeadIndex(known, external_ids)
    changes = _Changes()
    results = [_decide(index, submission, submission.time or work.now, changes) for submission in submissions]
    await store.save(work, [lead for lead in known if lead.unsaved])
    await store.insert(work, sorted(changes.new, key=lambda lead: (lead.tenant, lead.email or "", lead.phone or "")))
    await store.insert_external_ids(work, dict(sorted(changes.external_ids.items())))
    await consents.save_changes(work, [*known, *changes.new])
    await duplicates.insert(work, list(changes.pairs.values()), work.now)
    await blocks.request_search(work, changes.searches)
    for submission, lead, event, time in changes.events:
        emit = partial(
            work.emit,
            event,
            tenant=lead.tenant,
            subject=lead.lead_id,
            time=time,
            cause=submission.cause,
            event_id=revision_id(event.type, lead.lead_id, event.version),
        )
        submission.context.run(emit) if submission.context else emit()
    return results


def _decide(index: LeadIndex, submission: Submission, time: datetime, changes: _Changes) -> SubmissionResult:
    contact, tenant = submission.contact, submission.tenant
    match = index.match(tenant, contact)
    lead = match.lead
    new = lead is None
    warnings: tuple[FieldError, ...] = ()
    if lead is None:
        lead = new_lead(tenant, uuid7(), contact, time)
        index.decide_phone_first(lead)
        index.add(lead)
        changes.new.append(lead)
        changes.searches.add(lead.key)
        changes.events.append((submission, lead, captured_event(lead), lead.updated_on))
    else:
        phone_before, name_before = lead.phone, name_of(lead.fields)
        fitting, left_out = split_by_room(lead, contact.attributes)
        contact = contact._replace(attributes=fitting)
        changed = apply_contact(lead, contact, time, without=match.without)
        if lead.phone != phone_before:
            index.decide_phone_first(lead)
        if left_out:
            warnings += (FieldError("attributes", _NO_ROOM.format(listed(left_out))),)
        if changed:
            if not NAME_FIELDS.isdisjoint(changed) and names_agree(name_before, lead.fields) is False:
                warnings += (OTHER_NAME,)
            if is_compared(changed):
                changes.searches.add(lead.key)
            lead.next_version(time)
            index.reindex(lead)
            event = updated_event(lead, changed)
            changes.events.append((submission, lead, event, lead.updated_on))
    holder = match.holder or lead
    if index.add_external_id(tenant, contact, holder):
        assert contact.external_id is not None
        changes.external_ids[tenant, contact.source, contact.external_id] = holder.lead_id
    for other, address in match.similar:
        if other is not lead:
            pair = pair_of(lead, other, address, contact.fields[address])
            changes.pairs.setdefault(pair.lead_ids, pair)
    return SubmissionResult(lead, new, warnings, match.by)
