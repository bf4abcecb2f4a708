"""Closing periods, and their reports: each is stored with the rows that it counted, and never changes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.goals.rules.days import zone
from services.goals.rules.periods import Period, following
from services.goals.store import goals, periods, reports, time_series
from services.goals.store.locks import lock_counters
from services.goals.use_cases.progress import emit_goal, was_published_lately
from shared.db import Database, Row, UnitOfWork
from shared.errors import NotFound
from shared.events import GoalAchieved, GoalProgressed

PERIODS_A_ROUND = 50
ROWS_A_PAGE = 5_000

HasRead = Callable[[datetime], Awaitable[bool]]
"""Whether all events that were published before a moment are counted, by whichever replica."""


async def close_ended_periods(database: Database, grace: timedelta, every: timedelta, has_read: HasRead) -> int:
    """Close the periods that ended `grace` ago, oldest first, and open the next ones; how many were closed.

    A period waits for the events of its time and of the grace: `has_read` is asked once for each end. Closing publishes
    progress, so it waits also until the goal's last progress was published `every` ago.
    """
    async with database.worker() as work:
        ended = await periods.periods_to_close(work, work.now - grace, PERIODS_A_ROUND)
    closed, read_until = 0, None
    for row in ended:
        if row["period_end"] != read_until:
            if not await has_read(row["period_end"] + grace):
                break
            read_until = row["period_end"]
        async with database.worker([row["tenant_id"]]) as work:
            # Whoever is erased meanwhile is erased from this report too, or was before.
            await lock_counters(work, {row["tenant_id"]: False})
            goal = await goals.find_goal(work, row["tenant_id"], row["goal_id"], lock=True)
            period = await periods.lock_open_period(work, row["tenant_id"], row["period_id"])
            if goal is not None and period is not None and not was_published_lately(period, work.now, every):
                published_on = await close_period(work, goal, period)
                await _open_next(work, goal, period, published_on)
                closed += 1
    return closed


async def close_ended_periods_of(work: UnitOfWork, goal: Row, every: timedelta) -> None:
    """Close the ended periods of a goal that is about to change, as the goal was defined until now."""
    while (period := await periods.oldest_ended_period(work, goal["tenant_id"], goal["goal_id"])) is not None:
        publish = goal["active"] and not was_published_lately(period, work.now, every)
        published_on = await close_period(work, goal, period, publish=publish)
        await _open_next(work, goal, period, published_on)


async def close_period(
    work: UnitOfWork, goal: Mapping[str, Any] | Row, period: Row, *, publish: bool = True
) -> datetime | None:
    """Make the report of a period; answers when progress of the goal was last published.

    Without `publish` only the report has the final value.
    """
    tenant = goal["tenant_id"]
    of_tenant = (await time_series.series_of(work, [tenant]))[tenant]
    series = next(series for series in of_tenant if series.series_id == period["series_id"])
    value = await reports.store_report_rows(
        work, series, period["period_id"], period["period_start"], period["period_end"]
    )
    achieved_on, published_on = period["achieved_on"], period["published_on"]
    if publish:
        if value != period["published_value"]:
            emit_goal(work, tenant, period, value, goal["target"], GoalProgressed)
            published_on = work.now
        if achieved_on is None and value >= goal["target"]:
            achieved_on = work.now
            emit_goal(work, tenant, period, value, goal["target"], GoalAchieved)
    await reports.close_period(
        work,
        tenant,
        period["period_id"],
        value=value,
        target=goal["target"],
        achieved_on=achieved_on,
        published_on=published_on,
    )
    return published_on


async def _open_next(work: UnitOfWork, goal: Row, period: Row, published_on: datetime | None) -> None:
    if goal["period"] == "custom":
        return
    closed = Period(period["first_day"], period["last_day"], period["period_start"], period["period_end"])
    next_period = following(goal["period"], closed, zone(goal["timezone"]))
    await periods.open_period(
        work, goal["tenant_id"], goal["goal_id"], goal["series_id"], next_period, published_on=published_on
    )
    await time_series.queue_changed(work, [(goal["tenant_id"], goal["series_id"])])


async def list_reports(
    work: UnitOfWork, tenant: str, goal_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """The reports of a goal, newest first; `restated` is the value that the same period has today, where it differs.

    `before`: the period start and id of the last report of the page before.
    """
    goal = await goals.find_goal(work, tenant, goal_id)
    if goal is None:
        raise NotFound("no such goal")
    found = await reports.list_reports(work, tenant, goal_id, before=before, limit=limit)
    live = await time_series.sums(work, tenant, [(r["series_id"], r["first_day"], r["last_day"]) for r in found])
    where = zone(goal["timezone"])
    return [
        {
            "report_id": row["period_id"],
            "period_start": row["period_start"].astimezone(where),
            "period_end": row["period_end"].astimezone(where),
            "value": row["value"],
            "restated": now if now != row["value"] else None,
            "target": row["target"],
            "achieved_on": row["achieved_on"],
            "closed_on": row["closed_on"],
            "rows": f"/v1/goals/{goal_id}/reports/{row['period_id']}/rows",
        }
        for row, now in zip(found, live, strict=True)
    ]


async def find_report(work: UnitOfWork, tenant: str, goal_id: UUID, report_id: UUID) -> Row:
    """The report's period; NotFound where there is none."""
    row = await reports.find_report(work, tenant, goal_id, report_id)
    if row is None:
        raise NotFound("no such report")
    return row


async def report_pages(database: Database, tenant: str, report_id: UUID) -> AsyncIterator[list[Row]]:
    """The rows that a report counted, a page at a time, each page in a transaction of its own."""
    last = 0
    while True:
        async with database.tenant(tenant) as work:
            rows = await reports.report_rows(work, tenant, report_id, after=last, limit=ROWS_A_PAGE)
        if not rows:
            return
        yield rows
        last = rows[-1]["n"]
