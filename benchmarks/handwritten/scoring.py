"""lead.captured -> lead.scored."""

from datetime import datetime
from typing import Any

import asyncpg
import orjson

from benchmarks.handwritten.cloudevents import Event, Outbox, by_int
from benchmarks.handwritten.loop import WHOLE_CONTRACT, Service
from services.scoring.rules import (
    DEFAULT_MODEL,
    DEFAULT_VERSION,
    Score,
    Signal,
    compile_model,
    history_at,
    main_reasons,
    score_at,
)
from shared.ids import LeadKey, revision_id

_MODEL = compile_model(DEFAULT_VERSION, DEFAULT_MODEL)

_ADD = """
    INSERT INTO signal (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, data)
    SELECT tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, data::jsonb
    FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                $8::timestamptz[], $9::text[])
         AS t (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, data)
    ON CONFLICT DO NOTHING RETURNING tenant_id, digest
"""
# A shared lock that an activation excludes: no batch commits scores of a model that is no longer active.
_LOCK_MODEL = """
    SELECT pg_advisory_xact_lock_shared(hashtextextended('model/' || t, 0)) FROM unnest($1::text[]) AS t
"""
_ACTIVE = "SELECT tenant_id FROM active_model WHERE tenant_id = ANY ($1::text[])"
_LOCK = """
    SELECT l.tenant_id, l.lead_id, l.revision, l.fit, l.intent, l.engagement, l.band, l.scored_at
    FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id)
    JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
    ORDER BY l.tenant_id, l.lead_id FOR UPDATE OF l
"""
_ERASED_OR_MERGED = """
    WITH w AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id))
    SELECT tenant_id, lead_id FROM w JOIN erased USING (tenant_id, lead_id)
    UNION ALL SELECT w.tenant_id, w.lead_id FROM w
    JOIN alias a ON a.tenant_id = w.tenant_id AND w.lead_id IN (a.alias_id, a.lead_id) AND NOT a.undone
"""
_SIGNALS = """
    SELECT s.tenant_id, s.lead_id, s.type, s.occurred_at, s.event_id, s.source, s.data
    FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id)
    JOIN signal s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
"""
_INSERT = """
    INSERT INTO lead (tenant_id, lead_id, revision, fit, intent, engagement, band, model_version, scored_at,
                      next_change_at, seen_at)
    SELECT *, $11 FROM unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::text[], $8::int[],
                              $9::timestamptz[], $10::timestamptz[])
"""
_UPDATE = """
    UPDATE lead l SET revision = n.revision, fit = n.fit, intent = n.intent, engagement = n.engagement, band = n.band,
                      model_version = n.model_version, scored_at = n.scored_at, next_change_at = n.next_change_at
    FROM unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::text[], $8::int[],
                $9::timestamptz[], $10::timestamptz[])
         AS n (tenant_id, lead_id, revision, fit, intent, engagement, band, model_version, scored_at, next_change_at)
    WHERE l.tenant_id = n.tenant_id AND l.lead_id = n.lead_id
"""


async def handle(connection: asyncpg.Connection, now: datetime, events: list[Event], outbox: Outbox) -> None:
    first = {(event.tenant, event.digest): event for event in reversed(events)}
    rows = [(key, first[key], _signal_data(first[key])) for key in sorted(first, key=by_int)]
    new = await connection.fetch(
        _ADD,
        [e.tenant for _, e, _ in rows],
        [e.digest for _, e, _ in rows],
        [e.lead_id for _, e, _ in rows],
        [e.type for _, e, _ in rows],
        [e.id for _, e, _ in rows],
        [e.source for _, e, _ in rows],
        [e.time for _, e, _ in rows],
        [e.recorded_at for _, e, _ in rows],
        [orjson.dumps(data).decode() for _, _, data in rows],
    )
    fresh = {(row["tenant_id"], row["digest"]) for row in new}
    causes: dict[LeadKey, Event] = {}
    signals: dict[LeadKey, list[Signal]] = {}
    for key, event, data in rows:
        if key in fresh and event.lead_id is not None:
            lead = (event.tenant, event.lead_id)
            causes[lead] = event
            signals.setdefault(lead, []).append(
                Signal(event.lead_id, event.type, event.time, event.id, event.source, data)
            )
    if causes:
        await _score_leads(connection, now, causes, signals, outbox)


async def _score_leads(
    connection: asyncpg.Connection,
    now: datetime,
    causes: dict[LeadKey, Event],
    signals: dict[LeadKey, list[Signal]],
    outbox: Outbox,
) -> None:
    tenants = sorted({tenant for tenant, _ in causes})
    await connection.fetch(_LOCK_MODEL, tenants)
    if await connection.fetch(_ACTIVE, tenants):
        raise NotImplementedError("the measurement uses the built-in model")
    wanted = sorted(causes, key=by_int)
    keys = ([tenant for tenant, _ in wanted], [lead for _, lead in wanted])
    known = {(row["tenant_id"], row["lead_id"]): row for row in await connection.fetch(_LOCK, *keys)}
    if await connection.fetch(_ERASED_OR_MERGED, *keys):
        raise NotImplementedError("the measurement has no merged or erased leads")
    if known:
        stored: dict[LeadKey, list[Signal]] = {lead: [] for lead in known}
        for row in await connection.fetch(_SIGNALS, [tenant for tenant, _ in known], [lead for _, lead in known]):
            tenant, lead_id, type, at, id, source, data = row
            stored[tenant, lead_id].append(Signal(lead_id, type, at, id, source, orjson.loads(data)))
        signals |= stored
    changes: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]] = ([], [])
    for lead in wanted:
        row = known.get(lead)
        moment = max([now, *(signal.at for signal in signals[lead])])
        history = history_at(signals[lead], lead[1], moment)
        if history is None:
            raise NotImplementedError("the measurement has no leads that were not captured")
        score = score_at(_MODEL, history, moment)
        if row is not None and (row["fit"], row["intent"], row["engagement"], row["band"]) == (
            *score.points,
            score.band,
        ):
            continue
        revision = (row["revision"] if row else 0) + 1
        changes[row is not None].append(_row(lead, revision, score))
        data = {
            "lead_id": str(lead[1]),
            "fit": score.fit,
            "intent": score.intent,
            "engagement": score.engagement,
            "total": score.total,
            "band": score.band,
            "model_version": score.model_version,
            "scored_at": score.at,
            "revision": revision,
        }
        if WHOLE_CONTRACT:
            data["reasons"] = [reason._asdict() for reason in main_reasons(score)]
        id = revision_id("lead.scored", lead[1], revision)
        outbox.add("lead.scored", lead[0], str(lead[1]), id, score.at, data, causes[lead])
    inserts, updates = changes
    if inserts:
        await connection.execute(_INSERT, *map(list, zip(*inserts, strict=True)), now)
    if updates:
        await connection.execute(_UPDATE, *map(list, zip(*updates, strict=True)))


def _signal_data(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.data.items() if name != "lead_id" and value is not None}


def _row(lead: LeadKey, revision: int, score: Score) -> tuple[Any, ...]:
    return (*lead, revision, *score.points, score.band, score.model_version, score.at, score.next_change_at)


SERVICE = Service("scoring", ("lead.captured",), handle)
