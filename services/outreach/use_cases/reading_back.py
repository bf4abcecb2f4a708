"""After a restore: what outreach has published itself since the backup, read back before its workers start again.

A message that it is known to have sent is recorded as sent, a step is not taken again, an opt-out holds. Of what was
queued nobody knows whether it left in the last moments before the loss: it is refused, and the sequences are paused,
until people have looked.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach.drafts import store as drafts
from services.outreach.drafts.store import check_ins, compositions
from services.outreach.drafts.use_cases.supersession import supersede
from services.outreach.keys import Keys
from services.outreach.rules import CHECK_IN_INTERVAL
from services.outreach.sending import store as dispatches
from services.outreach.sending.rules import MAY_HAVE_LEFT
from services.outreach.sending.use_cases.outcomes import record_sent
from services.outreach.sequences.rules import EXITS, Exit
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store import enrolments, sequences, steps
from services.outreach.sequences.use_cases import enrolling, restoring
from services.outreach.store import all_ids_of, lead_of
from services.outreach.suppression.rules import BY_THE_LEAD
from services.outreach.suppression.store import mark_opted_out, suppressions_of
from services.outreach.suppression.use_cases import SuppressionRequest, opt_out_lead, publish_closed, suppress_address
from shared.db import Database, Row, UnitOfWork
from shared.events import ContactOptedOut, DraftDecided, MessageSent, Received, ReplyReceived, SequenceExited
from shared.events.base import Event
from shared.store.leads import tenants_with_leads

Published = Callable[[type[Event]], AsyncIterator[list[Received[Any]]]]
"""The events of a type that outreach has published since the backup, page by page; those of one lead in their order."""

ACTOR = "system:read-back"
WAS_APPROVED = "it was approved before the database was restored, and may have left"
WAS_SENT = "such a message was sent before the database was restored"
CLOSED_BEFORE = "published before the database was restored"


@dataclass(slots=True)
class ReadBack:
    """What came of it for one tenant."""

    paused: list[str] = field(default_factory=list)
    """Names of the sequences that were switched off."""
    sent: int = 0
    """Messages that are recorded as sent, of which the backup knew."""
    steps: int = 0
    """Steps of sequences that were sent, of which the backup did not know."""
    drafts: int = 0
    """Drafts, and requests for drafts, that ended because such a message was sent, or they were approved before."""
    opted_out: int = 0
    exited: int = 0
    """Enrolments that have ended since the backup."""
    refused: int = 0
    """Messages that were queued in the backup, or may have been queued again since, and may have left."""
    unknown: int = 0
    """Opt-outs of leads that are not known here: they were erased, or captured more than 14 days ago."""


async def read_back(database: Database, keys: Keys, published: Published) -> dict[str, ReadBack]:
    """Catch up with what outreach has done since the backup, by tenant. Repeated, it finds nothing new.

    The consumers have caught up, and no worker runs meanwhile.
    """
    async with database.worker() as work:
        found = {tenant: ReadBack() for tenant in await tenants_with_leads(work)}
    for tenant, of_tenant in found.items():
        async with database.worker([tenant]) as work:
            of_tenant.paused = await sequences.pause_all(work, tenant)
    for received in await _opt_outs(published):
        async with database.worker([received.tenant]) as work:
            await _close(work, keys, received, found.setdefault(received.tenant, ReadBack()))
    async for page in published(MessageSent):
        for received in await _not_recorded(database, page):
            async with database.worker([received.tenant]) as work:
                await _record_sent(work, received, found.setdefault(received.tenant, ReadBack()))
    for event, apply in ((DraftDecided, _end_approved), (SequenceExited, _exit)):
        async for received in _each(published(event)):
            async with database.worker([received.tenant]) as work:
                await apply(work, received, found.setdefault(received.tenant, ReadBack()))
    for tenant, of_tenant in found.items():
        async with database.worker([tenant]) as work:
            of_tenant.refused = await dispatches.refuse_queued(work, tenant, MAY_HAVE_LEFT)
            of_tenant.refused += await of_enrolment.keep_refused(work, tenant, work.now - restoring.LATEST)
    return found


async def _opt_outs(published: Published) -> list[Received[ContactOptedOut]]:
    """The opt-outs since the backup. One by the label of a reply holds as long as the newest label is still that."""
    labels: dict[tuple[str, str], tuple[datetime, bytes, str]] = {}
    async for received in _each(published(ReplyReceived)):
        key, reply = (received.tenant, received.event.reply_id), received.event
        newest = (reply.labelled_at, received.id.encode(), reply.label)
        labels[key] = max(labels.get(key, newest), newest)
    return [
        received
        async for received in _each(published(ContactOptedOut))
        if received.event.how != "reply"
        or labels.get((received.tenant, received.event.reply_id or ""), ("", "", "opt_out"))[2] == "opt_out"
    ]


async def _each(pages: AsyncIterator[list[Received[Any]]]) -> AsyncIterator[Received[Any]]:
    async for page in pages:
        for received in page:
            yield received


async def _close(work: UnitOfWork, keys: Keys, received: Received[ContactOptedOut], found: ReadBack) -> None:
    event, tenant = received.event, received.tenant
    lead = await lead_of(work, tenant, received.lead_id)
    if lead is None:
        found.unknown += 1
        return
    if event.how not in BY_THE_LEAD and event.channel == "all":
        # An address or a domain was suppressed, and the event does not say which: it holds for this lead alone.
        marked = await mark_opted_out(work, tenant, [lead.lead_id])
        await publish_closed(work, tenant, marked, event.how, cause=received.envelope)
        found.opted_out += len(marked)
        return
    known = await suppressions_of(work, lead)
    reply_id = UUID(event.reply_id) if event.reply_id else None
    request = SuppressionRequest(event.channel, event.how, ACTOR, CLOSED_BEFORE, reply_id)
    if event.how in BY_THE_LEAD:
        await opt_out_lead(work, lead, request, cause=received.envelope)
    elif address := lead.address(event.channel):
        # It may be another one than then. To suppress one too many is the smaller harm.
        await suppress_address(work, keys, tenant, address, request)
    found.opted_out += await suppressions_of(work, lead) != known


async def _not_recorded(database: Database, page: Sequence[Received[MessageSent]]) -> list[Received[MessageSent]]:
    """Those messages that are not known to be sent."""
    left: list[Received[MessageSent]] = []
    async with database.worker() as work:
        for tenant in sorted({each.tenant for each in page}):
            of_tenant = [each for each in page if each.tenant == tenant]
            drafts_ = [each.event.draft_id for each in of_tenant if each.event.draft_id]
            sent = await dispatches.sent_of(work, tenant, drafts_)
            left += [each for each in of_tenant if each.event.draft_id not in sent]
    return left


async def _record_sent(work: UnitOfWork, received: Received[MessageSent], found: ReadBack) -> None:
    event, tenant, at = received.event, received.tenant, received.occurred_at
    row = await dispatches.lock_of_draft(work, tenant, event.draft_id) if event.draft_id else None
    if row is not None:
        found.sent += await _sent_of_dispatch(work, row, event.message_id, at)
        return
    if event.sequence_id and event.step is not None:
        sequence_id = UUID(event.sequence_id)
        found.steps += await steps.add_sent(work, tenant, received.lead_id, sequence_id, event.step, event.channel, at)
    for lead_id in await all_ids_of(work, tenant, received.lead_id):
        if event.kind == "nurture":
            await check_ins.put_off(work, tenant, lead_id, at + CHECK_IN_INTERVAL)
        found.drafts += await compositions.drop_all(work, tenant, lead_id, None, WAS_SENT, event.kind, until=at)
        for draft in await drafts.pending_of(work, [(tenant, lead_id)]):
            if (draft["kind"], draft["channel"]) == (event.kind, event.channel) and draft["cause_at"] <= at:
                await supersede(work, draft, WAS_SENT)
                found.drafts += 1


async def _sent_of_dispatch(work: UnitOfWork, row: Row, message_id: str, at: datetime) -> bool:
    """Record that the message of a (locked) dispatch has left; False where its outcome is known."""
    if row["state"] in ("sent", "failed"):
        return False
    columns: dict[str, Any] = {"sending_at": at} if row["state"] in ("queued", "refused") else {}
    if columns:
        row = {**row, **columns, "message_id": message_id}
    await record_sent(work, row, note=f"known by what was {CLOSED_BEFORE}", **columns)
    return True


async def _end_approved(work: UnitOfWork, received: Received[DraftDecided], found: ReadBack) -> None:
    """A draft that waits again although it was approved: its message may have left."""
    if received.event.decision == "approved":
        draft = await drafts.get(work, received.tenant, received.event.draft_id, lock=True)
        if draft is not None and draft["state"] == "pending":
            await supersede(work, draft, WAS_APPROVED)
            found.drafts += 1


async def _exit(work: UnitOfWork, received: Received[SequenceExited], found: ReadBack) -> None:
    enrolment = await enrolments.get(work, received.tenant, UUID(received.event.enrolment_id))
    if enrolment is None or not enrolment.running:
        return
    await lead_of(work, *enrolment.key, lock=True)
    reason = received.event.reason if received.event.reason in EXITS else "manual"
    ended = await enrolling.end_with_drafts(work, [enrolment], Exit(reason), cause=received.envelope)
    found.exited += len(ended)
