"""lead.captured, lead.scored -> stage.changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from benchmarks.handwritten.loop import Part
from benchmarks.handwritten.wire import Event, Outbox, by_int
from services.stages.rules import (
    Journey,
    Settings,
    SettingsHistory,
    Signal,
    Transition,
    advance,
    can_advance,
    fold,
    next_due,
    signal_data,
    status_of,
)
from shared.ids import derived_id, revision_id

Key = tuple[str, UUID]

_SHOWN = {
    "lead.captured": ("source", "campaign"),
    "lead.scored": ("fit", "intent", "engagement", "total", "band", "model_version", "revision"),
}
_UNBORN = datetime.fromisoformat("1900-01-01T00:00:00+00:00")

# Erased leads are dropped, merged ones are not in the measurement; both are looked for with the lock.
_GONE = """
    WITH w AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id))
    SELECT w.lead_id FROM w JOIN erased e ON e.tenant_id = w.tenant_id AND e.lead_id = w.lead_id
    UNION ALL SELECT w.lead_id FROM w
    JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.lead_id AND NOT a.undone
"""
_LOCK = """
    SELECT l.tenant_id, l.lead_id, l.captured, l.journey, l.revision, l.score_total, l.band, l.score_revision,
           l.scored_at, l.last_activity_on, l.source, l.campaign, l.name, l.company, l.contact_version
    FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id)
    JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
    ORDER BY l.tenant_id, l.lead_id FOR UPDATE OF l
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
_TYPES = (
    "text uuid bool text text int text timestamptz int text int timestamptz bool "
    "timestamptz text text text text text int"
).split()
_NAMES = (
    "tenant_id lead_id captured stage status revision journey next_due score_total band score_revision scored_at hot "
    "last_activity_on source campaign owner name company contact_version"
).split()
_UNNEST = ", ".join(f"${place}::{type}[]" for place, type in enumerate(_TYPES, start=1))
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join("v.journey::jsonb" if name == "journey" else f"v.{name}" for name in _NAMES)
_INSERT = f"""
    INSERT INTO lead ({_COLUMNS}, drafts, updated_at)
    SELECT {_VALUES}, '{{}}', $21 FROM unnest({_UNNEST}) AS v ({_COLUMNS})
"""
_UPDATE = f"""
    UPDATE lead SET ({_COLUMNS}, updated_at) = ({_VALUES}, $21) FROM unnest({_UNNEST}) AS v ({_COLUMNS})
    WHERE lead.tenant_id = v.tenant_id AND lead.lead_id = v.lead_id
"""


@dataclass(slots=True)
class Row:
    """A lead's row, locked; `known` is False when it is to be made."""

    tenant: str
    lead_id: UUID
    journey: Journey
    known: bool = False
    captured: bool = False
    revision: int = 0
    score_total: int = 0
    band: str = ""
    score_revision: int = 0
    scored_at: datetime | None = None
    last_activity_on: datetime = _UNBORN
    source: str | None = None
    campaign: str | None = None
    name: str | None = None
    company: str | None = None
    contact_version: int = 0


async def handle(connection: asyncpg.Connection, now: datetime, events: list[Event], outbox: Outbox) -> None:
    first = {(event.tenant, event.digest): event for event in reversed(events)}
    leads = {(event.tenant, event.lead_id) for event in first.values() if event.lead_id is not None}
    wanted = sorted(leads, key=by_int)
    keys = ([tenant for tenant, _ in wanted], [lead for _, lead in wanted])
    if await connection.fetch(_GONE, *keys):
        raise NotImplementedError("the measurement merges and erases nobody")
    rows = {key: Row(*key, Journey()) for key in wanted}
    for found in await connection.fetch(_LOCK, *keys):
        rows[found["tenant_id"], found["lead_id"]] = _row(found)
    histories = await _histories(connection, sorted({tenant for tenant, _ in wanted}))
    entries = {key: _entry(first[key], rows) for key in sorted(first, key=by_int)}
    added = await connection.fetch(_ADD, *map(list, zip(*entries.values(), strict=True)))
    fresh = {(row["tenant_id"], row["digest"]) for row in added}
    arrivals: dict[Key, list[Signal]] = {}
    for event in sorted((first[key] for key in fresh), key=lambda event: event.order):
        assert event.lead_id is not None
        row = rows[event.tenant, event.lead_id]
        _learn(row, event)
        arrivals.setdefault((event.tenant, event.lead_id), []).append(_signal(event))
    await _complete(connection, rows, arrivals)
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
            moves.append(_tell(row, transition, now, outbox, causes))
        if known and not outcome.transitions and outcome.journey.facts() != before:
            raise NotImplementedError("the measurement changes no other fact of a journey")
        if outcome.became_hot or any(not each.routine for each in outcome.ignored):
            raise NotImplementedError("the measurement makes nobody hot, and sends nothing that is ignored")
    if moves:
        await connection.execute(_ADD, *map(list, zip(*moves, strict=True)))
    for statement, some in (
        (_INSERT, [row for row in rows.values() if not row.known]),
        (_UPDATE, [row for row in rows.values() if row.known]),
    ):
        if some:
            values = [_values(row, histories[row.tenant]) for row in some]
            await connection.execute(statement, *map(list, zip(*values, strict=True)), now)


async def _complete(connection: asyncpg.Connection, rows: dict[Key, Row], arrivals: dict[Key, list[Signal]]) -> None:
    """Leads whose score came before their capture: their waiting signals join the new ones."""
    waiting = [key for key in arrivals if rows[key].known and rows[key].journey.created_on is None]
    for key, signals in arrivals.items():
        if rows[key].journey.created_on is not None and not can_advance(rows[key].journey, signals):
            raise NotImplementedError("the measurement sends nothing older than what was folded")
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
    versions: dict[str, list[Settings]] = {tenant: [] for tenant in tenants}
    for row in await connection.fetch(_SETTINGS, tenants):
        versions[row["tenant_id"]].append(Settings.from_json(orjson.loads(row["body"]), row["valid_from"]))
    return {tenant: SettingsHistory(found) for tenant, found in versions.items()}


def _entry(event: Event, rows: dict[Key, Row]) -> tuple[Any, ...]:
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


def _learn(row: Row, event: Event) -> None:
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


def _tell(
    row: Row, move: Transition, now: datetime, outbox: Outbox, causes: dict[tuple[str, str], Event]
) -> tuple[Any, ...]:
    """Publish one move; its entry in the timeline."""
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
    said = {
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
        said,
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


def _values(row: Row, history: SettingsHistory) -> tuple[Any, ...]:
    journey = row.journey
    return (
        row.tenant,
        row.lead_id,
        row.captured,
        journey.stage.value if row.captured else "waiting",
        status_of(journey.stage, journey.contacted),
        row.revision,
        orjson.dumps(journey.to_json()).decode(),
        next_due(journey, history) if row.captured else None,
        row.score_total,
        row.band,
        row.score_revision,
        row.scored_at,
        journey.hot,
        row.last_activity_on,
        row.source,
        row.campaign,
        journey.owner,
        row.name,
        row.company,
        row.contact_version,
    )


def _row(found: Any) -> Row:
    return Row(
        found["tenant_id"],
        found["lead_id"],
        Journey.from_json(orjson.loads(found["journey"])),
        True,
        *(found[name] for name in ("captured", "revision", "score_total", "band", "score_revision", "scored_at")),
        *(found[name] for name in ("last_activity_on", "source", "campaign", "name", "company", "contact_version")),
    )


PART = Part("stages", ("lead.captured", "lead.scored"), handle)
