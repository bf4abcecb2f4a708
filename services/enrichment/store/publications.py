"""Leads whose facts are to be joined again and published."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.enrichment.store.lookups import LookupKey
from shared.db import UnitOfWork
from shared.ids import LeadKey


async def schedule(work: UnitOfWork, leads: Iterable[LeadKey], due_at: datetime) -> None:
    """Publish the facts of these leads at that time at the latest; an earlier time that is stored stays."""
    wanted = sorted(leads)
    await work.run(
        """
        INSERT INTO publication AS p (tenant_id, lead_id, due_at, publish_by, bulk)
        SELECT v.tenant_id, v.lead_id, :due_at, :due_at, false
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS v (tenant_id, lead_id)
        ON CONFLICT (tenant_id, lead_id) DO UPDATE
        SET due_at = least(p.due_at, excluded.due_at), publish_by = least(p.publish_by, excluded.publish_by),
            bulk = false
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
        due_at=due_at,
    )


_LEADS_OF = """
    FROM unnest(CAST(:tenants AS text[]), CAST(:generations AS uuid[]), CAST(:keys AS uuid[]))
         AS w (tenant_id, generation, key)
    JOIN lead_lookup k ON k.tenant_id = w.tenant_id AND k.generation = w.generation AND k.key = w.key
"""


async def answered(work: UnitOfWork, changed: Iterable[LookupKey], others: Iterable[LookupKey], *, bulk: bool) -> None:
    """Publish the leads that depend on a question with a new answer; those that wait for any of them are due now."""
    if new := sorted(changed):
        await work.run(
            f"""
            INSERT INTO publication AS p (tenant_id, lead_id, due_at, publish_by, bulk)
            SELECT DISTINCT k.tenant_id, k.lead_id, CAST(:now AS timestamptz), CAST(:now AS timestamptz),
                   CAST(:bulk AS boolean)
            {_LEADS_OF}
            ORDER BY 1, 2
            ON CONFLICT (tenant_id, lead_id) DO UPDATE
            SET due_at = least(p.due_at, excluded.due_at), bulk = p.bulk AND excluded.bulk
            """,
            **_parameters(new),
            now=work.now,
            bulk=bulk,
        )
    if rest := sorted(others):
        await work.run(
            f"""
            UPDATE publication p SET due_at = least(p.due_at, :now)
            FROM (SELECT DISTINCT k.tenant_id, k.lead_id {_LEADS_OF} ORDER BY 1, 2) w
            WHERE p.tenant_id = w.tenant_id AND p.lead_id = w.lead_id
            """,
            **_parameters(rest),
            now=work.now,
        )


def _parameters(keys: Sequence[LookupKey]) -> dict[str, list[Any]]:
    tenants, generations, ids = zip(*keys, strict=True)
    return {"tenants": list(tenants), "generations": list(generations), "keys": list(ids)}


async def due(work: UnitOfWork, limit: int, *, bulk: bool) -> list[LeadKey]:
    """Leads that are due, in the order of their time."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM publication WHERE bulk = :bulk AND due_at <= :now ORDER BY due_at LIMIT :limit
        """,
        bulk=bulk,
        now=work.now,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def take(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, datetime]:
    """Remove those that are still due: {lead: publish_by}. Their leads are locked already, or are gone."""
    wanted = sorted(leads)
    rows = await work.fetch(
        """
        DELETE FROM publication p USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (t, lead)
        WHERE p.tenant_id = w.t AND p.lead_id = w.lead AND p.due_at <= :now
        RETURNING p.tenant_id, p.lead_id, p.publish_by
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
        now=work.now,
    )
    return {(row["tenant_id"], row["lead_id"]): row["publish_by"] for row in rows}


async def forget_leads(work: UnitOfWork, leads: Sequence[LeadKey]) -> None:
    """Publish nothing more of these leads."""
    await work.run(
        """
        DELETE FROM publication p USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (t, lead)
        WHERE p.tenant_id = w.t AND p.lead_id = w.lead
        """,
        tenants=[tenant for tenant, _ in leads],
        leads=[lead for _, lead in leads],
    )
