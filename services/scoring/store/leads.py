"""Leads with their last published score: always locked in the same order, written as sets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.scoring.tables import Lead
from shared.db import UnitOfWork, by_column, rows_of
from shared.db.columns import column_types, insert_rows, select_values
from shared.ids import LeadKey


class LeadRecord(NamedTuple):
    """What is stored of a lead: the score last published. `scored_at` is None until the lead is captured."""

    revision: int
    points: tuple[int, int, int]
    """fit, intent, engagement"""
    band: str
    model_version: int
    scored_at: datetime | None
    next_change_at: datetime | None


NOT_SCORED = LeadRecord(0, (0, 0, 0), "D", 0, None, None)
"""The record of a lead that was not captured yet, or of an alias that was never scored itself."""

_STORED = column_types(Lead, [name for name in Lead.model_fields if name != "seen_at"])
_CHANGING = [name for name in _STORED if name not in ("tenant_id", "lead_id")]


@dataclass(slots=True)
class MergesAndErasures:
    """Which of some leads were erased, which are aliases of which lead, and the aliases of each lead."""

    erased: set[LeadKey] = field(default_factory=set)
    kept: dict[LeadKey, LeadKey] = field(default_factory=dict)
    """The lead that each alias belongs to."""
    aliases: dict[LeadKey, list[LeadKey]] = field(default_factory=dict)


async def lock_leads(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, LeadRecord]:
    """Lock these leads, in the same order everywhere. Leads that are not stored are missing from the answer."""
    wanted = sorted(leads)
    rows = await work.fetch_tuples(
        f"""
        SELECT {", ".join(f"l.{name}" for name in _STORED)}
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        ORDER BY l.tenant_id, l.lead_id
        FOR UPDATE OF l
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return dict(map(_record, rows))


async def read_lead(work: UnitOfWork, lead: LeadKey) -> LeadRecord | None:
    """One lead without a lock; None if it is not stored."""
    rows = await work.fetch_tuples(
        f"SELECT {', '.join(_STORED)} FROM lead WHERE tenant_id = :tenant AND lead_id = :lead",
        tenant=lead[0],
        lead=lead[1],
    )
    return _record(rows[0])[1] if rows else None


def _record(row: tuple[Any, ...]) -> tuple[LeadKey, LeadRecord]:
    tenant, lead_id, revision, fit, intent, engagement, *rest = row
    return (tenant, lead_id), LeadRecord(revision, (fit, intent, engagement), *rest)


async def merges_and_erasures(work: UnitOfWork, leads: Iterable[LeadKey]) -> MergesAndErasures:
    """What merges and erasures mean for these leads. Call it after locking them: then no merge of them is under way."""
    wanted = list(leads)
    rows = await work.fetch_tuples(
        """
        WITH wanted AS MATERIALIZED (
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id))
        SELECT tenant_id, lead_id, NULL AS kept_id FROM wanted JOIN erased USING (tenant_id, lead_id)
        UNION ALL
        SELECT a.tenant_id, a.alias_id, a.lead_id
        FROM wanted w JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.lead_id AND NOT a.undone
        UNION ALL
        SELECT a.tenant_id, a.alias_id, a.lead_id
        FROM wanted w JOIN alias a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id AND NOT a.undone
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    found = MergesAndErasures()
    for tenant, lead_id, kept_id in rows:
        if kept_id is None:
            found.erased.add((tenant, lead_id))
        elif (tenant, lead_id) not in found.kept:
            found.kept[tenant, lead_id] = (tenant, kept_id)
            found.aliases.setdefault((tenant, kept_id), []).append((tenant, lead_id))
    return found


async def insert_leads(work: UnitOfWork, records: Mapping[LeadKey, LeadRecord]) -> None:
    """Store new leads. A unique violation means that another replica stored one first: the batch is repeated."""
    rows = [(*_values(lead, records[lead]), work.now) for lead in sorted(records)]
    columns = [*_STORED, "seen_at"]
    await work.run(insert_rows(Lead, columns), **by_column(columns, rows))


async def update_leads(work: UnitOfWork, records: Mapping[LeadKey, LeadRecord]) -> None:
    """Store leads that this transaction has locked."""
    await work.run(
        f"""
        UPDATE lead l
        SET ({", ".join(_CHANGING)}) = ROW ({select_values(Lead, _CHANGING)})
        FROM {rows_of(_STORED)}
        WHERE l.tenant_id = v.tenant_id AND l.lead_id = v.lead_id
        """,
        **by_column(_STORED, [_values(lead, record) for lead, record in records.items()]),
    )


def _values(lead: LeadKey, record: LeadRecord) -> tuple[Any, ...]:
    """The values of the columns `_STORED`."""
    revision, points, *rest = record
    return (*lead, revision, *points, *rest)


async def published_scores(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int
) -> list[tuple[LeadKey, LeadRecord]]:
    """The next leads by id whose score was published since then; aliases are left out."""
    rows = await work.fetch_tuples(
        f"""
        SELECT {", ".join(_STORED)} FROM lead l
        WHERE l.tenant_id = :tenant AND l.scored_at >= :since
          AND l.lead_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
          AND NOT EXISTS (
              SELECT FROM alias a WHERE a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id AND NOT a.undone)
        ORDER BY l.lead_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return list(map(_record, rows))


async def delete_leads(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """Delete the scores of these leads."""
    wanted = list(leads)
    await work.run(
        """
        DELETE FROM lead l
        USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )


async def tenants_with_due_scores(work: UnitOfWork, limit: int) -> list[str]:
    """The tenants of the `limit` leads whose scores have been due for longest."""
    rows = await work.fetch(
        """
        SELECT DISTINCT tenant_id FROM (
            SELECT tenant_id FROM lead WHERE next_change_at <= :now ORDER BY next_change_at LIMIT :limit) due
        """,
        now=work.now,
        limit=limit,
    )
    return [row["tenant_id"] for row in rows]


async def lock_due_leads(work: UnitOfWork, limit: int) -> list[LeadKey]:
    """Lock leads of this transaction's tenants whose scores are due, except those that another replica has locked."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead
        WHERE next_change_at <= :now AND tenant_id = ANY (CAST(:tenants AS text[]))
        ORDER BY next_change_at LIMIT :limit FOR UPDATE SKIP LOCKED
        """,
        now=work.now,
        tenants=list(work.tenants),
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def leads_page(work: UnitOfWork, tenant: str, after: UUID | None, limit: int) -> list[LeadKey]:
    """The next leads of a tenant by id."""
    rows = await work.fetch(
        """
        SELECT lead_id FROM lead
        WHERE tenant_id = :tenant AND lead_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        after=after,
        limit=limit,
    )
    return [(tenant, row["lead_id"]) for row in rows]


async def raise_revisions(work: UnitOfWork, leads: Iterable[LeadKey], by: int) -> dict[LeadKey, int]:
    """Raise the revisions of these leads of one tenant, which the transaction has locked; the revisions since then."""
    rows = await work.fetch_tuples(
        """
        UPDATE lead SET revision = revision + :by
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) RETURNING tenant_id, lead_id, revision
        """,
        tenant=work.tenants[0],
        leads=[lead_id for _, lead_id in leads],
        by=by,
    )
    return {(tenant, lead_id): revision for tenant, lead_id, revision in rows}


async def uncaptured_leads(work: UnitOfWork, before: datetime, limit: int = 500) -> list[LeadKey]:
    """Lead ids whose oldest signal is from before this moment and that are not captured; aliases are left out."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead l
        WHERE scored_at IS NULL AND seen_at < :before
          AND NOT EXISTS (SELECT FROM alias a WHERE a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id)
        ORDER BY seen_at LIMIT :limit
        """,
        before=before,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def await_capture(work: UnitOfWork, leads: Iterable[LeadKey]) -> set[LeadKey]:
    """Those of these leads, locked and not captured, that still have signals: they wait from the oldest on."""
    wanted = list(leads)
    rows = await work.fetch_tuples(
        """
        UPDATE lead l SET seen_at = s.oldest
        FROM (SELECT s.tenant_id, s.lead_id, min(s.recorded_at) AS oldest
              FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
              JOIN signal s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
              GROUP BY 1, 2) s
        WHERE l.tenant_id = s.tenant_id AND l.lead_id = s.lead_id
        RETURNING l.tenant_id, l.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return {(tenant, lead_id) for tenant, lead_id in rows}
