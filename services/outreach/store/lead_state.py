"""The state of leads as events bring it, saved for a whole batch. Each function answers which leads it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from services.outreach.rules import MEETING_RULES
from services.outreach.tables import LeadRow
from shared.db import UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows
from shared.events import LeadEnriched, LeadScored, Received, StageChanged
from shared.ids import LeadKey

START = "new"
"""The stage of a lead of which no `stage.changed` was received."""


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """Contact details and consent of a lead, as the event of that version has them."""

    version: int
    email: str | None
    phone: str | None
    email_hash: bytes | None
    phone_hash: bytes | None
    domain_hash: bytes | None
    fields: dict[str, Any]
    fields_at: datetime
    consent: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StageUpdate:
    """What the `stage.changed` events of a batch add up to for a lead.

    `newest`: the event with the greatest revision. `moves`: those that moved the lead, oldest first, without the ones
    that a later event of the batch corrects; each moves it from where the move before left it. `corrections`: the
    events that correct earlier ones, likewise. `corrected`: ids of the earlier events that do not hold any more.
    `causes`: ids of these events and of the events that caused them. `met_at`: when the batch has the
    last meeting, `met_before`: when the last one was that was known.
    """

    newest: Received[StageChanged]
    moves: tuple[Received[StageChanged], ...]
    corrections: tuple[Received[StageChanged], ...]
    corrected: frozenset[str]
    causes: frozenset[str]
    met_at: datetime | None
    met_before: datetime | None = None

    def has_new_meeting(self, event: Received[StageChanged]) -> bool:
        """Whether the event brings a meeting that was not known. A correction may have the rule of an old one."""
        is_new = self.met_before is None or event.occurred_at > self.met_before
        return event.event.rule in MEETING_RULES and is_new

    @property
    def last_move(self) -> Received[StageChanged] | None:
        """What moved the lead into its present stage; None where it was there already."""
        return self.moves[-1] if self.moves else None


def newest_of(rows: Sequence[tuple[LeadKey, Any, Any]]) -> dict[LeadKey, Any]:
    """Of rows (key, order, value) the value with the greatest order for each key, sorted by key."""
    best: dict[LeadKey, tuple[Any, Any]] = {}
    for key, order, value in rows:
        if key not in best or order >= best[key][0]:
            best[key] = (order, value)
    return {key: best[key][1] for key in sorted(best)}


async def save_contacts(work: UnitOfWork, contacts: Mapping[LeadKey, ContactDetails]) -> list[LeadKey]:
    """Contact details with a greater version than is known. A new address ends `exhausted_at`."""
    rows = {
        key: {
            "version": each.version,
            "email": each.email,
            "phone": each.phone,
            "email_hash": each.email_hash,
            "phone_hash": each.phone_hash,
            "domain_hash": each.domain_hash,
            "fields": _json(each.fields),
            "fields_at": each.fields_at,
            "consent": _json(each.consent),
        }
        for key, each in contacts.items()
    }
    return await _upsert(
        work,
        rows,
        "lead.version < excluded.version",
        exhausted_at="CASE WHEN (lead.email_hash, lead.phone_hash) IS NOT DISTINCT FROM"
        " (excluded.email_hash, excluded.phone_hash) THEN lead.exhausted_at END",
    )


async def save_facts(
    work: UnitOfWork, batch: Sequence[Received[LeadEnriched]]
) -> dict[LeadKey, Received[LeadEnriched]]:
    """The facts of the newest event of each lead. An enrichment lists every fact, so they replace those before."""
    newest = newest_of([((each.tenant, each.lead_id), each.order, each) for each in batch])
    rows = {
        key: {"facts": _json(each.event.model_dump(mode="json")["facts"]), "facts_at": each.occurred_at}
        for key, each in newest.items()
    }
    changed = await _upsert(work, rows, "lead.facts_at IS NULL OR lead.facts_at <= excluded.facts_at")
    return {key: newest[key] for key in changed}


async def save_scores(work: UnitOfWork, batch: Sequence[Received[LeadScored]]) -> dict[LeadKey, int]:
    """The newest score of each lead; the totals of those that it is new for."""
    newest = newest_of([((each.tenant, each.lead_id), (each.event.scored_at, each.order), each) for each in batch])
    rows = {
        key: {
            "score_total": each.event.total,
            "scored_at": each.event.scored_at,
            "score_band": each.event.band,
            "score_reasons": _json([reason.model_dump(exclude_none=True) for reason in each.event.reasons or ()]),
        }
        for key, each in newest.items()
    }
    changed = await _upsert(work, rows, "lead.scored_at IS NULL OR lead.scored_at <= excluded.scored_at")
    return {key: newest[key].event.total for key in changed}


async def save_stages(work: UnitOfWork, batch: Sequence[Received[StageChanged]]) -> dict[LeadKey, StageUpdate]:
    """The stage of each lead by its event with the greatest revision."""
    events: dict[LeadKey, list[Received[StageChanged]]] = {}
    for received in batch:
        events.setdefault((received.tenant, received.lead_id), []).append(received)
    updates = {key: _stage_update(events[key]) for key in sorted(events)}
    updates |= await _compared(work, updates)
    rows = {
        key: {
            "stage": each.newest.event.to,
            "stage_revision": each.newest.event.revision,
            "stage_rule": each.last_move.event.rule if each.last_move else None,
            "stage_since": each.last_move.occurred_at if each.last_move else None,
            "met_at": each.met_at,
            "owner": each.newest.event.journey.owner or "",
        }
        for key, each in updates.items()
    }
    changed = await _upsert(
        work,
        rows,
        "lead.stage_revision < excluded.stage_revision",
        stage_rule="coalesce(excluded.stage_rule, lead.stage_rule)",
        stage_since="coalesce(excluded.stage_since, lead.stage_since)",
        met_at="greatest(lead.met_at, excluded.met_at)",
    )
    return {key: updates[key] for key in changed}


async def _compared(work: UnitOfWork, updates: Mapping[LeadKey, StageUpdate]) -> dict[LeadKey, StageUpdate]:
    """The updates with what was known before: of leads that met us, and of those that no event moved.

    One of these that is in another stage than is known has made a move that was not received. Its place takes the
    newest event, as the move from the known stage. So it is after the stage service was restored: the events of its
    earlier moves say nothing of the present stage, and it publishes that with `from` = `to`.
    """
    unsure = sorted(key for key, each in updates.items() if not each.moves or each.met_at)
    if not unsure:
        return {}
    rows = await work.fetch_tuples(
        """
        SELECT l.tenant_id, l.lead_id, l.stage, l.met_at FROM lead l
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        USING (tenant_id, lead_id)
        """,
        tenants=[tenant for tenant, _ in unsure],
        leads=[lead_id for _, lead_id in unsure],
    )
    known = {(tenant, lead_id): (stage, met_at) for tenant, lead_id, stage, met_at in rows}
    compared: dict[LeadKey, StageUpdate] = {}
    for key in unsure:
        each, (stage, met_at) = updates[key], known.get(key, (START, None))
        moves = each.moves
        if not moves and each.newest.event.to != stage:
            moves = (_moving_from(stage, each.newest),)
        compared[key] = replace(each, moves=moves, met_before=met_at)
    return compared


def _stage_update(events: Sequence[Received[StageChanged]]) -> StageUpdate:
    events = sorted(events, key=lambda each: each.event.revision)
    corrected = frozenset(id for each in events for id in each.event.corrects or ())
    holding = [each for each in events if each.id not in corrected]
    moves, stage = [], events[0].event.from_
    for each in holding:
        if each.event.to != stage:
            moves.append(_moving_from(stage, each))
            stage = each.event.to
    return StageUpdate(
        newest=events[-1],
        moves=tuple(moves),
        corrections=tuple(each for each in holding if each.event.corrects),
        corrected=corrected,
        causes=frozenset(
            {each.event.caused_by for each in events if each.event.caused_by} | {each.id for each in events}
        ),
        met_at=max((each.occurred_at for each in events if each.event.rule in MEETING_RULES), default=None),
    )


def _moving_from(stage: str, received: Received[StageChanged]) -> Received[StageChanged]:
    """The event as the move from this stage: where the events between do not hold, or were not received."""
    if received.event.from_ == stage:
        return received
    event = received.event.model_copy(update={"from_": stage})
    return Received(received.envelope, event, received.recorded_at, received.raw)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def _upsert(
    work: UnitOfWork, rows: Mapping[LeadKey, Mapping[str, Any]], newer: str, **expressions: str
) -> list[LeadKey]:
    """Set these columns, also of leads that are not captured yet, where `newer` holds; the leads that changed.

    `expressions`: SQL for columns that do not just take the new value.
    """
    if not rows:
        return []
    names = list(next(iter(rows.values())))
    columns = column_types(LeadRow, ["tenant_id", "lead_id", *names])
    updates = {name: f"excluded.{name}" for name in names} | expressions
    changed = await work.fetch_tuples(
        f"""{insert_rows(LeadRow, columns)}
        ON CONFLICT (tenant_id, lead_id) DO UPDATE
        SET {", ".join(f"{name} = {value}" for name, value in updates.items())}
        WHERE {newer} RETURNING lead.tenant_id, lead.lead_id
        """,
        **by_column(columns, [(*key, *row.values()) for key, row in rows.items()]),
    )
    return [(tenant, lead_id) for tenant, lead_id in changed]
