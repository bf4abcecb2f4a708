"""What the worker that tells of progress reads and remembers."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork


async def tenants_touched(work: UnitOfWork, limit: int) -> list[str]:
    """Tenants with a series that changed since somebody last told."""
    rows = await work.fetch("SELECT DISTINCT tenant_id FROM touched ORDER BY tenant_id LIMIT :limit", limit=limit)
    return [row["tenant_id"] for row in rows]


async def open_of_touched(work: UnitOfWork, tenant: str) -> list[RowMapping]:
    """The running periods of active goals whose series changed, locked in one order everywhere."""
    return list(
        await work.fetch(
            f"{_RUNNING} AND p.series_id IN (SELECT series_id FROM touched WHERE tenant_id = :tenant) {_LOCKED}",
            tenant=tenant,
            now=work.now,
        )
    )


async def open_of_goal(work: UnitOfWork, tenant: str, goal_id: UUID) -> list[RowMapping]:
    """The running period of one active goal, locked."""
    return list(
        await work.fetch(f"{_RUNNING} AND p.goal_id = :goal {_LOCKED}", tenant=tenant, now=work.now, goal=goal_id)
    )


_RUNNING = """
    SELECT p.*, g.target AS goal_target FROM period p JOIN goal g USING (tenant_id, goal_id)
    WHERE p.tenant_id = :tenant AND p.closed_on IS NULL AND g.active AND p.period_start <= :now AND p.period_end > :now
"""
_LOCKED = "ORDER BY p.goal_id FOR UPDATE OF p"


async def untouch(work: UnitOfWork, tenant: str, but: Collection[UUID]) -> None:
    """Take the notes off, but those of the series that have to wait."""
    await work.run(
        "DELETE FROM touched WHERE tenant_id = :tenant AND series_id <> ALL(CAST(:but AS uuid[]))",
        tenant=tenant,
        but=list(but),
    )


async def told(work: UnitOfWork, tenant: str, period_id: UUID, value: int) -> None:
    await work.run(
        """
        UPDATE period SET told_value = :value, told_on = :now WHERE tenant_id = :tenant AND period_id = :period
        """,
        tenant=tenant,
        period=period_id,
        value=value,
        now=work.now,
    )


async def achieved(work: UnitOfWork, tenant: str, period_id: UUID) -> None:
    """The period's target was reached now; it stays so."""
    await work.run(
        "UPDATE period SET achieved_on = :now WHERE tenant_id = :tenant AND period_id = :period",
        tenant=tenant,
        period=period_id,
        now=work.now,
    )
