"""Goals: made, changed, counted anew."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.rules.changes import ASKED, differs, goes_on
from services.goals.rules.leads import REACHED
from services.goals.rules.periods import Period, before, zone, zone_name
from services.goals.rules.ranges import Asked, whole_days
from services.goals.rules.series import Filter, Series, filter_of, needed
from services.goals.schemas import GoalChange, LeadFilter, NewGoal
from services.goals.store import counters, goals, locks
from services.goals.use_cases.progress import ask_more, tell_of
from services.goals.use_cases.reporting import close, close_ended
from services.goals.use_cases.views import view
from shared.db import UnitOfWork
from shared.errors import Invalid, NotFound
from shared.http.preconditions import check_if_match
from shared.ids import uuid7


async def make(work: UnitOfWork, tenant: str, actor: str, body: NewGoal) -> dict[str, Any]:
    """Make a goal: it is counted from the rows at once, its running period begins, and the one before is reported."""
    goal: dict[str, Any] = {
        "tenant_id": tenant,
        "goal_id": uuid7(),
        "name": body.name,
        "metric": body.metric,
        "target": body.target,
        "period": body.period,
        "starts_on": body.from_ if body.period == "custom" else None,
        "ends_on": body.to if body.period == "custom" else None,
        "timezone": zone_name(body.timezone),
        "filter": _filter(body.filter),
        "working_days": body.working_days,
        "active": True,
        "created_on": work.now,
        "created_by": actor,
    }
    period = _period(goal, work.now)
    await locks.count_alone(work, tenant)
    goal["series_id"] = await _series(work, goal, period)
    await goals.add_goal(work, goal)
    await goals.open_period(work, tenant, goal["goal_id"], goal["series_id"], period)
    if body.period != "custom":
        await _report_before(work, goal, before(body.period, period, zone(goal["timezone"])))
    await tell_of(work, tenant, goal["goal_id"])
    return await show(work, tenant, goal["goal_id"])


async def change(
    work: UnitOfWork, tenant: str, goal_id: UUID, body: GoalChange, if_match: str | None, every: timedelta
) -> dict[str, Any]:
    """Change what is named. What the goal counts may change too: its reports stay what they were, and are restated by
    what they counted; so what is over and not reported yet is reported first. The worker tells what it comes to, once
    the last telling is `every` ago."""
    await locks.count_alone(work, tenant)
    row = await goals.goal(work, tenant, goal_id, lock=True)
    if row is None:
        raise NotFound("no such goal")
    check_if_match(if_match, row["version"])
    goal = dict(row)
    named = body.model_fields_set
    goal |= {name: getattr(body, name) for name in ("name", "metric", "target", "period", "active") if name in named}
    if "working_days" in named:
        goal["working_days"] = body.working_days
    if "timezone" in named:
        goal["timezone"] = zone_name(body.timezone)
    if "filter" in named:
        goal["filter"] = _filter(body.filter)
    goal["starts_on"] = (body.from_ if "from_" in named else goal["starts_on"]) if goal["period"] == "custom" else None
    goal["ends_on"] = (body.to if "to" in named else goal["ends_on"]) if goal["period"] == "custom" else None
    if differs(row, goal, (*ASKED, "target")):
        await close_ended(work, row, every)
    if differs(row, goal):
        period = _period(goal, work.now)
        goal["series_id"] = await _series(work, goal, period)
        await _reopen(work, row, goal, period)
    await goals.change_goal(work, goal)
    if goal["target"] > row["target"]:
        await ask_more(work, tenant, goal_id, goal["target"])
    await counters.touch(work, [(tenant, goal["series_id"])])
    return await show(work, tenant, goal_id)


async def _reopen(work: UnitOfWork, before: RowMapping, goal: Mapping[str, Any], period: Period) -> None:
    """The running period of a changed goal: the same one, or another one in its place."""
    tenant, goal_id, series_id = goal["tenant_id"], goal["goal_id"], goal["series_id"]
    running = await goals.running(work, tenant, goal_id)
    same = running is not None and goes_on(before, goal, running, period)
    if running is not None and (running["period_start"], running["period_end"]) == (period.start, period.end):
        await goals.recast(work, tenant, running["period_id"], series_id, anew=not same)
        return
    told: dict[str, Any] = {"told_on": await goals.last_told(work, tenant, goal_id)}
    if running is not None:
        await goals.drop_period(work, tenant, running["period_id"])
        told |= {name: running[name] for name in ("told_value", "achieved_on") if same}
    await goals.open_period(work, tenant, goal_id, series_id, period, **told)


async def show(work: UnitOfWork, tenant: str, goal_id: UUID) -> dict[str, Any]:
    """One goal with all that is known of its progress."""
    row = await goals.goal(work, tenant, goal_id)
    if row is None:
        raise NotFound("no such goal")
    return (await view(work, tenant, [row], missing=True))[0]


async def list_goals(work: UnitOfWork, tenant: str, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    return await view(work, tenant, await goals.goals(work, tenant, after=after, limit=limit))


async def recount(work: UnitOfWork, tenant: str, goal_id: UUID) -> dict[str, Any]:
    """Count a goal anew from the lead rows and say what its live counters said; were they wrong, they are mended."""
    await locks.count_alone(work, tenant)
    row = await goals.goal(work, tenant, goal_id)
    if row is None:
        raise NotFound("no such goal")
    period, wanted = _period(row, work.now), filter_of(row["filter"])
    of_goal = [
        series
        for series in (await counters.series_of(work, [tenant]))[tenant]
        if series.series_id == row["series_id"]
        or (series.metric in REACHED and (series.timezone, series.filter) == (row["timezone"], wanted))
    ]
    ids = [series.series_id for series in of_goal]
    live = await counters.days_of(work, tenant, ids, date.min, date.max)
    anew = await counters.recount(work, of_goal)
    wrong = [series for series in of_goal if live[series.series_id] != anew[series.series_id]]
    for series in wrong:
        await counters.rewrite(work, series, anew[series.series_id])
        await counters.touch(work, [(tenant, series.series_id)])
    values = [_between(days[row["series_id"]], period) for days in (live, anew)]
    return {
        "goal_id": goal_id,
        "live_value": values[0],
        "current_value": values[1],
        "equal": not wrong,
        "period_start": period.start,
        "period_end": period.end,
        "recounted_on": work.now,
    }


def _between(days: Mapping[date, int], period: Period) -> int:
    return sum(number for day, number in days.items() if period.first <= day <= period.last)


def _period(goal: Mapping[str, Any] | RowMapping, now: datetime) -> Period:
    try:
        return Asked(goal["period"], goal["starts_on"], goal["ends_on"]).current(now, zone(goal["timezone"]))
    except ValueError as error:
        field = str(error).partition(" ")[0]
        raise Invalid(
            str(error), [{"field": field if field in ("from", "to") else "period", "message": str(error)}]
        ) from None


def _filter(wanted: LeadFilter | None) -> dict[str, Any]:
    return wanted.model_dump(exclude_none=True) if wanted else {}


async def _series(work: UnitOfWork, goal: Mapping[str, Any], period: Period) -> UUID:
    """The series of a goal, made and counted from the rows where it is not there yet. Nobody else may be counting."""
    tenant, wanted = goal["tenant_id"], filter_of(goal["filter"])
    window = None
    if goal["period"] == "custom" and not whole_days(period, zone(goal["timezone"])):
        window = (period.start, period.end)
    known = {_name(series): series for series in (await counters.series_of(work, [tenant])).get(tenant, [])}
    ids, missing = [], []
    for metric in needed(goal["metric"]):
        start, end = window if window and metric == goal["metric"] else (None, None)
        series = Series(uuid7(), tenant, metric, goal["timezone"], wanted, start, end)
        if _name(series) not in known:
            missing.append(series)
        ids.append(known.setdefault(_name(series), series).series_id)
    anew = await counters.recount(work, missing)
    for series in missing:
        await counters.add_series(work, series)
        await counters.rewrite(work, series, anew[series.series_id])
    return ids[0]


def _name(series: Series) -> tuple[str, str, Filter, datetime | None, datetime | None]:
    return (series.metric, series.timezone, series.filter, series.start, series.end)


async def _report_before(work: UnitOfWork, goal: Mapping[str, Any], period: Period) -> None:
    """A new goal reports the period before it too."""
    period_id = await goals.open_period(work, goal["tenant_id"], goal["goal_id"], goal["series_id"], period)
    row = await goals.lock_period(work, goal["tenant_id"], period_id) if period_id else None
    if row is not None:
        await close(work, goal, row, told=False)
