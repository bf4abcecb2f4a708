"""Activities: the timeline, the signals among them, and the inbox in one table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.stages.rules import Signal, Stage, Transition
from shared.db import UnitOfWork, array_parameters, by_column
from shared.ids import LeadKey

STATUS_CHANGE = "status_change"
IGNORED = "ignored"
NOTE = "note"

ACTIVE = frozenset(
    {
        "lead.captured",
        "engagement.recorded",
        "message.sent",
        "reply.received",
        "meeting.booked",
        "meeting.cancelled",
        NOTE,
    }
)
"""What counts for `last_activity_on`."""


@dataclass(slots=True)
class Entry:
    """One row of the timeline, as it is written."""

    tenant: str
    digest: UUID
    lead_id: UUID
    type: str
    event_id: str
    source: str
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any]
    actor: str | None = None
    caused_by: str | None = None
    folded: bool = False
    position: int = 0
    revision: int | None = None
    shown: bool = True

    @property
    def signal(self) -> Signal:
        return Signal(
            digest=str(self.digest),
            id=self.event_id,
            source=self.source,
            type=self.type,
            occurred_at=self.occurred_at,
            recorded_at=self.recorded_at,
            data=self.data,
            actor=self.actor,
            lead_id=str(self.lead_id),
        )


_COLUMNS: dict[str, str] = {
    "tenant_id": "text",
    "digest": "uuid",
    "lead_id": "uuid",
    "type": "text",
    "event_id": "text",
    "source": "text",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "actor": "text",
    "caused_by": "text",
    "folded": "bool",
    "position": "smallint",
    "revision": "int",
    "shown": "bool",
    "data": "text",
}
_NAMES = ", ".join(_COLUMNS)
_row = attrgetter("tenant", *list(_COLUMNS)[1:])
_ADD = f"""
    INSERT INTO activity ({_NAMES}, superseded)
    SELECT {", ".join("CAST(data AS jsonb)" if name == "data" else name for name in _COLUMNS)}, false
    FROM unnest({array_parameters(_COLUMNS)}) AS v ({_NAMES})
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, digest
"""


async def add(work: UnitOfWork, entries: Sequence[Entry]) -> set[tuple[str, UUID]]:
    """Write those that are not known yet; the (tenant, digest) of the ones written."""
    if not entries:
        return set()
    first = {(e.tenant, e.digest): e for e in reversed(entries)}
    ordered = sorted(first.values(), key=lambda e: (e.tenant, e.digest.int))
    columns = by_column(_COLUMNS, map(_row, ordered))
    columns["data"] = [orjson.dumps(data).decode() for data in columns["data"]]
    return {(tenant, digest) for tenant, digest in await work.fetch_tuples(_ADD, **columns)}


_OF_LEADS = """
    FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
    JOIN activity a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id
"""


def _keys(leads: Iterable[LeadKey]) -> dict[str, Any]:
    wanted = list(leads)
    return {"tenants": [tenant for tenant, _ in wanted], "leads": [lead for _, lead in wanted]}


async def signals(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, list[Signal]]:
    """All signals that came with these lead ids, by the id they came with."""
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.lead_id, a.digest, a.event_id, a.source, a.type, a.occurred_at, a.recorded_at,
               a.data, a.actor {_OF_LEADS} AND a.folded
        """,
        **_keys(leads),
    )
    found: dict[LeadKey, list[Signal]] = {}
    for row in rows:
        found.setdefault((row["tenant_id"], row["lead_id"]), []).append(
            Signal(
                digest=str(row["digest"]),
                id=row["event_id"],
                source=row["source"],
                type=row["type"],
                occurred_at=row["occurred_at"],
                recorded_at=row["recorded_at"],
                data=row["data"],
                actor=row["actor"],
                lead_id=str(row["lead_id"]),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """A status change that stands in the timeline, and the revision that published it."""

    digest: UUID
    transition: Transition
    revision: int


async def told(work: UnitOfWork, leads: Sequence[LeadKey]) -> dict[LeadKey, list[Told]]:
    """The status changes told of these leads that still hold, in order."""
    if not leads:
        return {}
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.lead_id, a.digest, a.data, a.actor, a.caused_by, a.occurred_at, a.revision
        {_OF_LEADS} AND a.type = '{STATUS_CHANGE}' AND NOT a.superseded
        ORDER BY a.occurred_at, a.position
        """,
        **_keys(leads),
    )
    found: dict[LeadKey, list[Told]] = {}
    for row in rows:
        data = row["data"]
        transition = Transition(
            from_=Stage(data["from"]),
            to=Stage(data["to"]),
            rule=data["rule"],
            actor=row["actor"],
            reason=data["reason"],
            caused_by=row["caused_by"],
            occurred_at=row["occurred_at"],
            from_status=data["from_status"],
            status=data["status"],
            disqualification_reason=data.get("disqualification_reason"),
        )
        found.setdefault((row["tenant_id"], row["lead_id"]), []).append(
            Told(row["digest"], transition, row["revision"])
        )
    return found


async def supersede(work: UnitOfWork, tenant: str, digests: Sequence[UUID], *, by: str | None) -> None:
    """Mark entries that no longer hold, and the event that made it so; they stay in the timeline."""
    await work.run(
        """
        UPDATE activity SET superseded = true, data = data || jsonb_build_object('superseded_by', CAST(:by AS text))
        WHERE tenant_id = :tenant AND digest = ANY (CAST(:digests AS uuid[]))
        """,
        tenant=tenant,
        digests=list(digests),
        by=by,
    )


async def ignored(work: UnitOfWork, leads: Sequence[LeadKey]) -> dict[LeadKey, dict[UUID, bool]]:
    """The entries "ignored" of these leads: digest -> superseded."""
    if not leads:
        return {}
    rows = await work.fetch(
        f"SELECT a.tenant_id, a.lead_id, a.digest, a.superseded {_OF_LEADS} AND a.type = '{IGNORED}'", **_keys(leads)
    )
    found: dict[LeadKey, dict[UUID, bool]] = {}
    for row in rows:
        found.setdefault((row["tenant_id"], row["lead_id"]), {})[row["digest"]] = row["superseded"]
    return found


async def reinstate(work: UnitOfWork, tenant: str, digests: Sequence[UUID]) -> None:
    """Entries that hold again after all."""
    await work.run(
        """
        UPDATE activity SET superseded = false, data = data - 'superseded_by'
        WHERE tenant_id = :tenant AND digest = ANY (CAST(:digests AS uuid[]))
        """,
        tenant=tenant,
        digests=list(digests),
    )


async def last_active(work: UnitOfWork, leads: Iterable[LeadKey], types: Iterable[str]) -> dict[LeadKey, datetime]:
    """When something of these types last happened, by the lead id that it came with."""
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.lead_id, max(a.occurred_at) AS at
        {_OF_LEADS} AND a.type = ANY (CAST(:types AS text[])) GROUP BY a.tenant_id, a.lead_id
        """,
        types=list(types),
        **_keys(leads),
    )
    return {(row["tenant_id"], row["lead_id"]): row["at"] for row in rows}


async def ids_of(work: UnitOfWork, lead_id: UUID) -> list[UUID]:
    """The lead's own id and the ids that are other names of it now."""
    rows = await work.fetch(
        "SELECT alias_id FROM alias WHERE tenant_id = :tenant AND lead_id = :lead AND NOT undone",
        tenant=work.tenants[0],
        lead=lead_id,
    )
    return [lead_id, *(row["alias_id"] for row in rows)]


async def page(
    work: UnitOfWork,
    lead_ids: Sequence[UUID],
    *,
    types: Sequence[str] | None,
    before: tuple[datetime, int, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """The newest entries first. Of an alias, what happened to it counts, not the moves that it once made."""
    at, position, digest = before or (None, None, None)
    return await work.fetch(
        """
        SELECT a.* FROM unnest(CAST(:leads AS uuid[])) AS w (id)
        CROSS JOIN LATERAL (
            SELECT * FROM activity
            WHERE tenant_id = :tenant AND lead_id = w.id AND shown
              AND (w.id = :own OR type NOT IN ('status_change', 'ignored'))
              AND (CAST(:types AS text[]) IS NULL OR type = ANY (CAST(:types AS text[])))
              AND (CAST(:at AS timestamptz) IS NULL
                   OR (occurred_at, position, digest) < (:at, CAST(:position AS smallint), CAST(:digest AS uuid)))
            ORDER BY occurred_at DESC, position DESC, digest DESC LIMIT :limit
        ) a
        ORDER BY occurred_at DESC, position DESC, digest DESC LIMIT :limit
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        own=lead_ids[0],
        types=list(types) if types is not None else None,
        at=at,
        position=position,
        digest=digest,
        limit=limit,
    )


async def labels(work: UnitOfWork, lead_ids: Sequence[UUID], reply_ids: Sequence[str]) -> Sequence[RowMapping]:
    """Every label that was given to these replies, oldest first."""
    return await work.fetch(
        """
        SELECT data, event_id, recorded_at FROM activity
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) AND type = 'reply.received'
          AND data ->> 'reply_id' = ANY (CAST(:replies AS text[]))
        ORDER BY data ->> 'labelled_at', event_id
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        replies=list(reply_ids),
    )


async def known_replies(work: UnitOfWork, replies: Iterable[tuple[LeadKey, str]]) -> set[tuple[LeadKey, str]]:
    """Those of the replies that stand in the timeline already, under another label perhaps."""
    wanted = list(replies)
    rows = await work.fetch(
        """
        SELECT a.tenant_id, a.lead_id, w.reply_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:replies AS text[]))
             AS w (tenant_id, lead_id, reply_id)
        JOIN activity a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id
             AND a.type = 'reply.received' AND a.shown AND a.data ->> 'reply_id' = w.reply_id
        """,
        tenants=[lead[0] for lead, _ in wanted],
        leads=[lead[1] for lead, _ in wanted],
        replies=[reply for _, reply in wanted],
    )
    return {((row["tenant_id"], row["lead_id"]), row["reply_id"]) for row in rows}


async def strip_person(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """After an erasure: what happened stays countable, what was said and by which address does not."""
    await work.run(
        """
        UPDATE activity SET data = CASE WHEN folded OR type IN ('status_change', 'ignored')
            THEN data - '{note,evidence,email_key,phone_key,address_key,excerpt,title,successor,detail,text}'::text[]
                 || CASE WHEN data ->> 'rule' = 'manual' THEN '{"reason": "moved by hand"}'::jsonb ELSE '{}' END
                 || CASE WHEN data ? 'disqualification_reason' THEN '{"disqualification_reason": "erased"}'::jsonb
                         ELSE '{}' END
            ELSE '{}'::jsonb END
        WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        tenant=tenant,
        lead=lead_id,
    )
