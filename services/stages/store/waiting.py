"""Signals that wait for the capture of their lead: shown, and deleted when it is not captured in time."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.stages.store.leads import WAITING
from shared.db import Row, UnitOfWork

_UNCAPTURED = f"stage = '{WAITING}' AND NOT captured AND merged_into IS NULL AND updated_at < :before"
"""Rows that only hold signals for a lead. The row of an alias is not one of them."""


async def tenants_with_uncaptured(work: UnitOfWork, days: float, limit: int) -> list[str]:
    """The tenants of up to `limit` leads that were not captured within so many days of their last signal."""
    rows = await work.fetch(
        f"SELECT tenant_id FROM lead WHERE {_UNCAPTURED} LIMIT :limit",
        before=work.now - timedelta(days=days),
        limit=limit,
    )
    return sorted({row["tenant_id"] for row in rows})


async def delete_uncaptured(work: UnitOfWork, days: float, limit: int) -> int:
    """Delete up to `limit` of these leads, of the tenants of this work, with their signals; how many there were."""
    gone = await work.fetch(
        f"""
        DELETE FROM lead WHERE (tenant_id, lead_id) IN (
            SELECT tenant_id, lead_id FROM lead
            WHERE tenant_id = ANY (CAST(:tenants AS text[])) AND {_UNCAPTURED} LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING tenant_id, lead_id
        """,
        tenants=list(work.tenants),
        before=work.now - timedelta(days=days),
        limit=limit,
    )
    await work.run(
        """
        DELETE FROM activity WHERE (tenant_id, lead_id) IN (
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])))
        """,
        tenants=[row["tenant_id"] for row in gone],
        leads=[row["lead_id"] for row in gone],
    )
    return len(gone)


async def page(
    work: UnitOfWork, days: float, *, lead_id: UUID | None, after: tuple[UUID, UUID] | None, limit: int
) -> Sequence[Row]:
    """The tenant's events whose lead is not captured, by lead; `deleted_on` is `days` after the lead's last signal."""
    lead, digest = after or (None, None)
    return await work.fetch(
        """
        SELECT a.lead_id, a.digest, a.event_id, a.type, a.source, a.occurred_at, a.recorded_at,
               l.updated_at + CAST(:wait AS interval) AS deleted_on
        FROM lead l JOIN activity a ON a.tenant_id = l.tenant_id AND a.lead_id = l.lead_id
        WHERE l.tenant_id = :tenant AND l.stage = :waiting AND NOT l.captured AND l.merged_into IS NULL
          AND (CAST(:only AS uuid) IS NULL OR l.lead_id = :only)
          AND (CAST(:lead AS uuid) IS NULL OR (a.lead_id, a.digest) > (:lead, CAST(:digest AS uuid)))
        ORDER BY a.lead_id, a.digest LIMIT :limit
        """,
        tenant=work.tenants[0],
        waiting=WAITING,
        wait=timedelta(days=days),
        only=lead_id,
        lead=lead,
        digest=digest,
        limit=limit,
    )
