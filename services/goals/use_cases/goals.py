"""Goals: created, changed, shown, recounted."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.goals.rules.date_ranges import InvalidRange, check_form
from services.goals.rules.days import zone, zone_name
from services.goals.rules.filters import normalise_filter
from services.goals.rules.funnel import REACHED_METRICS
from services.goals.rules.goal_changes import PERIOD_FIELDS, REPORTED_FIELDS, differs, is_same_period, moved_period
from services.goals.rules.periods import Period, PeriodDefinition, PeriodKind, has_whole_days, previous
from services.goals.rules.time_series import TimeSeries, metrics_for_goal
from services.goals.schemas import GoalChange, LeadFilter, NewGoal
from services.goals.store import goals, periods, recounts, time_series
from services.goals.store.locks import lock_counters_exclusively
from services.goals.use_cases.progress import publish_goal, withdraw_achievement
from services.goals.use_cases.reports import HasRead, close_ended_periods_of, close_period
from services.goals.use_cases.views import views_of
from shared.db import Row, UnitOfWork
from shared.errors import Invalid, NotFound, Transient
from shared.http.preconditions import check_if_match
from shared.ids import uuid7


async def create_goal(work: UnitOfWork, tenant: str, actor: str, body: NewGoal) -> dict[str, Any]:
    """Create a goal: its value is counted from the leads at once, its running period is opened, and the period before
    is reported."""
    goal: dict[str, Any] = {
        "tenant_id": tenant,
        "goal_id": uuid7(),
        "name": body.name,
        "metric": body.metric,
        "target": body.target,
        "period": body.period,
        "starts_on": body.from_,
        "ends_on": body.to,
        "timezone": zone_name(body.timezone),
        "filter": _filter_of(body.filter),
        "working_days": body.working_days,
        "active": True,
        "created_on": work.now,
        "created_by": actor,
    }
    _check_ends(goal["period"], body)
    period = _period_at(goal, work.now)
    await lock_counters_exclusively(work, tenant)
    goal["series_id"] = await _series_id_of(work, goal, period)
    await goals.add_goal(work, goal)
    await periods.open_period(work, tenant, goal["goal_id"], goal["series_id"], period)
    if body.period != "custom":
        await _report_period(work, goal, previous(body.period, period, zone(goal["timezone"])))
    await publish_goal(work, tenant, goal["goal_id"])
    return await show_goal(work, tenant, goal["goal_id"])


async def change_goal(
    work: UnitOfWork,
    tenant: str,
    goal_id: UUID,
    body: GoalChange,
    if_match: str | None,
    every: timedelta,
    has_read: HasRead,
) -> dict[str, Any]:
    """Change the fields that the body names; the reports stay, and are restated by what they counted.

    A period that has ended and is not closed yet is closed first, as the goal was defined until now. The worker
    publishes the new progress, once the last was published `every` ago. Raises Transient while that period has events
    that are not counted yet.
    """
    await _check_counted(work, tenant, goal_id, body, has_read)
    await lock_counters_exclusively(work, tenant)
    row = await goals.find_goal(work, tenant, goal_id, lock=True)
    if row is None:
        raise NotFound("no such goal")
    check_if_match(if_match, row["version"])
    goal = _changed(row, body)
    if differs(row, goal, REPORTED_FIELDS):
        await close_ended_periods_of(work, row, every)
    if differs(row, goal):
        running = await periods.running_period(work, tenant, goal_id)
        moved = moved_period(row, goal, running) if running is not None else None
        period = moved or _period_at(goal, work.now)
        goal["series_id"] = await _series_id_of(work, goal, period)
        await _replace_running_period(work, row, goal, running, period)
    await goals.change_goal(work, goal)
    if goal["target"] > row["target"]:
        await withdraw_achievement(work, tenant, goal_id, goal["target"])
    await time_series.queue_changed(work, [(tenant, goal["series_id"])])
    return await show_goal(work, tenant, goal_id)


async def _check_counted(work: UnitOfWork, tenant: str, goal_id: UUID, body: GoalChange, has_read: HasRead) -> None:
    """Raises Transient where the change would close a period whose events are not counted yet: the worker, which has
    more patience than a request, closes it soon. Nothing is locked while the broker is asked."""
    row = await goals.find_goal(work, tenant, goal_id)
    if row is None or not differs(row, _changed(row, body), REPORTED_FIELDS):
        return
    ended = await periods.oldest_ended_period(work, tenant, goal_id, lock=False)
    if ended is None:
        return
    # The periods after it that have ended too are closed with it, up to the one that runs now.
    until = ended["period_end"] if row["period"] == "custom" else _period_at(row, work.now).start
    if not await has_read(until):
        raise Transient("the period that has ended has events that are not counted yet; try again when it is reported")


def _changed(row: Row, body: GoalChange) -> dict[str, Any]:
    """The goal with the fields that the body names."""
    goal, named = dict(row), body.model_fields_set
    goal |= {name: getattr(body, name) for name in ("name", "metric", "target", "period", "active") if name in named}
    if "working_days" in named:
        goal["working_days"] = body.working_days
    if "timezone" in named:
        goal["timezone"] = zone_name(body.timezone)
    if "filter" in named:
        goal["filter"] = _filter_of(body.filter)
    _check_ends(goal["period"], body)
    goal["starts_on"] = (body.from_ if "from_" in named else goal["starts_on"]) if goal["period"] == "custom" else None
    goal["ends_on"] = (body.to if "to" in named else goal["ends_on"]) if goal["period"] == "custom" else None
    return goal


async def _replace_running_period(
    work: UnitOfWork, before: Row, goal: Mapping[str, Any], running: Row | None, period: Period
) -> None:
    """Let the running period count what the changed goal counts, or put `period` in its place where the ends moved."""
    tenant, goal_id, series_id = goal["tenant_id"], goal["goal_id"], goal["series_id"]
    if running is None and goal["period"] == "custom" and not differs(before, goal, PERIOD_FIELDS):
        return  # these days are reported already
    same = running is not None and is_same_period(before, goal, running, period)
    if running is not None and (running["period_start"], running["period_end"]) == (period.start, period.end):
        await periods.change_series(work, tenant, running["period_id"], series_id, reset=not same)
        return
    kept: dict[str, Any] = {"published_on": await periods.last_published(work, tenant, goal_id)}
    if running is not None:
        await periods.delete_open_period(work, tenant, running["period_id"])
        kept |= {name: running[name] for name in ("published_value", "achieved_on") if same}
    await periods.open_period(work, tenant, goal_id, series_id, period, **kept)


async def show_goal(work: UnitOfWork, tenant: str, goal_id: UUID) -> dict[str, Any]:
    """One goal with its progress and what is missing to its target."""
    row = await goals.find_goal(work, tenant, goal_id)
    if row is None:
        raise NotFound("no such goal")
    return (await views_of(work, tenant, [row], with_missing=True))[0]


async def list_goals(work: UnitOfWork, tenant: str, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    return await views_of(work, tenant, await goals.list_goals(work, tenant, after=after, limit=limit))


async def recount(work: UnitOfWork, tenant: str, goal_id: UUID) -> dict[str, Any]:
    """Count a goal from the records of leads and compare it with its counters; counters that differ are replaced."""
    await lock_counters_exclusively(work, tenant)
    row = await goals.find_goal(work, tenant, goal_id)
    if row is None:
        raise NotFound("no such goal")
    period, wanted = _period_at(row, work.now), normalise_filter(row["filter"])
    of_goal = [
        series
        for series in (await time_series.series_of(work, [tenant]))[tenant]
        if series.series_id == row["series_id"]
        or (series.metric in REACHED_METRICS and (series.timezone, series.filter) == (row["timezone"], wanted))
    ]
    ids = [series.series_id for series in of_goal]
    live = await time_series.days_of(work, tenant, ids, date.min, date.max)
    recounted = await recounts.count_days(work, of_goal)
    wrong = [series for series in of_goal if live[series.series_id] != recounted[series.series_id]]
    for series in wrong:
        await time_series.replace_days(work, series, recounted[series.series_id])
        await time_series.queue_changed(work, [(tenant, series.series_id)])
    live_value, value = (_sum_over(days[row["series_id"]], period) for days in (live, recounted))
    return {
        "goal_id": goal_id,
        "live_value": live_value,
        "current_value": value,
        "equal": not wrong,
        "period_start": period.start,
        "period_end": period.end,
        "recounted_on": work.now,
    }


def _sum_over(days: Mapping[date, int], period: Period) -> int:
    return sum(number for day, number in days.items() if period.first <= day <= period.last)


def _period_at(goal: Mapping[str, Any] | Row, now: datetime) -> Period:
    definition = PeriodDefinition(goal["period"], goal["starts_on"], goal["ends_on"])
    try:
        return definition.period_at(now, zone(goal["timezone"]))
    except InvalidRange as error:
        raise _refusal(error) from None


def _check_ends(kind: PeriodKind, body: NewGoal | GoalChange) -> None:
    """Refuse a `from` or `to` that has not the form of a date, or that is given for another than a custom period."""
    for field, text in (("from", body.from_), ("to", body.to)):
        if text is None:
            continue
        try:
            if kind != "custom":
                raise InvalidRange(field, f"{field} belongs to a custom period; the period of this goal is a {kind}")
            check_form(field, text)
        except InvalidRange as error:
            raise _refusal(error) from None


def _refusal(error: InvalidRange) -> Invalid:
    return Invalid(str(error), [{"field": error.field, "message": str(error)}])


def _filter_of(body: LeadFilter | None) -> dict[str, Any]:
    return body.model_dump(exclude_none=True) if body else {}


async def _series_id_of(work: UnitOfWork, goal: Mapping[str, Any], period: Period) -> UUID:
    """The id of a goal's series. What of it and of the funnel is not there yet is created and counted from the leads.

    The caller holds the exclusive lock of the tenant's counters.
    """
    tenant, wanted = goal["tenant_id"], normalise_filter(goal["filter"])
    window = None
    if goal["period"] == "custom" and not has_whole_days(period, zone(goal["timezone"])):
        window = (period.start, period.end)
    known = {series.definition: series for series in (await time_series.series_of(work, [tenant])).get(tenant, [])}
    ids, missing = [], []
    for metric in metrics_for_goal(goal["metric"]):
        start, end = window if window and metric == goal["metric"] else (None, None)
        series = TimeSeries(uuid7(), tenant, metric, goal["timezone"], wanted, start, end)
        if series.definition not in known:
            missing.append(series)
        ids.append(known.setdefault(series.definition, series).series_id)
    counted = await recounts.count_days(work, missing)
    for series in missing:
        await time_series.add_series(work, series)
        await time_series.replace_days(work, series, counted[series.series_id])
    return ids[0]


async def _report_period(work: UnitOfWork, goal: Mapping[str, Any], period: Period) -> None:
    """Open and close a past period of a new goal, without publishing it."""
    period_id = await periods.open_period(work, goal["tenant_id"], goal["goal_id"], goal["series_id"], period)
    row = await periods.lock_open_period(work, goal["tenant_id"], period_id) if period_id else None
    if row is not None:
        await close_period(work, goal, row, publish=False)
