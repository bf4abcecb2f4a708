"""Lead rows, their steps and meeting signals: loaded and saved for a whole batch at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.rules.leads import Lead
from services.goals.rules.ledger import Key
from services.goals.rules.meetings import MeetingSignal
from services.goals.rules.path import Step
from shared.db import UnitOfWork, array_parameters
from shared.ids import digest

_LEAD = {
    "source": "text",
    "campaign": "text",
    "captured_on": "timestamptz",
    "version": "integer",
    "first_owner": "text",
    "first_version": "integer",
    "revision": "integer",
    "stage": "text",
    "status": "text",
    "owner": "text",
    "contacted": "boolean",
    "first_qualified_on": "timestamptz",
    "won_on": "timestamptz",
    "meetings_told": "integer",
    "created_told": "timestamptz",
    "created_revision": "integer",
    "changed_on": "timestamptz",
    "entered_on": "timestamptz",
    "counts": "boolean",
    "counted_on": "timestamptz",
    "counted_owner": "text",
    "due_on": "timestamptz",
    "erased": "boolean",
    "reached": "smallint",
}
"""Columns that are saved as they are; `held_on` is an array and goes as text."""

_STEP = {
    "revision": "integer",
    "event_id": "text",
    "from_said": "text",
    "to_stage": "text",
    "occurred_at": "timestamptz",
    "created_on": "timestamptz",
    "moved_from": "text",
    "seconds": "float8",
}


_KEYS = "CAST(:tenants AS text[]), CAST(:leads AS uuid[])"
_NAMES = ", ".join(_LEAD)
_ROWS = f"unnest({_KEYS}, CAST(:held AS text[]), {array_parameters(_LEAD)}) AS n (tenant_id, lead_id, held, {_NAMES})"
_INSERT_LEADS = f"""
    INSERT INTO lead (tenant_id, lead_id, held_on, {_NAMES})
    SELECT tenant_id, lead_id, CAST(held AS timestamptz[]), {_NAMES} FROM {_ROWS}
"""
_UPDATE_LEADS = f"""
    UPDATE lead AS l SET held_on = CAST(n.held AS timestamptz[]), {", ".join(f"{name} = n.{name}" for name in _LEAD)}
    FROM {_ROWS} WHERE l.tenant_id = n.tenant_id AND l.lead_id = n.lead_id
"""
_STEP_NAMES = ", ".join(_STEP)
_INSERT_STEPS = f"""
    INSERT INTO step (tenant_id, lead_id, corrects, {_STEP_NAMES})
    SELECT tenant_id, lead_id, CAST(corrects AS text[]), {_STEP_NAMES}
    FROM unnest({_KEYS}, CAST(:corrects AS text[]), {array_parameters(_STEP)})
         AS n (tenant_id, lead_id, corrects, {_STEP_NAMES})
"""


async def links(work: UnitOfWork, keys: Iterable[Key]) -> dict[Key, UUID]:
    """The merges that any of these ids takes part in, as kept or as alias: alias -> kept."""
    wanted = list(set(keys))
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.alias_id, a.lead_id FROM unnest({_KEYS}) AS w (tenant_id, id)
        JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.id AND NOT a.undone
        UNION
        SELECT a.tenant_id, a.alias_id, a.lead_id FROM unnest({_KEYS}) AS w (tenant_id, id)
        JOIN alias a ON a.tenant_id = w.tenant_id AND a.lead_id = w.id AND NOT a.undone
        """,
        **_names(wanted),
    )
    return {(row["tenant_id"], row["alias_id"]): row["lead_id"] for row in rows}


async def lock(work: UnitOfWork, keys: Collection[Key]) -> dict[Key, Lead]:
    """The rows that exist, locked in one order everywhere until the transaction ends."""
    rows = await work.fetch(
        f"""
        SELECT l.* FROM unnest({_KEYS}) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        ORDER BY l.tenant_id, l.lead_id FOR UPDATE OF l
        """,
        **_names(keys),
    )
    return {(row["tenant_id"], row["lead_id"]): _lead(row) for row in rows}


async def steps_of(work: UnitOfWork, keys: Collection[Key]) -> dict[Key, list[Step]]:
    """All steps of these leads, by revision."""
    found: dict[Key, list[Step]] = {key: [] for key in keys}
    if not keys:
        return found
    rows = await work.fetch(
        f"""
        SELECT s.* FROM unnest({_KEYS}) AS w (tenant_id, lead_id)
        JOIN step s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
        ORDER BY s.tenant_id, s.lead_id, s.revision
        """,
        **_names(keys),
    )
    for row in rows:
        found[row["tenant_id"], row["lead_id"]].append(
            Step(
                row["revision"],
                row["event_id"],
                row["from_said"],
                row["to_stage"],
                row["occurred_at"],
                row["created_on"],
                tuple(row["corrects"]),
                row["moved_from"],
                row["seconds"],
            )
        )
    return found


async def signals_of(work: UnitOfWork, keys: Collection[Key]) -> dict[Key, list[MeetingSignal]]:
    """All meeting signals of these leads."""
    found: dict[Key, list[MeetingSignal]] = {key: [] for key in keys}
    rows = await work.fetch(
        f"""
        SELECT s.* FROM unnest({_KEYS}) AS w (tenant_id, lead_id)
        JOIN meeting_signal s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
        """,
        **_names(keys),
    )
    for row in rows:
        found[row["tenant_id"], row["lead_id"]].append(
            MeetingSignal(row["occurred_at"], row["event_id"], row["source"], row["meeting_id"], row["ends_at"])
        )
    return found


async def save_leads(work: UnitOfWork, rows: Mapping[Key, Lead], known: Collection[Key]) -> None:
    """Insert the rows that are not `known` (two at once for one lead: a unique violation), update the others."""
    for statement, keys in (
        (_UPDATE_LEADS, sorted(key for key in rows if key in known)),
        (_INSERT_LEADS, sorted(key for key in rows if key not in known)),
    ):
        if not keys:
            continue
        leads = [rows[key] for key in keys]
        values: dict[str, Any] = {name: list(map(attrgetter(name), leads)) for name in _LEAD if name != "reached"}
        values["reached"] = [lead.furthest for lead in leads]
        values["held"] = [_moments(lead.held_on) for lead in leads]
        await work.run(statement, **_names(keys), **values)


async def add_steps(work: UnitOfWork, steps: Sequence[tuple[Key, Step]]) -> None:
    if not steps:
        return
    values = {name: [getattr(step, _attribute(name)) for _, step in steps] for name in _STEP}
    corrects = ["{" + ",".join(_quoted(id) for id in step.corrects) + "}" for _, step in steps]
    await work.run(_INSERT_STEPS, **_names([key for key, _ in steps]), corrects=corrects, **values)


async def change_steps(work: UnitOfWork, steps: Sequence[tuple[Key, Step]]) -> None:
    """Save what steps amount to now, after a later event has mended the chain."""
    if not steps:
        return
    await work.run(
        f"""
        UPDATE step AS s SET moved_from = n.moved_from, seconds = n.seconds
        FROM unnest({_KEYS}, CAST(:revisions AS integer[]), CAST(:moved AS text[]), CAST(:seconds AS float8[]))
             AS n (tenant_id, lead_id, revision, moved_from, seconds)
        WHERE s.tenant_id = n.tenant_id AND s.lead_id = n.lead_id AND s.revision = n.revision
        """,
        **_names([key for key, _ in steps]),
        revisions=[step.revision for _, step in steps],
        moved=[step.moved_from for _, step in steps],
        seconds=[step.seconds for _, step in steps],
    )


async def add_signals(work: UnitOfWork, signals: Sequence[tuple[Key, MeetingSignal]]) -> None:
    if not signals:
        return
    await work.run(
        f"""
        INSERT INTO meeting_signal
            (tenant_id, lead_id, digest, occurred_at, event_id, source, meeting_id, ends_at)
        SELECT * FROM unnest({_KEYS}, CAST(:digests AS uuid[]), CAST(:times AS timestamptz[]), CAST(:ids AS text[]),
                             CAST(:sources AS text[]), CAST(:meetings AS text[]), CAST(:ends AS timestamptz[]))
        ON CONFLICT DO NOTHING
        """,
        **_names([key for key, _ in signals]),
        digests=[digest(signal.source, signal.event_id) for _, signal in signals],
        times=[signal.occurred_at for _, signal in signals],
        ids=[signal.event_id for _, signal in signals],
        sources=[signal.source for _, signal in signals],
        meetings=[signal.meeting_id for _, signal in signals],
        ends=[signal.ends_at for _, signal in signals],
    )


async def forget(work: UnitOfWork, fresh: Mapping[Key, UUID], aliases: Collection[Key]) -> None:
    """Take the names off the erased: their rows get these fresh ids, an alias's own rows go."""
    for table in ("meeting_signal", "lead", "step"):
        await work.run(
            f"""
            DELETE FROM {table} AS t USING unnest({_KEYS}) AS n (tenant_id, lead_id)
            WHERE t.tenant_id = n.tenant_id AND t.lead_id = n.lead_id
            """,
            **_names(fresh if table == "meeting_signal" else aliases),
        )
    for table, also in (("lead", ""), ("step", ", event_id = '', corrects = '{}'"), ("report_row", "")):
        await work.run(
            f"""
            UPDATE {table} AS t SET lead_id = n.fresh{also}
            FROM unnest({_KEYS}, CAST(:fresh AS uuid[])) AS n (tenant_id, lead_id, fresh)
            WHERE t.tenant_id = n.tenant_id AND t.lead_id = n.lead_id
            """,
            **_names(fresh),
            fresh=list(fresh.values()),
        )


async def meetings_due(work: UnitOfWork, limit: int) -> list[Key]:
    """Leads with a meeting whose end has passed, the oldest first; all tenants."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead WHERE due_on <= :now ORDER BY due_on LIMIT :limit
        """,
        now=work.now,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


def _lead(row: RowMapping) -> Lead:
    facts = {name: row[name] for name in _LEAD if name != "reached"}
    return Lead(row["lead_id"], held_on=tuple(row["held_on"]), **facts)


def _names(keys: Iterable[Key]) -> dict[str, list[Any]]:
    listed = list(keys)
    return {"tenants": [tenant for tenant, _ in listed], "leads": [lead for _, lead in listed]}


def _attribute(column: str) -> str:
    return "to" if column == "to_stage" else column


def _moments(times: Sequence[datetime]) -> str:
    return "{" + ",".join(time.isoformat() for time in times) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
