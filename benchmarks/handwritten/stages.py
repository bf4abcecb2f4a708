"""lead.captured, lead.scored -> stage.changed."""

from datetime import datetime
from typing import Any

import asyncpg
import orjson

from benchmarks.handwritten.cloudevents import Event, Outbox, by_int
from benchmarks.handwritten.lead_rows import INSERT, LOCK, UPDATE, Row, row_of, values_of
from benchmarks.handwritten.loop import Service
from services.stages.rules import (
    Journey,
    SettingsHistory,
    Signal,
    TenantSettings,
    Transition,
    advance,
    can_advance,
    fold,
    signal_data,
)
from shared.ids import LeadKey, derived_id, revision_id

_SHOWN = {
    "lead.captured": ("source", "campaign"),
    "lead.scored": ("fit", "intent", "engagement", "total", "band", "model_version", "revision"),
}

# The measurement has no erased and no merged leads; the query for them is there because ours has it too.
_ERASED_OR_MERGED = """
    WITH w AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id))
    SELECT w.lead_id FROM w JOIN erased e ON e.tenant_id = w.tenant_id AND e.lead_id = w.lead_id
    UNION ALL SELECT w.lead_id FROM w
    JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.lead_id AND NOT a.undone
"""
_SETTINGS = "SELECT tenant_id, valid_from, body FROM setting WHERE tenant_id = ANY ($1::text[])"
_ADD = """
    INSERT INTO activity (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, actor,
                          caused_by, data, folded, position, revision, superseded, shown)
    SELECT tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, actor, caused_by,
           data::jsonb, folded, position, revision, false, shown
    FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::bool[], $13::smallint[], $14::int[],
                $15::bool[])
         AS v (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, actor, caused_by, data,
               folded, position, revision, shown)
    ON CONFLICT DO NOTHING RETURNING tenant_id, digest
"""
_SIGNALS = """
    SELECT a.tenant_id, a.lead_id, a.digest, a.event_id, a.source, a.type, a.occurred_at, a.recorded_at, a.data
    FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id)
    JOIN activity a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id AND a.folded
"""


async def handle(connection: asyncpg.Connection, now: datetime, events: list[Event], outbox: Outbox) -> None:
    first = {(event.tenant, event.digest): event for event in reversed(events)}
    leads = {(event.tenant, event.lead_id) for event in first.values() if event.lead_id is not None}
    wanted = sorted(leads, key=by_int)
    keys = ([tenant for tenant, _ in wanted], [lead for _, lead in wanted])
    if await connection.fetch(_ERASED_OR_MERGED, *keys):
        raise NotImplementedError("the measurement has no merged or erased leads")
    rows = {key: Row(*key, Journey()) for key in wanted}
    for found in await connection.fetch(LOCK, *keys):
        rows[found["tenant_id"], found["lead_id"]] = row_of(found)
    histories = await _histories(connection, sorted({tenant for tenant, _ in wanted}))
    entries = {key: _entry(first[key], rows) for key in sorted(first, key=by_int)}
    added = await connection.fetch(_ADD, *map(list, zip(*entries.values(), strict=True)))
    fresh = {(row["tenant_id"], row["digest"]) for row in added}
    arrivals: dict[LeadKey, list[Signal]] = {}
    for event in sorted((first[key] for key in fresh), key=lambda event: event.order):
        assert event.lead_id is not None
        row = rows[event.tenant, event.lead_id]
        _update_row(row, event)
        arrivals.setdefault((event.tenant, event.lead_id), []).append(_signal(event))
    await _add_waiting_signals(connection, rows, arrivals)
    causes = {(event.tenant, event.id): event for event in first.values()}
    moves: list[tuple[Any, ...]] = []
    for key, signals in arrivals.items():
        row, history = rows[key], histories[key[0]]
        before = row.journey.facts()
        known = row.journey.created_on is not None
        outcome = advance(row.journey, signals, history, now) if known else fold(signals, history, now)
        if outcome.journey.created_on is None:
            continue
        row.captured, row.journey = True, outcome.journey
        for transition in outcome.transitions:
            moves.append(_publish_move(row, transition, now, outbox, causes))
        if known and not outcome.transitions and outcome.journey.facts() != before:
            raise NotImplementedError("the measurement changes a journey only by moves")
        if outcome.became_hot or any(not each.routine for each in outcome.ignored):
            raise NotImplementedError("the measurement has no hot leads and no ignored signals")
    if moves:
        await connection.execute(_ADD, *map(list, zip(*moves, strict=True)))
    for statement, some in (
        (INSERT, [row for row in rows.values() if not row.known]),
        (UPDATE, [row for row in rows.values() if row.known]),
    ):
        if some:
            values = [values_of(row, histories[row.tenant]) for row in some]
            await connection.execute(statement, *map(list, zip(*values, strict=True)), now)


async def _add_waiting_signals(
    connection: asyncpg.Connection, rows: dict[LeadKey, Row], arrivals: dict[LeadKey, list[Signal]]
) -> None:
    """Add the stored signals of leads whose score was received before `lead.captured`."""
    waiting = [key for key in arrivals if rows[key].known and rows[key].journey.created_on is None]
    for key, signals in arrivals.items():
        if rows[key].journey.created_on is not None and not can_advance(rows[key].journey, signals):
            raise NotImplementedError("the measurement has no events older than the folded ones")
    if not waiting:
        return
    arrivals |= {key: [] for key in waiting}
    for found in await connection.fetch(_SIGNALS, [tenant for tenant, _ in waiting], [lead for _, lead in waiting]):
        arrivals[found["tenant_id"], found["lead_id"]].append(
            Signal(
                str(found["digest"]),
                found["event_id"],
                found["source"],
                found["type"],
                found["occurred_at"],
                found["recorded_at"],
                orjson.loads(found["data"]),
                lead_id=str(found["lead_id"]),
            )
        )


async def _histories(connection: asyncpg.Connection, tenants: list[str]) -> dict[str, SettingsHistory]:
    versions: dict[str, list[TenantSettings]] = {tenant: [] for tenant in tenants}
    for row in await connection.fetch(_SETTINGS, tenants):
        versions[row["tenant_id"]].append(TenantSettings.from_json(orjson.loads(row["body"]), row["valid_from"]))
    return {tenant: SettingsHistory(found) for tenant, found in versions.items()}


def _entry(event: Event, rows: dict[LeadKey, Row]) -> tuple[Any, ...]:
    event.content = data = signal_data(event.type, event.data)
    data |= {name: event.data[name] for name in _SHOWN[event.type] if event.data.get(name) is not None}
    assert event.lead_id is not None
    shown = event.type != "lead.scored" or rows[event.tenant, event.lead_id].band != event.data["band"]
    return (
        event.tenant,
        event.digest,
        event.lead_id,
        event.type,
        event.id,
        event.source,
        event.time,
        event.recorded_at,
        f"system:{event.source.removeprefix('urn:leadflow:')}",
        event.causation_id,
        orjson.dumps(data).decode(),
        True,
        0,
        None,
        shown,
    )


def _signal(event: Event) -> Signal:
    return Signal(
        str(event.digest),
        event.id,
        event.source,
        event.type,
        event.time,
        event.recorded_at,
        event.content,
        lead_id=event.subject,
    )


def _update_row(row: Row, event: Event) -> None:
    data = event.data
    if event.type == "lead.captured":
        row.last_activity_on = max(row.last_activity_on, event.time)
        if data.get("version", 1) >= row.contact_version:
            row.contact_version = data.get("version", 1)
            row.source, row.campaign, row.company = data["source"], data.get("campaign"), data.get("company")
            row.name = " ".join(part for part in (data.get("first_name"), data.get("last_name")) if part) or None
    elif (revision := data.get("revision") or 0) > row.score_revision:
        row.score_revision, row.scored_at = revision, event.time
        row.score_total, row.band = data["total"], data["band"]


def _publish_move(
    row: Row, move: Transition, now: datetime, outbox: Outbox, causes: dict[tuple[str, str], Event]
) -> tuple[Any, ...]:
    """Publish one move; returns its timeline entry."""
    row.revision += 1
    id = revision_id("stage.changed", row.lead_id, row.revision)
    entry = {
        "from": move.from_,
        "to": move.to,
        "from_status": move.from_status,
        "status": move.status,
        "rule": move.rule,
        "reason": move.reason,
    }
    data = {
        "lead_id": str(row.lead_id),
        **entry,
        "actor": move.actor,
        "caused_by": move.caused_by,
        "occurred_at": move.occurred_at,
        "recorded_at": now,
        "revision": row.revision,
        "journey": row.journey.facts(),
        "disqualification_reason": row.journey.disqualification_reason,
    }
    outbox.add(
        "stage.changed",
        row.tenant,
        str(row.lead_id),
        id,
        move.occurred_at,
        data,
        causes.get((row.tenant, move.caused_by)),
    )
    return (
        row.tenant,
        derived_id("status_change", row.lead_id, row.revision, 0),
        row.lead_id,
        "status_change",
        id,
        "urn:leadflow:stages",
        move.occurred_at,
        now,
        move.actor,
        move.caused_by,
        orjson.dumps(entry).decode(),
        False,
        1,
        row.revision,
        True,
    )


SERVICE = Service("stages", ("lead.captured", "lead.scored"), handle)
