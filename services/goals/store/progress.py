"""What the worker that publishes progress reads and stores."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from services.goals.store.periods import PERIOD
from shared.db import Row, UnitOfWork

_RUNNING = f"""
    SELECT {PERIOD}, g.target AS goal_target FROM period p JOIN goal g USING (tenant_id, goal_id)
    WHERE p.tenant_id = :tenant AND p.closed_on IS NULL AND g.active AND p.period_start <= :now AND p.period_end > :now
"""
_LOCKED = "ORDER BY p.goal_id FOR UPDATE OF p"


class QueuedChange(NamedTuple):
    """An entry of the queue of changed series."""

    id: int
    series_id: UUID


async def tenants_with_changes(work: UnitOfWork, limit: int) -> list[str]:
    """Tenants that have a series in the queue; first those that have waited longest."""
    rows = await work.fetch(
        "SELECT tenant_id FROM touched GROUP BY tenant_id ORDER BY min(id) LIMIT :limit", limit=limit
    )
    return [row["tenant_id"] for row in rows]


async def queued_changes(work: UnitOfWork, tenant: str) -> list[QueuedChange]:
    """The queue of a tenant."""
    rows = await work.fetch_tuples("SELECT id, series_id FROM touched WHERE tenant_id = :tenant", tenant=tenant)
    return [QueuedChange(*row) for row in rows]


async def remove_changes(work: UnitOfWork, tenant: str, ids: Collection[int]) -> None:
    """Remove these entries of the queue, and leave those that were added since."""
    await work.run(
        "DELETE FROM touched WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS bigint[]))",
        tenant=tenant,
        ids=list(ids),
    )


async def running_periods_of_series(work: UnitOfWork, tenant: str, series_ids: Collection[UUID]) -> list[Row]:
    """The running periods of active goals that count these series, locked in one order everywhere."""
    return list(
        await work.fetch(
            f"{_RUNNING} AND p.series_id = ANY(CAST(:series AS uuid[])) {_LOCKED}",
            tenant=tenant,
            now=work.now,
            series=list(series_ids),
        )
    )


async def running_periods_of_goal(work: UnitOfWork, tenant: str, goal_id: UUID) -> list[Row]:
    """The running period of a goal, if the goal is active; locked."""
    return list(
        await work.fetch(f"{_RUNNING} AND p.goal_id = :goal {_LOCKED}", tenant=tenant, now=work.now, goal=goal_id)
    )


async def record_published(work: UnitOfWork, tenant: str, period_id: UUID, value: int) -> None:
    """`goal.progressed` is published now with this value."""
    await work.run(
        """
        UPDATE period SET told_value = :value, told_on = :now WHERE tenant_id = :tenant AND period_id = :period
        """,
        tenant=tenant,
        period=period_id,
        value=value,
        now=work.now,
    )


async def record_achieved(work: UnitOfWork, tenant: str, period_id: UUID) -> None:
    """The period's target is reached now; that stays, even if the value falls."""
    await work.run(
        "UPDATE period SET achieved_on = :now WHERE tenant_id = :tenant AND period_id = :period",
        tenant=tenant,
        period=period_id,
        now=work.now,
    )


async def remove_achievement(work: UnitOfWork, tenant: str, period_id: UUID) -> None:
    """The period is not achieved any more: the target was raised above its value."""
    await work.run(
        "UPDATE period SET achieved_on = NULL WHERE tenant_id = :tenant AND period_id = :period",
        tenant=tenant,
        period=period_id,
    )
