"""The events that outreach reads: one function for each type. State of the whole batch first, then what it starts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach.context import Context
from services.outreach.drafts.rules import kind_for_stage_change
from services.outreach.drafts.store import compositions, rank
from services.outreach.drafts.store.compositions import CompositionRequest
from services.outreach.drafts.use_cases import supersession
from services.outreach.hooks import ChannelClosed
from services.outreach.rules import is_recent, next_check_in
from services.outreach.sending import store as dispatches
from services.outreach.sequences.use_cases import interruptions
from services.outreach.store import Lead, address_hashes_of, lead_state, leads_of, schedule_check_ins, settings_of_all
from services.outreach.suppression.store import lock_addresses
from services.outreach.suppression.use_cases import opt_out_blocklisted
from services.outreach.use_cases.contact_details import apply_contact_details, follow_clocks
from services.outreach.use_cases.erasure import erase
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
from shared.ids import LeadKey, uuid7
from shared.store.aliases import apply_merge
from shared.store.erasure import erased_among


class Reader:
    """Handles batches of events, and wakes the composer after a commit that requested drafts."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, work: UnitOfWork, batch: list[Received[Any]]) -> None:
        """A whole batch in one transaction: erasures, then state, then the drafts that it requests."""
        await on_lead_erased(work, _of(batch, LeadErased))
        erased = await erased_among(work, {(each.tenant, each.lead_id) for each in batch})
        batch = [each for each in batch if (each.tenant, each.lead_id) not in erased]
        await on_lead_details(work, self._context, [*_of(batch, LeadCaptured), *_of(batch, LeadUpdated)])
        await on_lead_merged(work, _of(batch, LeadMerged))
        await on_new_leads(work, _of(batch, LeadCaptured))
        await on_lead_enriched(work, _of(batch, LeadEnriched))
        await on_lead_scored(work, _of(batch, LeadScored))
        requests = await on_stage_changed(work, _of(batch, StageChanged))
        requests += await on_lead_became_hot(work, _of(batch, LeadBecameHot))
        if await compositions.add(work, requests):
            self._context.wake_after(work, "composer")


def _of(batch: Sequence[Received[Any]], event: type[Event]) -> list[Received[Any]]:
    return [each for each in batch if each.type == event.type]


async def on_lead_details(
    work: UnitOfWork, context: Context, batch: list[Received[LeadCaptured] | Received[LeadUpdated]]
) -> None:
    """lead.captured, lead.updated: each carries all contact details; those with the greatest version count."""
    await apply_contact_details(work, context.keys, batch)


async def on_new_leads(work: UnitOfWork, batch: list[Received[LeadCaptured]]) -> None:
    """lead.captured: a sequence may have a rule that enrols new leads of a source."""
    if batch:
        await interruptions.enrol_by_rule(work, {(each.tenant, each.lead_id): each for each in batch})


async def on_lead_enriched(work: UnitOfWork, batch: list[Received[LeadEnriched]]) -> None:
    """lead.enriched: each carries all facts. A draft that cites a changed one is superseded and written afresh.

    A time zone or a country may be among them, so what waits for the lead's clock is looked at again.
    """
    changed = await lead_state.save_facts(work, batch)
    if changed:
        leads = await leads_of(work, changed)
        event_ids = {key: each.id for key, each in changed.items()}
        await supersession.supersede_on_changed_details(work, leads, event_ids)
        await follow_clocks(work, changed)


async def on_lead_scored(work: UnitOfWork, batch: list[Received[LeadScored]]) -> None:
    """lead.scored: the score orders the reviewers' list, and each draft shows it with its reasons."""
    await rank(work, await lead_state.save_scores(work, batch))


async def on_stage_changed(work: UnitOfWork, batch: list[Received[StageChanged]]) -> list[CompositionRequest]:
    """stage.changed: drafts that make no sense in the new stage are superseded; the requests that it causes."""
    if not batch:
        return []
    changed = await lead_state.save_stages(work, batch)
    if not changed:
        return []
    leads = await leads_of(work, changed)
    await supersession.supersede_on_stage_change(work, leads, {key: each.causes for key, each in changed.items()})
    moves = {key: each.last_move for key, each in changed.items() if each.last_move is not None}
    if moves:
        await schedule_check_ins(work, _check_in_dues(moves, leads, work.now))
    await interruptions.interrupt_on_stages(work, leads, changed)
    await dispatches.check_returned(work, changed)
    settings = await settings_of_all(work, {tenant for tenant, _ in changed})
    requests = []
    for (tenant, lead_id), received in moves.items():
        move, of_tenant = received.event, settings[tenant]
        kind = kind_for_stage_change(move.from_, move.to, move.rule)
        recent = is_recent(received.occurred_at, work.now, of_tenant.react_within_hours)
        if kind and recent and of_tenant.drafts_automatically(kind):
            requests.append(_request(received, lead_id, kind, "stage"))
    return requests


def _request(received: Received[Any], lead_id: UUID, kind: str, cause: str) -> CompositionRequest:
    return CompositionRequest(received.tenant, uuid7(), lead_id, kind, cause, received.id, received.occurred_at)


def _check_in_dues(
    moves: Mapping[LeadKey, Received[StageChanged]], leads: Mapping[LeadKey, Lead], now: datetime
) -> dict[LeadKey, datetime | None]:
    """When the next check-in of each moved lead falls due; None outside nurture."""
    return {
        key: next_check_in(move.occurred_at, leads[key].later_until, now) if move.event.to == "nurture" else None
        for key, move in moves.items()
    }


async def on_lead_became_hot(work: UnitOfWork, batch: list[Received[LeadBecameHot]]) -> list[CompositionRequest]:
    """lead.became_hot: requests a first message, unless the lead has left the stage new already."""
    if not batch:
        return []
    settings = await settings_of_all(work, {each.tenant for each in batch})
    leads = await leads_of(work, {(each.tenant, each.lead_id) for each in batch})
    return [
        _request(each, each.lead_id, "first", "hot")
        for each in batch
        if settings[each.tenant].drafts_automatically("first")
        and is_recent(each.occurred_at, work.now, settings[each.tenant].react_within_hours)
        and ((lead := leads.get((each.tenant, each.lead_id))) is None or lead.stage == "new")
    ]


async def on_lead_merged(work: UnitOfWork, batch: list[Received[LeadMerged]]) -> None:
    """lead.merged: drafts of the alias end, and those of the kept lead if the alias has opted out, or has written since
    their cause.

    Undoing a merge restores the enrolments that it ended, and no drafts: a step under way is written afresh, and what
    answers the alias is not sent to the kept lead. Whoever then has an address that opted out meanwhile is opted out.
    """
    # Whoever answers or opts out meanwhile holds its addresses: that is seen below, or sees the merge.
    await lock_addresses(work, await address_hashes_of(work, [key for each in batch for key in _parties(each)]))
    applied = [each for each in sorted(batch, key=lambda each: each.event.version) if await apply_merge(work, each)]
    merges = [each for each in applied if not each.event.undone]
    merged = list(dict.fromkeys((each.tenant, each.event.alias_id) for each in merges))
    await supersession.supersede_all(work, merged, "merged")
    await interruptions.end_merged(work, merges)
    undone = [each for each in applied if each.event.undone]
    for each in undone:
        await supersession.supersede_on_undone_merge(work, each.tenant, each.lead_id)
    await interruptions.undo_merges(work, undone)
    parted = {key: each.envelope for each in batch if each.event.undone for key in _parties(each)}
    await opt_out_blocklisted(work, await leads_of(work, parted), parted)
    aliases = await leads_of(work, merged)
    for tenant, alias_id in merged:
        await compositions.drop_all(work, tenant, alias_id, None, "merged")
        alias = aliases.get((tenant, alias_id))
        if alias is None or alias.merged_into is None:
            continue
        if alias.opted_out:
            closed = ChannelClosed(tenant, alias.merged_into, "all", "the lead has opted out")
            await supersession.supersede_on_channel_closed(work, closed)
        await supersession.supersede_on_merge(work, tenant, alias.merged_into, alias_id)


def _parties(merge: Received[LeadMerged]) -> tuple[LeadKey, LeadKey]:
    return (merge.tenant, merge.lead_id), (merge.tenant, merge.event.alias_id)


async def on_lead_erased(work: UnitOfWork, batch: list[Received[LeadErased]]) -> None:
    """lead.erased: everything of the person is deleted; suppressions stay, by the keyed hash of the address."""
    for received in batch:
        await erase(work, received.tenant, received.lead_id)
