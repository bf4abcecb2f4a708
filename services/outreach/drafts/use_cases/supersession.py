"""Events that supersede pending drafts. A changed fact or address also requests a new draft in place of the old."""

from collections.abc import Iterable, Mapping, Set
from uuid import UUID

from services.outreach.drafts import store
from services.outreach.drafts.composer.facts import values_of
from services.outreach.drafts.rules import (
    WRITTEN_SINCE,
    PendingDraft,
    rewrite_cause,
    superseded_by_address,
    superseded_by_facts,
    superseded_by_reply,
    superseded_by_stage,
)
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.events import SYSTEM, publish_decided
from services.outreach.hooks import ChannelClosed, ReplyLabelled
from services.outreach.rules import first_cause
from services.outreach.store import Lead, last_reply_at, lead_ids_of, lead_of
from services.outreach.use_cases.answers import answer_refused
from shared.db import Row, UnitOfWork
from shared.ids import LeadKey, uuid7


async def supersede(work: UnitOfWork, row: Row, reason: str) -> None:
    """End a pending (locked) draft because of something that happened since it was written."""
    await store.update(work, row, state="superseded", reason=reason, claimed_by=None, lease_until=None)
    publish_decided(work, row, "superseded", SYSTEM, reason)


async def supersede_all(
    work: UnitOfWork, leads: Iterable[LeadKey], reason: str, channel: str | None = None, kind: str | None = None
) -> None:
    """End the pending drafts of these leads: those on one channel or of one kind, or all (None)."""
    for row in await store.pending_of(work, leads):
        if channel in (None, row["channel"]) and kind in (None, row["kind"]):
            await supersede(work, row, reason)


async def supersede_on_changed_details(
    work: UnitOfWork, leads: Mapping[LeadKey, Lead], event_ids: Mapping[LeadKey, str]
) -> None:
    """Contact details or facts of these leads changed: end the drafts that contradict them, and request new ones.

    `event_ids`: for each lead the event that changed it.
    """
    requests = []
    for row in await store.pending_of(work, leads):
        key = row["tenant_id"], row["lead_id"]
        lead, draft = leads[key], _pending(row)
        addresses = {"email": lead.email, "sms": lead.phone}
        reason = superseded_by_address(draft, addresses) if lead.captured else None
        reason = reason or superseded_by_facts(draft.claims, values_of(lead))
        if reason is None:
            continue
        await supersede(work, row, reason)
        if row["author"].startswith("agent:") and addresses[draft.channel]:
            requests.append(_rewrite(row, event_ids[key]))
    await compositions.add(work, requests)


async def supersede_on_stage_change(
    work: UnitOfWork, leads: Mapping[LeadKey, Lead], causes: Mapping[LeadKey, Set[str]]
) -> None:
    """These leads are in another stage: end the drafts that make no sense there.

    `causes`: for each lead the ids of the events that brought its stage changes about.
    """
    for row in await store.pending_of(work, leads):
        key = row["tenant_id"], row["lead_id"]
        lead, draft = leads[key], _pending(row)
        caused_by = draft.cause_id if draft.cause_id in causes[key] else None
        reason = superseded_by_stage(draft, lead.stage, lead.stage_rule, lead.stage_since, caused_by)
        if reason:
            await supersede(work, row, reason)


async def supersede_on_reply(work: UnitOfWork, reply: ReplyLabelled) -> None:
    """The lead wrote: end the drafts with an older cause. A label that gets no answer ends that to an earlier label."""
    await lead_of(work, reply.tenant, reply.lead_id, lock=True)  # before its drafts, as everywhere
    for row in await store.pending_of(work, [(reply.tenant, reply.lead_id)]):
        reason = superseded_by_reply(_pending(row), reply.received_at, str(reply.reply_id), reply.label)
        if reason:
            await supersede(work, row, reason)


async def supersede_on_merge(work: UnitOfWork, tenant: str, kept: UUID, alias: UUID) -> None:
    """The lead wrote under the alias before they were one: end the drafts with an older cause."""
    written_at = await last_reply_at(work, tenant, [alias])
    if written_at is None:
        return
    for row in await store.pending_of(work, [(tenant, kept)]):
        if written_at > row["cause_at"]:
            await supersede(work, row, WRITTEN_SINCE)


async def supersede_on_undone_merge(work: UnitOfWork, tenant: str, kept: UUID) -> None:
    """What the alias wrote is not the kept lead's any more: end the answers to it.

    The composer and the sender find that out by themselves.
    """
    await lead_of(work, tenant, kept, lock=True)  # an answer that is being stored meanwhile is there, or sees the undo
    lead_ids = await lead_ids_of(work, tenant, kept)
    for row in await store.pending_of(work, [(tenant, kept)]):
        if row["kind"] != "answer":
            continue
        reason = await answer_refused(work, tenant, lead_ids, row["cause"], row["cause_id"], row["headers"])
        if reason:
            await supersede(work, row, reason)


async def supersede_on_channel_closed(work: UnitOfWork, closed: ChannelClosed) -> None:
    """Nothing may be sent to the lead any more, or not on one channel: end its drafts and composition requests."""
    channel = None if closed.channel == "all" else closed.channel
    await supersede_all(work, [(closed.tenant, closed.lead_id)], closed.reason, channel)
    await compositions.drop_all(work, closed.tenant, closed.lead_id, channel, closed.reason)


def _pending(row: Row) -> PendingDraft:
    return PendingDraft(
        kind=row["kind"],
        channel=row["channel"],
        to=row["to_address"],
        cause=row["cause"],
        cause_id=first_cause(row["cause_id"]),
        cause_at=row["cause_at"],
        claims=row["claims"],
    )


def _rewrite(row: Row, event_id: str) -> compositions.CompositionRequest:
    """The request for a new draft in place of one that an event superseded."""
    return compositions.CompositionRequest(
        tenant=row["tenant_id"],
        draft_id=uuid7(),
        lead_id=row["lead_id"],
        kind=row["kind"],
        cause=row["cause"],
        cause_id=rewrite_cause(row["cause_id"], event_id),
        cause_at=row["cause_at"],
        channel=row["channel"],
        replaces=row["draft_id"],
    )
