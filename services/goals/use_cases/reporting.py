"""Closing periods: the report of each is made by itself, kept with the rows it counted, and never changed."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.rules.periods import Period, after, zone
from services.goals.rules.sheets import lines
from services.goals.store import counters, goals
from services.goals.use_cases.progress import emit, too_early
from shared.db import Database, UnitOfWork
from shared.errors import NotFound
from shared.events import GoalAchieved, GoalProgressed
from shared.http import decode_cursor, encode_cursor
from shared.http.pages import moment

PERIODS_A_ROUND = 50
ROWS_A_PAGE = 5_000
COLUMNS = ("lead_id", "counted_on", "created_on", "source", "campaign", "owner", "stage", "status")


async def close_due(database: Database, grace: timedelta, every: timedelta) -> int:
    """Close what ended `grace` ago, in order, and begin what follows; after a long downtime one after the other.

    Closing tells of progress, so it waits until the goal's last telling is `every` ago. How many were closed.
    """
    async with database.worker() as work:
        due = await goals.due_to_close(work, work.now - grace, PERIODS_A_ROUND)
    number = 0
    for row in due:
        async with database.worker([row["tenant_id"]]) as work:
            goal = await goals.goal(work, row["tenant_id"], row["goal_id"], lock=True)
            period = await goals.lock_period(work, row["tenant_id"], row["period_id"])
            if goal is not None and period is not None and not too_early(period, work, every):
                told_on = await close(work, goal, period)
                await _begin_next(work, goal, period, told_on)
                number += 1
    return number


async def close_ended(work: UnitOfWork, goal: RowMapping, every: timedelta) -> None:
    """Close what is over of a goal that is about to change, as it was asked for until now."""
    while (period := await goals.ended(work, goal["tenant_id"], goal["goal_id"])) is not None:
        told_on = await close(work, goal, period, told=goal["active"] and not too_early(period, work, every))
        await _begin_next(work, goal, period, told_on)


async def close(
    work: UnitOfWork, goal: Mapping[str, Any] | RowMapping, period: RowMapping, *, told: bool = True
) -> datetime | None:
    """Make the report of a period; when progress of the goal was last told. `told=False`: only the report says it."""
    tenant = goal["tenant_id"]
    series = next(s for s in (await counters.series_of(work, [tenant]))[tenant] if s.series_id == period["series_id"])
    value = await goals.keep_rows(work, series, period["period_id"], period["period_start"], period["period_end"])
    achieved_on, told_on = period["achieved_on"], period["told_on"]
    if told:
        if value != period["told_value"]:
            emit(work, tenant, period, value, goal["target"], GoalProgressed)
            told_on = work.now
        if achieved_on is None and value >= goal["target"]:
            achieved_on = work.now
            emit(work, tenant, period, value, goal["target"], GoalAchieved)
    await goals.close_period(
        work,
        tenant,
        period["period_id"],
        closed_on=work.now,
        value=value,
        target=goal["target"],
        achieved_on=achieved_on,
        told_on=told_on,
    )
    return told_on


async def _begin_next(work: UnitOfWork, goal: RowMapping, period: RowMapping, told_on: datetime | None) -> None:
    if goal["period"] == "custom":
        return
    over = Period(period["first_day"], period["last_day"], period["period_start"], period["period_end"])
    following = after(goal["period"], over, zone(goal["timezone"]))
    await goals.open_period(work, goal["tenant_id"], goal["goal_id"], goal["series_id"], following, told_on=told_on)
    await counters.touch(work, [(goal["tenant_id"], goal["series_id"])])


async def list_reports(
    work: UnitOfWork, tenant: str, goal_id: UUID, *, cursor: str | None, limit: int
) -> dict[str, Any]:
    """The reports of a goal, the newest first, each with what it would say today where that differs."""
    goal = await _known(work, tenant, goal_id)
    before = None
    if cursor:
        place = decode_cursor(cursor, start=moment, id=UUID)
        before = (place["start"], place["id"])
    found = await goals.reports(work, tenant, goal_id, before=before, limit=limit)
    live = await counters.sums(work, [(r["series_id"], r["first_day"], r["last_day"]) for r in found], tenant)
    where = zone(goal["timezone"])
    items = [
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
    last = found[-1] if len(found) == limit else None
    cursor = encode_cursor({"start": last["period_start"].isoformat(), "id": str(last["period_id"])}) if last else None
    return {"items": items, "next_cursor": cursor}


async def check_report(work: UnitOfWork, tenant: str, goal_id: UUID, report_id: UUID) -> RowMapping:
    """The report, or NotFound."""
    row = await goals.report(work, tenant, goal_id, report_id)
    if row is None:
        raise NotFound("no such report")
    return row


async def report_sheet(database: Database, tenant: str, report_id: UUID) -> AsyncIterator[str]:
    """The rows that a report counted as CSV, a page at a time, however many they are."""
    yield lines([COLUMNS])
    last = 0
    while True:
        async with database.tenant(tenant) as work:
            rows = await goals.report_rows(work, tenant, report_id, after=last, limit=ROWS_A_PAGE)
        if not rows:
            return
        yield lines([row[column] for column in COLUMNS] for row in rows)
        last = rows[-1]["n"]


async def _known(work: UnitOfWork, tenant: str, goal_id: UUID) -> RowMapping:
    goal = await goals.goal(work, tenant, goal_id)
    if goal is None:
        raise NotFound("no such goal")
    return goal
