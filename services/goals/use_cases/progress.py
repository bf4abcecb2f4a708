"""Publishing progress: `goal.progressed` at most once a second for each goal, `goal.achieved` once for each period."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.goals.store import periods, progress, time_series
from services.goals.store.locks import try_lock_progress
from shared.db import Database, Row, UnitOfWork
from shared.events import GoalAchieved, GoalProgressed
from shared.ids import derived_id

TENANTS_A_ROUND = 100


async def publish_changed_goals(database: Database, every: timedelta) -> int:
    """Publish every goal whose value changed: an achievement at once, progress only if the last was `every` ago.

    Answers how many goals were published.
    """
    async with database.worker() as work:
        tenants = await progress.tenants_with_changes(work, TENANTS_A_ROUND)
    published = 0
    for tenant in tenants:
        async with database.worker([tenant]) as work:
            if not await try_lock_progress(work, tenant):
                continue
            queued = await progress.queued_changes(work, tenant)
            running = await progress.running_periods_of_series(work, tenant, {change.series_id for change in queued})
            early = {p["period_id"] for p in running if was_published_lately(p, work.now, every)}
            waiting = {p["series_id"] for p in running if p["period_id"] in early}
            # The queue is emptied before the counters are read: a change that is queued later is also read later.
            await progress.remove_changes(work, tenant, [c.id for c in queued if c.series_id not in waiting])
            published += await _publish(work, tenant, running, early)
    return published


async def publish_goal(work: UnitOfWork, tenant: str, goal_id: UUID) -> None:
    """Publish a new goal at once, if its value is not zero."""
    await _publish(work, tenant, await progress.running_periods_of_goal(work, tenant, goal_id))


def was_published_lately(period: Row, now: datetime, every: timedelta) -> bool:
    """Whether progress of the period's goal was published less than `every` ago."""
    return period["published_on"] is not None and now < period["published_on"] + every


async def withdraw_achievement(work: UnitOfWork, tenant: str, goal_id: UUID, target: int) -> None:
    """After the target was raised: a value below it is no longer achieved, and will be achieved once more."""
    period = await periods.running_period(work, tenant, goal_id)
    if period is not None and period["achieved_on"] is not None:
        (value,) = await time_series.sums(
            work, tenant, [(period["series_id"], period["first_day"], period["last_day"])]
        )
        if value < target:
            await progress.remove_achievement(work, tenant, period["period_id"])


def emit_goal(
    work: UnitOfWork, tenant: str, period: Row, value: int, target: int, event_class: type[GoalProgressed]
) -> None:
    """Publish a `goal.progressed` or `goal.achieved`; its subject is the goal.

    An achievement that is published again, because a restored database does not know it any more, has the same id.
    """
    event = event_class(
        goal_id=period["goal_id"], period_start=period["period_start"], current_value=value, target=target
    )
    event_id = None
    if event_class is GoalAchieved:
        of_period = (period["goal_id"], period["period_start"].isoformat(), period["series_id"])
        event_id = str(derived_id(event.type, *of_period, target))
    work.emit(event, tenant=tenant, subject=period["goal_id"], event_id=event_id)


async def _publish(work: UnitOfWork, tenant: str, running: Sequence[Row], early: Collection[UUID] = ()) -> int:
    """Publish what changed in these periods, except the progress of the `early` ones; how many were published."""
    if not running:
        return 0
    values = await time_series.sums(work, tenant, [(p["series_id"], p["first_day"], p["last_day"]) for p in running])
    published = 0
    for period, value in zip(running, values, strict=True):
        is_achieved = period["achieved_on"] is None and value >= period["goal_target"]
        has_progress = value != period["published_value"] and period["period_id"] not in early
        if has_progress:
            emit_goal(work, tenant, period, value, period["goal_target"], GoalProgressed)
            await progress.record_published(work, tenant, period["period_id"], value)
        if is_achieved:
            emit_goal(work, tenant, period, value, period["goal_target"], GoalAchieved)
            await progress.record_achieved(work, tenant, period["period_id"])
        published += has_progress or is_achieved
    return published
