"""Events of other services: each becomes an activity of its lead, and those that are signals are folded."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.stages.rules import SIGNAL_TYPES, Signal, shown_fields, signal_data
from services.stages.store import activities, leads, timeline
from services.stages.store.activities import ActivityRecord
from services.stages.store.leads import NO_ACTIVITY, LeadRecord
from services.stages.use_cases.lead_batch import LeadBatch
from services.stages.use_cases.lead_details import apply_details
from shared.db import UnitOfWork
from shared.events import LeadErased, LeadMerged, LeadScored, LeadUpdated, Received, ReplyReceived
from shared.ids import EventKey, LeadKey
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import erased_among, record_erasure
from shared.store.inbox import without_repetitions

_KNOWN_BY_THE_INBOX = {LeadMerged.type, LeadErased.type}
"""Types that take effect before their activities are written. Of the others the activities say what is known."""


_OPEN = ("address_state", "band", "change", "channel", "how", "kind", "label", "mode")
"""Fields that may hold a value which this version does not know. The event has what stands for it, such as `other`."""


async def record_events(work: UnitOfWork, events: list[Received[Any]]) -> None:
    """Record events and apply their signals. An event that was recorded before changes nothing."""
    erased = await erased_among(work, {(r.tenant, r.lead_id) for r in events})
    received = [r for r in events if (r.tenant, r.lead_id) not in erased]
    received = await without_repetitions(work, received, _KNOWN_BY_THE_INBOX)
    if not received:
        return
    merges = [r for r in received if r.type == LeadMerged.type]
    before = await resolve(work, {(r.tenant, r.event.alias_id) for r in merges}) if merges else {}
    applied = [r for r in merges if await apply_merge(work, r)]
    # An alias that was part of another lead until now leaves that lead, so that lead changes as well. This happens when
    # the undo of the earlier merge is received after the later merge.
    parties = [(r, {r.lead_id, r.event.alias_id, before[r.tenant, r.event.alias_id]}) for r in applied]
    merged = {(r.tenant, id) for r, ids in parties for id in ids}
    named = {(r.tenant, r.lead_id) for r in received}
    batch, resolved = await LeadBatch.lock_resolved(work, named, named | merged)
    records = batch.records
    entries = {r.key: _entry(r) for r in received}
    await _hide_repetitions(work, received, entries, records)
    new = await activities.add(work, list(entries.values()))
    signals: dict[LeadKey, list[Signal]] = {}
    causes: dict[LeadKey, str] = {}
    for one in received:
        if one.key not in new:
            continue
        key = (one.tenant, resolved[one.tenant, one.lead_id])
        batch.publisher.received[*key, one.id] = one
        apply_details(records[key], one)
        if key[1] != one.lead_id:  # an alias has its own details again once its merge is undone
            apply_details(records[one.tenant, one.lead_id], one)
        entry = entries[one.key]
        if entry.folded and entry.signal.counts_for(str(key[1])):
            signals.setdefault(key, []).append(entry.signal)
            causes.setdefault(key, one.id)  # a lead is folded again because of the oldest of its new signals
    for one, ids in parties:
        _mark_alias(records, one)
        causes |= {(one.tenant, id): one.id for id in ids}
        batch.publisher.received |= {(one.tenant, id, one.id): one for id in ids}
    await _recompute_last_activity(work, records, merged)
    await batch.apply_signals(signals, refold=merged, causes=causes)
    for one in received:
        if one.type == LeadErased.type:
            await _erase(work, one)


def _entry(received: Received[Any]) -> ActivityRecord:
    raw: Mapping[str, Any] = received.raw
    type = received.type
    folded = type in SIGNAL_TYPES
    data = signal_data(type, raw) if folded else {}
    data |= shown_fields(type, raw)
    for name in _OPEN:
        if name in data:
            data[name] = getattr(received.event, name, data[name])
    if type == "lead.enriched":
        data["facts"] = sorted(raw.get("facts") or ())
    return ActivityRecord(
        tenant=received.tenant,
        digest=received.digest,
        lead_id=received.lead_id,
        type=type,
        event_id=received.id,
        source=received.source,
        occurred_at=received.occurred_at,
        recorded_at=received.recorded_at,
        actor=raw.get("actor") if isinstance(raw.get("actor"), str) else _publisher(received.source),
        caused_by=received.envelope.causation_id,
        data=data,
        folded=folded,
    )


def _publisher(source: str) -> str:
    return f"system:{source.removeprefix('urn:leadflow:')}"


def _mark_alias(records: Mapping[LeadKey, LeadRecord], received: Received[LeadMerged]) -> None:
    kept = records[received.tenant, received.lead_id]
    alias = records[received.tenant, received.event.alias_id]
    alias.merged_into = None if received.event.undone else kept.lead_id
    if alias.merged_into:
        alias.next_due = None


async def _recompute_last_activity(
    work: UnitOfWork, records: Mapping[LeadKey, LeadRecord], merged: set[LeadKey]
) -> None:
    """Set the last activity of leads that were merged or separated, from the activities of all their present ids."""
    if not merged:
        return
    ids = {key: [key, *((key[0], id) for id in aliases)] for key, aliases in (await aliases_of(work, merged)).items()}
    last = await activities.last_activity(work, {id for keys in ids.values() for id in keys})
    for key, keys in ids.items():
        records[key].last_activity_on = max((last[id] for id in keys if id in last), default=NO_ACTIVITY)


async def _hide_repetitions(
    work: UnitOfWork,
    received: Sequence[Received[Any]],
    entries: Mapping[EventKey, ActivityRecord],
    records: Mapping[LeadKey, LeadRecord],
) -> None:
    """Hide what only the rules read: a score that leaves the band as it is, an update that names no changed field (it
    states the details again), a second label of a reply."""
    bands: dict[LeadKey, str] = {}
    replies: dict[tuple[LeadKey, str], ActivityRecord] = {}
    for one in received:
        entry, lead = entries[one.key], (one.tenant, one.lead_id)
        if one.type == LeadScored.type:
            entry.shown = bands.get(lead, records[lead].band) != one.event.band
            bands[lead] = one.event.band
        elif one.type == LeadUpdated.type:
            entry.shown = bool(one.event.changed)
        elif one.type == ReplyReceived.type:
            entry.shown = (lead, one.event.reply_id) not in replies
            replies.setdefault((lead, one.event.reply_id), entry)
    if replies:
        for reply in await timeline.shown_replies(work, replies):
            replies[reply].shown = False


async def _erase(work: UnitOfWork, received: Received[LeadErased]) -> None:
    await record_erasure(work, received.tenant, received.lead_id)
    await activities.strip_person(work, received.tenant, received.lead_id)
    await leads.strip_person(work, received.tenant, received.lead_id)
