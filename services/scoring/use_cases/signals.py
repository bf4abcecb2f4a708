"""Signals: record received events and score their leads; delete the signals of erased and of never captured leads."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from services.scoring import store
from services.scoring.rules import Signal
from services.scoring.use_cases.model_cache import ModelCache
from services.scoring.use_cases.scores import Cause, recompute_scores
from shared.db import UnitOfWork
from shared.events import Event, LeadErased, LeadMerged, Received
from shared.ids import EventKey, LeadKey
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import record_erasure
from shared.store.inbox import without_repetitions

_FIELDS_READ: Mapping[str, set[str]] = {
    "lead.enriched": {"facts"},
    "engagement.recorded": {"kind", "page", "url", "properties"},
    "message.sent": {"kind", "channel", "sequence_id", "step"},
    "reply.received": {"reply_id", "label", "channel", "confidence", "method", "labelled_at"},
    "meeting.booked": {"meeting_id", "starts_at", "ends_at", "title"},
    "meeting.cancelled": {"meeting_id"},
}
"""The fields of each event that models can read. Of capture's events they can read all but `lead_id` and `changed`."""


_NO_SIGNALS = {LeadMerged.type, LeadErased.type}
"""What is not stored as a signal: the inbox knows it."""


async def record_signals(work: UnitOfWork, models: ModelCache, batch: Sequence[Received[Any]]) -> None:
    """Apply a batch of events in their order: merges, erasures, and signals, which are stored; then score the leads.

    An event that is stored already changes nothing.
    """
    batch = await without_repetitions(work, batch, _NO_SIGNALS)
    causes: dict[LeadKey, Cause] = {}
    merged: set[LeadKey] = set()
    signals: dict[EventKey, tuple[Received[Any], str]] = {}
    for received in batch:
        lead = (received.tenant, received.lead_id)
        if isinstance(received.event, LeadMerged):
            alias = (received.tenant, received.event.alias_id)
            # Read before the undo of its last merge, a merge takes the alias from the lead that had it.
            before = (received.tenant, (await resolve(work, [alias]))[alias])
            if await apply_merge(work, received):
                for one in (lead, alias, before):
                    causes[one] = received
                    merged.add(one)
        elif isinstance(received.event, LeadErased):
            await erase_lead(work, lead)
            kept = (await resolve(work, [lead]))[lead]
            if kept != lead[1]:
                causes[received.tenant, kept] = received
        else:
            signals.setdefault(received.key, (received, _stored_data(received)))
    new_signals: dict[LeadKey, list[Signal]] = {}
    if signals:
        new = await store.add_signals(work, list(signals.values()))
        for key, (received, data) in signals.items():
            if key in new:
                lead = (received.tenant, received.lead_id)
                causes[lead] = received
                new_signals.setdefault(lead, []).append(_signal(received, data))
    await recompute_scores(work, models, causes, new_signals=new_signals, publish_same=merged)


async def erase_lead(work: UnitOfWork, lead: LeadKey) -> None:
    """Erase a person: delete the lead and its aliases with their signals, and drop their later events."""
    aliases = (await aliases_of(work, [lead]))[lead]
    erased = [lead, *((lead[0], alias) for alias in aliases)]
    await store.lock_leads(work, erased)
    for tenant, lead_id in erased:
        await record_erasure(work, tenant, lead_id)
    await store.delete_signals(work, erased)
    await store.delete_leads(work, erased)


async def delete_uncaptured(work: UnitOfWork, leads: Iterable[LeadKey], before: datetime) -> int:
    """Delete what was recorded before this moment of those of the leads that are still not captured; how many leads.

    Each signal waits for the capture as long as any other: a lead that has newer ones stays with them.
    """
    records = await store.lock_leads(work, leads)
    uncaptured = [lead for lead, record in records.items() if record.scored_at is None]
    await store.delete_signals(work, uncaptured, before)
    waiting = await store.await_capture(work, uncaptured)
    await store.delete_leads(work, [lead for lead in uncaptured if lead not in waiting])
    return len(uncaptured)


def _stored_data(received: Received[Any]) -> str:
    fields = _FIELDS_READ.get(received.type)
    event: Event = received.event
    if fields:
        return event.model_dump_json(include=fields, exclude_none=True)
    return event.model_dump_json(exclude={"lead_id", "changed", "before"}, exclude_none=True)


def _signal(received: Received[Any], data: str) -> Signal:
    return Signal(
        received.lead_id, received.type, received.occurred_at, received.id, received.source, orjson.loads(data)
    )
