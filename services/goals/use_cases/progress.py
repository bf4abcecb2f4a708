"""Telling of progress: `goal.progressed` at most once a second for each goal, `goal.achieved` once for each period."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.store import counters, locks, progress
from shared.db import Database, UnitOfWork
from shared.events import GoalAchieved, GoalProgressed

TENANTS_A_ROUND = 100


async def tell_all(database: Database, every: timedelta) -> int:
    """Tell of every goal whose value changed, if the last telling is `every` ago; how many were told."""
    async with database.worker() as work:
        tenants = await progress.tenants_touched(work, TENANTS_A_ROUND)
    number = 0
    for tenant in tenants:
        async with database.worker([tenant]) as work:
            if not await locks.tell_alone(work, tenant):
                continue
            periods = await progress.open_of_touched(work, tenant)
            early = [p for p in periods if p["told_on"] is not None and work.now - p["told_on"] < every]
            # The notes go before the counters are read: what is noted later is read later.
            await progress.untouch(work, tenant, {period["series_id"] for period in early})
            number += await _tell(work, tenant, [period for period in periods if period not in early])
    return number


async def tell_of(work: UnitOfWork, tenant: str, goal_id: UUID) -> None:
    """Tell of one goal now: it is new, or what it asks for has changed."""
    await _tell(work, tenant, await progress.open_of_goal(work, tenant, goal_id))


async def _tell(work: UnitOfWork, tenant: str, periods: Sequence[RowMapping]) -> int:
    if not periods:
        return 0
    values = await counters.sums(work, [(p["series_id"], p["first_day"], p["last_day"]) for p in periods], tenant)
    number = 0
    for period, value in zip(periods, values, strict=True):
        achieved_on = period["achieved_on"]
        reaches = achieved_on is None and value >= period["goal_target"]
        if value == period["told_value"] and not reaches:
            continue
        if value != period["told_value"]:
            emit(work, tenant, period, value, period["goal_target"], GoalProgressed)
        if reaches:
            achieved_on = work.now
            emit(work, tenant, period, value, period["goal_target"], GoalAchieved)
        await progress.told(work, tenant, period["period_id"], value, achieved_on)
        number += 1
    return number


def emit(
    work: UnitOfWork, tenant: str, period: RowMapping, value: int, target: int, kind: type[GoalProgressed]
) -> None:
    """Let a goal's event leave with the transaction; its subject is the goal."""
    event = kind(goal_id=period["goal_id"], period_start=period["period_start"], current_value=value, target=target)
    work.emit(event, tenant=tenant, subject=period["goal_id"])
