"""Recording what was received of leads: their records change, and with them the counters."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from services.goals.rules.batches import BatchChanges, LeadBatch, LeadHistory, needs_transitions
from services.goals.rules.counters import CounterChanges
from services.goals.rules.leads import MOST_MEETINGS, LeadRecord
from services.goals.rules.metrics import METRICS, Count
from services.goals.rules.time_series import daily_values
from services.goals.store import histories, leads, pipeline, time_series
from services.goals.store.locks import lock_counters
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.events import LeadErased, LeadMerged, Received, StageChanged
from shared.ids import LeadKey
from shared.store.aliases import apply_merge
from shared.store.erasure import erased_among, record_erasure


async def record_events(work: UnitOfWork, batch: list[Received[Any]]) -> bool:
    """Record a batch of events; True when a goal's value may have changed. Invalid for one that cannot be true."""
    for received in batch:
        if isinstance(received.event, StageChanged) and received.event.journey.meetings_held > MOST_MEETINGS:
            raise Invalid(f"journey.meetings_held is {received.event.journey.meetings_held}, above {MOST_MEETINGS}")
    regrouped = {r.tenant for r in batch if isinstance(r.event, LeadMerged | LeadErased)}
    await lock_counters(work, {r.tenant: r.tenant in regrouped for r in batch})
    batch = await _without_erased(work, batch)
    others: defaultdict[LeadKey, list[Received[Any]]] = defaultdict(list)
    merges: list[Received[LeadMerged]] = []
    for received in batch:
        if isinstance(received.event, LeadMerged):
            merges.append(received)
        else:
            others[received.tenant, received.lead_id].append(received)
    ids = set(others) | {key for merge in merges for key in _leads_of(merge)}
    merged = await _read_groups(work, ids)
    # The merges of this batch are stored only now: the groups above are those before it.
    merges = [merge for merge in merges if await apply_merge(work, merge)]
    known = await leads.lock_leads(work, ids)
    whole = {key for key in ids if key[0] in regrouped}
    leads_of_batch = await _load(work, ids, known, merged, others, whole)
    for merge in merges:
        leads_of_batch.apply_merge(merge)
    leads_of_batch.apply_events(received for events in others.values() for received in events)
    return await _save(work, leads_of_batch.changes(work.now), known)


async def record_passed_meetings(work: UnitOfWork, keys: Collection[LeadKey]) -> bool:
    """Count the meetings of these leads whose end has passed; True when a goal's value may have changed."""
    await lock_counters(work, {tenant: False for tenant, _ in keys})
    ids = set(keys)
    merged = await _read_groups(work, ids)
    known = await leads.lock_leads(work, ids)
    leads_of_batch = await _load(work, ids, known, merged, {}, set())
    for key in keys:
        if key in known:
            leads_of_batch.apply_time(key)
    return await _save(work, leads_of_batch.changes(work.now), known)


async def _without_erased(work: UnitOfWork, batch: list[Received[Any]]) -> list[Received[Any]]:
    erased = await erased_among(work, [key for received in batch for key in _leads_of(received)])
    return [received for received in batch if not erased.intersection(_leads_of(received))] if erased else batch


def _leads_of(received: Received[Any]) -> list[LeadKey]:
    """The lead ids that an event concerns."""
    own = (received.tenant, received.lead_id)
    return [own, (received.tenant, received.event.alias_id)] if isinstance(received.event, LeadMerged) else [own]


async def _read_groups(work: UnitOfWork, ids: set[LeadKey]) -> dict[LeadKey, UUID]:
    """The merges in which these ids take part: alias -> kept lead. Adds to `ids` all that are merged with one of them.

    Every id needs its merges read once, and a merge may add an id: a chain of merges is read link by link.
    """
    merged: dict[LeadKey, UUID] = {}
    read: set[LeadKey] = set()
    while unread := ids - read:
        read |= unread
        found = await leads.merges_of(work, unread)
        merged |= found
        ids |= set(found) | {(tenant, lead) for (tenant, _), lead in found.items()}
    return merged


async def _load(
    work: UnitOfWork,
    ids: Collection[LeadKey],
    known: Mapping[LeadKey, LeadRecord],
    merged: dict[LeadKey, UUID],
    events: Mapping[LeadKey, Iterable[Received[Any]]],
    whole: Collection[LeadKey],
) -> LeadBatch:
    """The leads of a batch; with all transitions for those in `whole`, and for those whose events need them."""
    with_transitions = [key for key in known if key in whole or needs_transitions(known[key], events.get(key, ()))]
    transitions = await histories.transitions_of(work, with_transitions)
    signals = await histories.meeting_signals_of(work, known)
    return LeadBatch(
        {
            key: LeadHistory(known.get(key) or LeadRecord(key[1]), transitions.get(key, []), signals.get(key, []))
            for key in ids
        },
        merged,
    )


async def _save(work: UnitOfWork, changes: BatchChanges, known: Mapping[LeadKey, LeadRecord]) -> bool:
    await leads.save_leads(work, changes.leads, known.keys())
    await histories.add_transitions(work, changes.new_transitions)
    await histories.correct_transitions(work, changes.corrected_transitions)
    await histories.add_meeting_signals(work, changes.new_signals)
    await _erase(work, changes)
    return await _add_to_counters(work, changes.counters)


async def _erase(work: UnitOfWork, changes: BatchChanges) -> None:
    if not changes.erased:
        return
    for tenant, lead_id in changes.erased:
        await record_erasure(work, tenant, lead_id)
    uncounted = [key for key in changes.erased if key not in changes.leads or not changes.leads[key].is_counted]
    await leads.anonymise_leads(work, {key: uuid4() for key in changes.erased}, uncounted)


async def _add_to_counters(work: UnitOfWork, changes: CounterChanges) -> bool:
    """Change the counters, in one order everywhere. True when a goal's value may have changed."""
    by_tenant: defaultdict[str, dict[Count, int]] = defaultdict(dict)
    for (tenant, count), number in changes.metrics.items():
        by_tenant[tenant][count] = number
    days: Counter[tuple[str, UUID, date]] = Counter()
    changed: list[tuple[str, UUID]] = []
    for tenant, of_tenant in (await time_series.series_of(work, list(by_tenant))).items():
        metrics = {series.series_id: series.metric for series in of_tenant}
        for (series_id, day), number in daily_values(of_tenant, by_tenant[tenant]).items():
            days[tenant, series_id, day] = number
            if metrics[series_id] in METRICS:
                changed.append((tenant, series_id))
    await time_series.add_to_days(work, days)
    await time_series.queue_changed(work, changed)
    await pipeline.add_to_stage_counts(work, changes.stages)
    await pipeline.add_to_move_counts(work, changes.moves)
    return bool(changed)
