"""Telling of progress: `goal.progressed` at most once a second for each goal, `goal.achieved` once for each period."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.store import counters, goals, locks, progress
from shared.db import Database, UnitOfWork
from shared.events import GoalAchieved, GoalProgressed

TENANTS_A_ROUND = 100


async def tell_all(database: Database, every: timedelta) -> int:
    """Tell of every goal whose value changed: of its progress only if the last telling is `every` ago, of its
    achievement at once. How many were told."""
    async with database.worker() as work:
        tenants = await progress.tenants_touched(work, TENANTS_A_ROUND)
    number = 0
    for tenant in tenants:
        async with database.worker([tenant]) as work:
            if not await locks.tell_alone(work, tenant):
                continue
            notes = await progress.notes(work, tenant)
            periods = await progress.open_of_touched(work, tenant, {note["series_id"] for note in notes})
            early = {p["period_id"] for p in periods if too_early(p, work, every)}
            waiting = {p["series_id"] for p in periods if p["period_id"] in early}
            # The notes go before the counters are read: what is noted later is read later.
            await progress.untouch(work, tenant, [note["id"] for note in notes if note["series_id"] not in waiting])
            number += await _tell(work, tenant, periods, early)
    return number


async def tell_of(work: UnitOfWork, tenant: str, goal_id: UUID) -> None:
    """Tell of one goal now: it is new."""
    await _tell(work, tenant, await progress.open_of_goal(work, tenant, goal_id))


def too_early(period: RowMapping, work: UnitOfWork, every: timedelta) -> bool:
    """Whether progress of the goal was told less than `every` ago."""
    return period["told_on"] is not None and work.now < period["told_on"] + every


async def ask_more(work: UnitOfWork, tenant: str, goal_id: UUID, target: int) -> None:
    """The target was raised: where the value does not reach the new one, the goal is achieved no longer, and its
    achievement will be told again."""
    period = await goals.running(work, tenant, goal_id)
    if period is not None and period["achieved_on"] is not None:
        (value,) = await counters.sums(work, [(period["series_id"], period["first_day"], period["last_day"])], tenant)
        if value < target:
            await progress.take_back(work, tenant, period["period_id"])


async def _tell(work: UnitOfWork, tenant: str, periods: Sequence[RowMapping], early: Collection[UUID] = ()) -> int:
    """For the `early` ones it is too soon to tell of progress again."""
    if not periods:
        return 0
    values = await counters.sums(work, [(p["series_id"], p["first_day"], p["last_day"]) for p in periods], tenant)
    number = 0
    for period, value in zip(periods, values, strict=True):
        reaches = period["achieved_on"] is None and value >= period["goal_target"]
        progresses = value != period["told_value"] and period["period_id"] not in early
        if progresses:
            emit(work, tenant, period, value, period["goal_target"], GoalProgressed)
            await progress.told(work, tenant, period["period_id"], value)
        if reaches:
            emit(work, tenant, period, value, period["goal_target"], GoalAchieved)
            await progress.achieved(work, tenant, period["period_id"])
        number += progresses or reaches
    return number


def emit(
    work: UnitOfWork, tenant: str, period: RowMapping, value: int, target: int, kind: type[GoalProgressed]
) -> None:
    """Let a goal's event leave with the transaction; its subject is the goal."""
    event = kind(goal_id=period["goal_id"], period_start=period["period_start"], current_value=value, target=target)
    work.emit(event, tenant=tenant, subject=period["goal_id"])
