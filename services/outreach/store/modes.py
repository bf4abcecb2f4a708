"""Queries on the outreach mode of leads and tenants, and on what of it has been announced by events."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.db import UnitOfWork


async def present(work: UnitOfWork) -> datetime:
    """The business time of this moment, not of the transaction's beginning.

    Under the lock of a lead it is later than that of whoever had the lock before.
    """
    row = await work.fetch_one("SELECT clock_timestamp() + CAST(:offset AS interval) AS at", offset=work.offset)
    assert row is not None
    at: datetime = row["at"]
    return at


async def set_lead_mode(work: UnitOfWork, tenant: str, lead_id: UUID, mode: str | None, effective: str) -> None:
    """Store the lead's own mode (None: the tenant's). `effective`: the mode that is announced as the lead's."""
    await work.run(
        """
        UPDATE lead SET mode = :mode, announced_mode = :effective,
               exhausted_at = CASE WHEN announced_mode = :effective THEN exhausted_at END
        WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        mode=mode,
        effective=effective,
        tenant=tenant,
        lead=lead_id,
    )


async def mark_mode_announced(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], tenant_mode: str) -> None:
    """The mode of these leads has been announced: their own, or else the tenant's."""
    await work.run(
        """
        UPDATE lead SET announced_mode = coalesce(mode, :mode),
               exhausted_at = CASE WHEN announced_mode = coalesce(mode, :mode) THEN exhausted_at END
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads)
        """,
        mode=tenant_mode,
        tenant=tenant,
        leads=list(lead_ids),
    )


async def tenant_to_announce(work: UnitOfWork) -> str | None:
    """One of the tenants whose mode has changed and is not announced to all leads yet."""
    row = await work.fetch_one("SELECT tenant_id FROM settings WHERE NOT mode_announced ORDER BY random() LIMIT 1")
    return row["tenant_id"] if row else None


async def lock_mode_to_announce(work: UnitOfWork, tenant: str) -> str | None:
    """The tenant's mode, its settings locked against whoever reads or saves them; None once all is announced."""
    row = await work.fetch_one(
        "SELECT mode FROM settings WHERE tenant_id = :tenant AND NOT mode_announced FOR UPDATE",
        tenant=tenant,
    )
    return row["mode"] if row else None


async def apply_tenant_mode(work: UnitOfWork, tenant: str, mode: str, limit: int) -> list[tuple[UUID, str]]:
    """Mark the mode as announced for up to `limit` leads without their own; (lead id, mode announced before)."""
    rows = await work.fetch_tuples(
        """
        UPDATE lead l SET announced_mode = :mode, exhausted_at = NULL FROM (
            SELECT tenant_id, lead_id, announced_mode AS previous FROM lead
            WHERE tenant_id = :tenant AND mode IS NULL AND version > 0 AND announced_mode <> :mode
            ORDER BY lead_id LIMIT :limit FOR UPDATE
        ) o WHERE l.tenant_id = o.tenant_id AND l.lead_id = o.lead_id
        RETURNING l.lead_id, o.previous
        """,
        mode=mode,
        tenant=tenant,
        limit=limit,
    )
    return [(lead_id, previous) for lead_id, previous in rows]


async def finish_announcement(work: UnitOfWork, tenant: str) -> None:
    """The tenant's mode has been announced to all its leads."""
    await work.run("UPDATE settings SET mode_announced = true WHERE tenant_id = :tenant", tenant=tenant)
