"""What the worker that tells of progress reads and remembers."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork


async def tenants_touched(work: UnitOfWork, limit: int) -> list[str]:
    """Tenants with a series that changed since somebody last told."""
    rows = await work.fetch("SELECT DISTINCT tenant_id FROM touched ORDER BY tenant_id LIMIT :limit", limit=limit)
    return [row["tenant_id"] for row in rows]


async def notes(work: UnitOfWork, tenant: str) -> list[RowMapping]:
    """The notes that lie there: `id` and `series_id`."""
    return list(await work.fetch("SELECT id, series_id FROM touched WHERE tenant_id = :tenant", tenant=tenant))


async def open_of_touched(work: UnitOfWork, tenant: str, series: Collection[UUID]) -> list[RowMapping]:
    """The running periods of active goals that these series serve, locked in one order everywhere."""
    return list(
        await work.fetch(
            f"{_RUNNING} AND p.series_id = ANY(CAST(:series AS uuid[])) {_LOCKED}",
            tenant=tenant,
            now=work.now,
            series=list(series),
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


async def untouch(work: UnitOfWork, tenant: str, notes: Collection[int]) -> None:
    """Take these notes off, and none that came since."""
    await work.run(
        "DELETE FROM touched WHERE tenant_id = :tenant AND id = ANY(CAST(:notes AS bigint[]))",
        tenant=tenant,
        notes=list(notes),
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


async def take_back(work: UnitOfWork, tenant: str, period_id: UUID) -> None:
    """The period is achieved no longer: more is asked of it now."""
    await work.run(
        "UPDATE period SET achieved_on = NULL WHERE tenant_id = :tenant AND period_id = :period",
        tenant=tenant,
        period=period_id,
    )
