"""Counting: what a batch of events changes in the rows, and by how much that moves the counters."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from services.goals.rules.leads import Count, Lead
from services.goals.rules.ledger import Differences, Dossier, Key, Ledger, Outcome, needs_history
from services.goals.rules.series import daily
from services.goals.store import counters, leads, locks
from shared.db import UnitOfWork
from shared.events import LeadErased, LeadMerged, Received
from shared.store.aliases import apply_merge
from shared.store.erasure import erased_among, record_erasure


async def count(work: UnitOfWork, batch: list[Received[Any]]) -> bool:
    """Take a batch of events; True when a goal's value may have changed."""
    regrouping = {r.tenant for r in batch if isinstance(r.event, LeadMerged | LeadErased)}
    await locks.count_together(work, {r.tenant: r.tenant in regrouping for r in batch})
    batch = await _of_the_living(work, batch)
    others: defaultdict[Key, list[Received[Any]]] = defaultdict(list)
    merges: list[Received[LeadMerged]] = []
    for received in batch:
        if isinstance(received.event, LeadMerged):
            merges.append(received)
        else:
            others[received.tenant, received.lead_id].append(received)
    ids = set(others) | {key for merge in merges for key in _both(merge)}
    kept = await _groups(work, ids)
    # Only after the groups were read as they were: now the merges count.
    merges = [merge for merge in merges if await apply_merge(work, merge)]
    known = await leads.lock(work, ids)
    whole = {key for key in ids if key[0] in regrouping}
    ledger = await _ledger(work, ids, known, kept, others, whole)
    for merge in merges:
        ledger.regroup(merge)
    ledger.take_all(received for events in others.values() for received in events)
    return await _save(work, ledger.settle(work.now), known)


async def pass_meetings(work: UnitOfWork, keys: Collection[Key]) -> bool:
    """Hold the meetings whose end has passed for these leads; True when a goal's value may have changed."""
    await locks.count_together(work, {tenant: False for tenant, _ in keys})
    ids = set(keys)
    kept = await _groups(work, ids)
    known = await leads.lock(work, ids)
    ledger = await _ledger(work, ids, known, kept, {}, set())
    for key in keys:
        if key in known:
            ledger.touch(key)
    return await _save(work, ledger.settle(work.now), known)


async def _of_the_living(work: UnitOfWork, batch: list[Received[Any]]) -> list[Received[Any]]:
    """The batch without what concerns an erased lead."""
    gone = await erased_among(work, [key for received in batch for key in _both(received)])
    return [received for received in batch if not gone.intersection(_both(received))] if gone else batch


def _both(received: Received[Any]) -> list[Key]:
    """The lead ids that an event speaks of."""
    own = (received.tenant, received.lead_id)
    return [own, (received.tenant, received.event.alias_id)] if isinstance(received.event, LeadMerged) else [own]


async def _groups(work: UnitOfWork, ids: set[Key]) -> dict[Key, UUID]:
    """The merges that these ids take part in; adds to `ids` whoever belongs to one of them."""
    kept: dict[Key, UUID] = {}
    asked: set[Key] = set()
    while new := ids - asked:
        asked |= new
        found = await leads.links(work, new)
        kept |= found
        ids |= set(found) | {(tenant, lead) for (tenant, _), lead in found.items()}
    return kept


async def _ledger(
    work: UnitOfWork,
    ids: Collection[Key],
    known: Mapping[Key, Lead],
    kept: dict[Key, UUID],
    events: Mapping[Key, Iterable[Received[Any]]],
    whole: Collection[Key],
) -> Ledger:
    wanting = [key for key in known if key in whole or needs_history(known[key], events.get(key, ()))]
    steps = await leads.steps_of(work, wanting)
    signals = await leads.signals_of(work, known)
    return Ledger(
        {key: Dossier(known.get(key) or Lead(key[1]), steps.get(key, []), signals.get(key, [])) for key in ids}, kept
    )


async def _save(work: UnitOfWork, outcome: Outcome, known: Mapping[Key, Lead]) -> bool:
    await leads.save_leads(work, outcome.leads, known.keys())
    await leads.add_steps(work, outcome.new_steps)
    await leads.change_steps(work, outcome.changed_steps)
    await leads.add_signals(work, outcome.new_signals)
    await _forget(work, outcome)
    return await _add(work, outcome.differences)


async def _forget(work: UnitOfWork, outcome: Outcome) -> None:
    if not outcome.erased:
        return
    for tenant, lead_id in outcome.erased:
        await record_erasure(work, tenant, lead_id)
    uncounted = [key for key in outcome.erased if key not in outcome.leads or not outcome.leads[key].counts]
    await leads.forget(work, {key: uuid4() for key in outcome.erased}, uncounted)


async def _add(work: UnitOfWork, differences: Differences) -> bool:
    """Move the counters, in one order everywhere: series, stages, moves."""
    by_tenant: defaultdict[str, dict[Count, int]] = defaultdict(dict)
    for (tenant, counted), number in differences.counts.items():
        by_tenant[tenant][counted] = number
    days: Counter[tuple[str, UUID, date]] = Counter()
    touched: list[tuple[str, UUID]] = []
    for tenant, of_tenant in (await counters.series_of(work, list(by_tenant))).items():
        metrics = {series.series_id: series.metric for series in of_tenant}
        for (series_id, day), number in daily(of_tenant, by_tenant[tenant]).items():
            days[tenant, series_id, day] = number
            if counters.tells(metrics[series_id]):
                touched.append((tenant, series_id))
    await counters.add_days(work, days)
    await counters.touch(work, touched)
    await counters.add_standing(work, differences.stands)
    await counters.add_moves(work, differences.moves)
    return bool(touched)
