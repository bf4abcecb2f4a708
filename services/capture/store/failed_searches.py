"""Leads whose duplicates could not be searched for: tried again a few times, then set aside with the reason."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.capture.store.blocks import request_search
from shared.db import Row, UnitOfWork
from shared.ids import LeadKey

MOST_ATTEMPTS = 3
_BACK_OFF_SECONDS = 60
"""How long the first retry waits; the next one ten times as long."""


async def record(work: UnitOfWork, lead: LeadKey, reason: str) -> bool:
    """Take a lead out of those that wait, for a while or, after `MOST_ATTEMPTS`, for good; whether it is for good."""
    row = await work.fetch_one(
        f"""
        INSERT INTO failed_search AS f (tenant_id, lead_id, attempts, reason, failed_on, due_at)
        VALUES (:tenant, :lead, 1, :reason, :now,
                CAST(:now AS timestamptz) + make_interval(secs => {_BACK_OFF_SECONDS}))
        ON CONFLICT (tenant_id, lead_id) DO UPDATE
        SET attempts = f.attempts + 1, reason = excluded.reason, failed_on = excluded.failed_on,
            due_at = CASE WHEN f.attempts + 1 < {MOST_ATTEMPTS}
                          THEN excluded.failed_on + make_interval(secs => {_BACK_OFF_SECONDS} * 10 ^ f.attempts) END
        RETURNING due_at IS NULL AS set_aside
        """,
        tenant=lead[0],
        lead=lead[1],
        reason=reason,
        now=work.now,
    )
    return bool(row and row["set_aside"])


async def due(work: UnitOfWork, limit: int) -> list[LeadKey]:
    """Leads that are to be tried again."""
    rows = await work.fetch_tuples(
        "SELECT tenant_id, lead_id FROM failed_search WHERE due_at <= :now ORDER BY due_at LIMIT :limit",
        now=work.now,
        limit=limit,
    )
    return [(tenant, lead_id) for tenant, lead_id in rows]


async def try_again(work: UnitOfWork, leads: Sequence[LeadKey], *, anew: bool = False) -> int:
    """Have the duplicates of these leads searched for once more; how many of them had failed.

    `anew`: their attempts count from the beginning.
    """
    attempts = ", attempts = 0" if anew else ""
    found = await work.run(
        f"""
        UPDATE failed_search f SET due_at = NULL{attempts}
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE f.tenant_id = w.tenant_id AND f.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in leads],
        leads=[lead_id for _, lead_id in leads],
    )
    if found:
        await request_search(work, leads)
    return found


async def forget(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """These were searched for."""
    wanted = sorted(leads)
    await work.run(
        """
        DELETE FROM failed_search f USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (t, lead)
        WHERE f.tenant_id = w.t AND f.lead_id = w.lead
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead_id for _, lead_id in wanted],
    )


async def page(work: UnitOfWork, tenant: str, *, after: UUID | None, limit: int) -> Sequence[Row]:
    """The failed searches of a tenant, by lead."""
    return await work.fetch(
        """
        SELECT lead_id, attempts, reason, failed_on, due_at FROM failed_search
        WHERE tenant_id = :tenant AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        after=after,
        limit=limit,
    )
