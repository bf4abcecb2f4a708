"""What outreach reads: one function for each event type. State first, for the whole batch; then reactions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.outreach.context import Context
from services.outreach.drafts.rules import NURTURE_EVERY, kind_for_move, nurture_due
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases import voiding
from services.outreach.hooks import Closed
from services.outreach.rules import reacts
from services.outreach.store import Lead, arrivals, leads_of, settings_of_all
from services.outreach.store.arrivals import Key, Moved
from services.outreach.suppression import store as addresses
from services.outreach.suppression.use_cases import blocklisted
from services.outreach.use_cases.erasure import erase
from services.outreach.use_cases.modes import announce
from shared.db import UnitOfWork
from shared.events import (
    Event,
    LeadBecameHot,
    LeadCaptured,
    LeadEnriched,
    LeadErased,
    LeadMerged,
    LeadScored,
    LeadUpdated,
    Received,
    StageChanged,
)
from shared.ids import uuid7
from shared.store.aliases import apply_merge
from shared.store.erasure import erased_among


class Reader:
    """Handles batches. What it puts on the composer's list wakes the composer after the commit."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, work: UnitOfWork, batch: list[Received[Any]]) -> None:
        """All of a batch in one transaction: erasures and merges first, then state, then reactions."""
        await on_lead_erased(work, _of(batch, LeadErased))
        erased = await erased_among(work, {(each.tenant, each.lead_id) for each in batch})
        batch = [each for each in batch if (each.tenant, each.lead_id) not in erased]
        await on_lead_details(work, self._context, [*_of(batch, LeadCaptured), *_of(batch, LeadUpdated)])
        await on_lead_merged(work, _of(batch, LeadMerged))
        await on_lead_enriched(work, _of(batch, LeadEnriched))
        await on_lead_scored(work, _of(batch, LeadScored))
        wanted = await on_stage_changed(work, _of(batch, StageChanged))
        wanted += await on_lead_became_hot(work, _of(batch, LeadBecameHot))
        if await compositions.want(work, wanted):
            self._context.wake_after(work, "composer")


def _of(batch: Sequence[Received[Any]], event: type[Event]) -> list[Received[Any]]:
    return [each for each in batch if each.type == event.type]


async def on_lead_details(
    work: UnitOfWork, context: Context, batch: list[Received[LeadCaptured] | Received[LeadUpdated]]
) -> None:
    """lead.captured and lead.updated: all the details as they are now; the greatest version counts."""
    changed = await arrivals.contacts(work, context.keys, batch)
    if not changed:
        return
    leads = await leads_of(work, changed)
    settings = await settings_of_all(work, {tenant for tenant, _ in leads})
    closed = await addresses.blocklisted_among(work, list(leads.values()))
    for tenant, lead_id in sorted(closed):
        await addresses.mark_opted_out(work, tenant, [lead_id])
        await blocklisted(work, tenant, lead_id, cause=changed[tenant, lead_id].envelope)
    told: dict[str, list[UUID]] = {}
    for (tenant, lead_id), lead in leads.items():
        mode = lead.mode or settings[tenant].mode
        if mode != lead.announced_mode:
            told.setdefault(tenant, []).append(lead_id)
            announce(work, tenant, lead_id, mode, lead.announced_mode, changed[tenant, lead_id].envelope)
    for tenant, ids in told.items():
        await work.run(
            "UPDATE lead SET announced_mode = coalesce(mode, :mode) WHERE tenant_id = :tenant AND lead_id = ANY "
            "(:leads)",
            mode=settings[tenant].mode,
            tenant=tenant,
            leads=ids,
        )
    await voiding.after_details(work, leads, {key: each.id for key, each in changed.items()})


async def on_lead_enriched(work: UnitOfWork, batch: list[Received[LeadEnriched]]) -> None:
    """lead.enriched: all the facts known then. A draft that cites one that has changed is written anew."""
    changed = await arrivals.facts(work, batch)
    if changed:
        await voiding.after_details(
            work, await leads_of(work, changed), {key: each.id for key, each in changed.items()}
        )


async def on_lead_scored(work: UnitOfWork, batch: list[Received[LeadScored]]) -> None:
    """lead.scored: only orders the reviewers' list."""
    await arrivals.scores(work, batch)


async def on_stage_changed(work: UnitOfWork, batch: list[Received[StageChanged]]) -> list[compositions.Wanted]:
    """stage.changed: drafts that make no sense there are void, and some stages ask for one."""
    if not batch:
        return []
    moved = await arrivals.stages(work, batch)
    if not moved:
        return []
    leads = await leads_of(work, moved)
    await voiding.after_moves(work, leads, {key: set(each.causes) for key, each in moved.items()})
    await _set_check_ins(work, moved, leads)
    settings = await settings_of_all(work, {tenant for tenant, _ in moved})
    wanted = []
    for (tenant, lead_id), each in moved.items():
        if each.last is None:
            continue
        move = each.last.event
        kind = kind_for_move(move.from_, move.to, move.rule)
        hours = settings[tenant].react_within_hours
        if kind and settings[tenant].comes_by_itself(kind) and reacts(each.last.occurred_at, work.now, hours):
            wanted.append(_wanted(each.last, lead_id, kind, "stage"))
    return wanted


def _wanted(received: Received[Any], lead_id: UUID, kind: str, cause: str) -> compositions.Wanted:
    return compositions.Wanted(
        received.tenant, uuid7(), lead_id, kind, cause, received.id, received.occurred_at, "agent:composer"
    )


async def _set_check_ins(work: UnitOfWork, moved: dict[Key, Moved], leads: dict[Key, Lead]) -> None:
    """A lead that came into nurture is due a check-in when it said, or in thirty days.

    One that came there long ago waits from now.
    """
    entered = {key: each.last for key, each in moved.items() if each.last is not None}
    if not entered:
        return
    dues = []
    for key, received in entered.items():
        due = nurture_due(received.occurred_at, None, leads[key].later_until)
        due = due if due >= work.now else work.now + NURTURE_EVERY
        dues.append(due if received.event.to == "nurture" else None)
    await work.run(
        """
        UPDATE lead l SET nurture_due = w.due
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:dues AS timestamptz[]))
             AS w (tenant_id, lead_id, due)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id AND l.nurture_due IS DISTINCT FROM w.due
        """,
        tenants=[tenant for tenant, _ in entered],
        leads=[lead for _, lead in entered],
        dues=dues,
    )


async def on_lead_became_hot(work: UnitOfWork, batch: list[Received[LeadBecameHot]]) -> list[compositions.Wanted]:
    """lead.became_hot: a first message, unless somebody has written to the lead already."""
    if not batch:
        return []
    settings = await settings_of_all(work, {each.tenant for each in batch})
    leads = await leads_of(work, {(each.tenant, each.lead_id) for each in batch})
    return [
        _wanted(each, each.lead_id, "first", "hot")
        for each in batch
        if settings[each.tenant].comes_by_itself("first")
        and reacts(each.occurred_at, work.now, settings[each.tenant].react_within_hours)
        and ((lead := leads.get((each.tenant, each.lead_id))) is None or lead.stage == "new")
    ]


async def on_lead_merged(work: UnitOfWork, batch: list[Received[LeadMerged]]) -> None:
    """lead.merged: drafts of the alias end, those of the kept lead too if the alias has opted out. None come back."""
    ended = []
    for received in sorted(batch, key=lambda each: each.event.version):
        if await apply_merge(work, received) and not received.event.undone:
            ended.append((received.tenant, received.event.alias_id))
    if not ended:
        return
    await voiding.end_all(work, ended, "merged")
    aliases = await leads_of(work, ended)
    for tenant, alias in ended:
        await compositions.drop(work, tenant, alias, None, "merged")
        lead = aliases.get((tenant, alias))
        if lead and lead.opted_out and lead.merged_into:
            await voiding.after_close(work, Closed(tenant, lead.merged_into, "all", "the lead has opted out"))


async def on_lead_erased(work: UnitOfWork, batch: list[Received[LeadErased]]) -> None:
    """lead.erased: everything of the person goes; the suppression of its addresses stays, as keyed hashes."""
    for received in batch:
        await erase(work, received.tenant, received.lead_id)
