"""The one way to a new score: store signals, lock the leads, read what is needed, decide, write the difference."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from services.scoring import store
from services.scoring.rules import Score, Signal, gather, score_at
from services.scoring.store import Row, Scored
from services.scoring.use_cases.models import Models
from shared.db import UnitOfWork
from shared.events import Event, LeadErased, LeadMerged, LeadScored, Received
from shared.ids import LeadKey, revision_id
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import record_erasure

Cause = Received[Any] | None

_READ: Mapping[str, set[str]] = {
    "lead.enriched": {"facts"},
    "engagement.recorded": {"kind", "page", "url", "properties"},
    "message.sent": {"kind", "channel", "sequence_id", "step"},
    "reply.received": {"reply_id", "label", "channel", "confidence", "method", "labelled_at"},
    "meeting.booked": {"meeting_id", "starts_at", "ends_at", "title"},
    "meeting.cancelled": {"meeting_id"},
}
"""The part of each event that models can read; of capture's events all but the names of what changed."""


async def take_signals(work: UnitOfWork, models: Models, batch: Sequence[Received[Any]]) -> None:
    """A batch of events in their order; those known already change nothing."""
    causes: dict[LeadKey, Cause] = {}
    said_anew: set[LeadKey] = set()
    arrived: dict[tuple[str, Any], tuple[Received[Any], str]] = {}
    for received in batch:
        lead = (received.tenant, received.lead_id)
        if isinstance(received.event, LeadMerged):
            if await apply_merge(work, received):
                for one in (lead, (received.tenant, received.event.alias_id)):
                    causes[one] = received
                    said_anew.add(one)
        elif isinstance(received.event, LeadErased):
            await forget_leads(work, lead)
            kept = (await resolve(work, [lead]))[lead]
            if kept != lead[1]:
                causes[received.tenant, kept] = received
        else:
            arrived.setdefault((received.tenant, received.digest), (received, _data(received)))
    fresh: dict[LeadKey, list[Signal]] = {}
    if arrived:
        new = await store.add_signals(work, list(arrived.values()))
        for key, (received, data) in arrived.items():
            if key in new:
                lead = (received.tenant, received.lead_id)
                causes[lead] = received
                fresh.setdefault(lead, []).append(_signal(received, data))
    await settle(work, models, causes, fresh=fresh, said_anew=said_anew)


async def settle(
    work: UnitOfWork,
    models: Models,
    causes: Mapping[LeadKey, Cause],
    *,
    fresh: Mapping[LeadKey, list[Signal]] | None = None,
    said_anew: Collection[LeadKey] = (),
) -> None:
    """Bring the scores of these leads up to date, and publish those that changed.

    `fresh` are the signals just stored: all there is of a lead that was not known before. Leads in `said_anew` are
    published even if their score is the same: other systems saw a score of another id last.
    """
    if not causes:
        return
    await store.hold_models(work, {tenant for tenant, _ in causes})
    active = await models.active(work, {tenant for tenant, _ in causes})
    rows = await store.lock_leads(work, causes)
    links = await store.links_of(work, causes)
    if links.erased:
        await store.remove_signals(work, links.erased)
    named = [lead for lead in causes if lead not in links.erased]
    groups: dict[LeadKey, Cause] = {}
    for lead in named:
        kept = links.kept.get(lead, lead)
        groups[kept] = _later(groups.get(kept), causes[lead])
    elsewhere = [lead for lead in groups if lead not in causes]
    if elsewhere:
        rows |= await store.lock_leads(work, elsewhere)
        for lead, aliases in (await aliases_of(work, elsewhere)).items():
            links.aliases[lead] = [(lead[0], alias) for alias in aliases]
    signals = await _signals(work, groups, rows, links.aliases, fresh or {})
    inserts: list[Scored] = [Scored(lead) for lead in named if lead not in groups and lead not in rows]
    updates: list[Scored] = [
        Scored(lead, rows[lead].revision, None, rows[lead].scored_at)
        for lead in named
        if lead not in groups and lead in rows and rows[lead].next_change_at is not None
    ]
    for lead, cause in groups.items():
        row = rows.get(lead)
        score = _score(work, models, active, lead, signals[lead], row)
        if score is None:
            if row is None:
                inserts.append(Scored(lead))
            continue
        if _tells_more(score, row) or lead in said_anew:
            changed = Scored(lead, (row.revision if row else 0) + 1, score, score.at)
            _publish(work, changed, score, cause)
        elif row is not None and (score.next_change_at, score.model_version) != (row.next_change_at, row.model_version):
            changed = Scored(lead, row.revision, score, row.scored_at)
        else:
            continue
        (updates if row else inserts).append(changed)
    if inserts:
        await store.insert_scores(work, inserts)
    if updates:
        await store.update_scores(work, updates)


async def forget_leads(work: UnitOfWork, lead: LeadKey) -> None:
    """Erase a person: the lead, and what was merged into it, with every signal; what comes later is dropped."""
    aliases = (await aliases_of(work, [lead]))[lead]
    gone = [lead, *((lead[0], alias) for alias in aliases)]
    await store.lock_leads(work, gone)
    for tenant, lead_id in gone:
        await record_erasure(work, tenant, lead_id)
    await store.remove_signals(work, gone)
    await store.forget(work, gone)


async def _signals(
    work: UnitOfWork,
    groups: Iterable[LeadKey],
    rows: Mapping[LeadKey, Row],
    aliases: Mapping[LeadKey, list[LeadKey]],
    fresh: Mapping[LeadKey, list[Signal]],
) -> dict[LeadKey, list[Signal]]:
    """All signals of each lead and its aliases. Of a lead without a row nothing older than this batch is stored."""
    to_read = [one for lead in groups if lead in rows or lead in aliases for one in (lead, *aliases.get(lead, ()))]
    loaded = await store.load_signals(work, to_read) if to_read else {}
    return {
        lead: [signal for one in (lead, *aliases.get(lead, ())) for signal in loaded[one]]
        if lead in loaded
        else fresh.get(lead, [])
        for lead in groups
    }


def _score(
    work: UnitOfWork, models: Models, active: Mapping[str, int], lead: LeadKey, signals: list[Signal], row: Row | None
) -> Score | None:
    """The score of now; of the newest signal's moment where that lies (at most five minutes) ahead."""
    moment = max([work.now, *(signal.at for signal in signals)])
    if row is not None and row.scored_at is not None:
        moment = max(moment, row.scored_at)
    history = gather(signals, lead[1], moment)
    return score_at(models[lead[0], active[lead[0]]], history, moment) if history else None


def _tells_more(score: Score, row: Row | None) -> bool:
    return row is None or row.scored_at is None or (score.points, score.band) != (row.points, row.band)


def _publish(work: UnitOfWork, scored: Scored, score: Score, cause: Cause) -> None:
    tenant, lead_id = scored.lead
    work.emit(
        LeadScored(
            lead_id=lead_id,
            fit=score.fit,
            intent=score.intent,
            engagement=score.engagement,
            total=score.total,
            band=score.band,
            model_version=score.model_version,
            scored_at=score.at,
            revision=scored.revision,
        ),
        tenant=tenant,
        subject=lead_id,
        time=score.at,
        cause=cause,
        event_id=revision_id("lead.scored", lead_id, scored.revision),
    )


def _later(one: Cause, other: Cause) -> Cause:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda received: received.order)


def _data(received: Received[Any]) -> str:
    fields = _READ.get(received.type)
    event: Event = received.event
    if fields:
        return event.model_dump_json(include=fields, exclude_none=True)
    return event.model_dump_json(exclude={"lead_id", "changed"}, exclude_none=True)


def _signal(received: Received[Any], data: str) -> Signal:
    return Signal(
        received.lead_id, received.type, received.occurred_at, received.id, received.source, orjson.loads(data)
    )
