"""Submissions, from wherever they come: one way for HTTP, imports and Kafka, set-based for a whole batch."""

from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from services.capture.rules.contact import Contact
from services.capture.rules.lead import Lead, changed_fields, new_lead, update
from services.capture.rules.matching import Book, Pair, pair_of
from services.capture.store import duplicates
from services.capture.store import leads as store
from services.capture.use_cases.events import captured, updated
from shared.db import UnitOfWork
from shared.events import LeadCaptured, LeadUpdated, Received
from shared.ids import revision_id, uuid7


class Submission(NamedTuple):
    """One lead as somebody submits it, in normal form; `time` is when it was said, None for now."""

    tenant: str
    contact: Contact
    time: datetime | None = None
    cause: Received[Any] | None = None
    context: Context | None = None
    """Where its events are emitted, if not in the caller's own context: they carry the trace of that one."""


class Outcome(NamedTuple):
    """What a submission led to: a lead, new or known."""

    lead: Lead
    new: bool


@dataclass(slots=True)
class _Changes:
    """What a batch has decided and not stored yet."""

    new: list[Lead] = field(default_factory=list)
    identities: dict[store.Identity, UUID] = field(default_factory=dict)
    pairs: dict[tuple[UUID, UUID], Pair] = field(default_factory=dict)
    events: list[tuple[Submission, Lead, LeadCaptured | LeadUpdated, datetime]] = field(default_factory=list)


async def submit(work: UnitOfWork, submissions: Sequence[Submission]) -> list[Outcome]:
    """Take the submissions in; an outcome for each, in order.

    The number of statements does not depend on the number of submissions. A unique violation or a deadlock means that
    another batch was about the same new lead: run it again in a new transaction or behind a savepoint.
    """
    if not submissions:
        return []
    await store.probe_by_index(work)
    keys, identities = await store.find(work, [(s.tenant, s.contact) for s in submissions])
    known = await store.lock(work, keys)
    book = Book(known, identities)
    changes = _Changes()
    outcomes = [_decide(book, submission, submission.time or work.now, changes) for submission in submissions]
    await store.save(work, [lead for lead in known if lead.touched])
    await store.insert(work, sorted(changes.new, key=lambda lead: (lead.tenant, lead.email or "", lead.phone or "")))
    await store.identify(work, dict(sorted(changes.identities.items())))
    await duplicates.add(work, list(changes.pairs.values()), work.now)
    for submission, lead, event, time in changes.events:
        say = partial(
            work.emit,
            event,
            tenant=lead.tenant,
            subject=lead.lead_id,
            time=time,
            cause=submission.cause,
            event_id=revision_id(event.type, lead.lead_id, event.version),
        )
        submission.context.run(say) if submission.context else say()
    return outcomes


def _decide(book: Book, submission: Submission, time: datetime, changes: _Changes) -> Outcome:
    contact, tenant = submission.contact, submission.tenant
    match = book.match(tenant, contact)
    lead = match.lead
    new = lead is None
    if lead is None:
        lead = new_lead(tenant, uuid7(), contact, time)
        lead.phone_first = lead.phone is not None and book.phone_is_free(tenant, lead.phone)
        book.add(lead)
        changes.new.append(lead)
        changes.events.append((submission, lead, captured(lead), lead.updated_on))
    else:
        phone = lead.phone
        changed = update(lead, contact, time, without=match.without)
        if lead.phone != phone:
            lead.phone_first = False
            lead.phone_first = lead.phone is not None and book.phone_is_free(tenant, lead.phone)
        if changed:
            lead.next_version(time)
            book.changed(lead)
            event = updated(lead, changed_fields(changed))
            changes.events.append((submission, lead, event, lead.updated_on))
    if book.identify(tenant, contact, lead):
        assert contact.external_id is not None
        changes.identities[tenant, contact.source, contact.external_id] = lead.lead_id
    for other, reason in match.alike:
        if other is not lead:
            pair = pair_of(lead, other, reason)
            changes.pairs.setdefault(pair.lead_ids, pair)
    return Outcome(lead, new)
