"""Goals as the API shows them: value, pace, forecast, and what is missing to the target."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.goals.rules.days import ONE_DAY, day_of, days_between, weekday_numbers, zone
from services.goals.rules.filters import normalise_filter
from services.goals.rules.forecast import FALLING_METRICS, LOOKBACK_DAYS, forecast
from services.goals.rules.funnel import REACHED_METRICS, STEP_OF_METRIC, WINDOW_DAYS, shortfall
from services.goals.rules.pace import elapsed_days, pace
from services.goals.rules.periods import Period, PeriodDefinition
from services.goals.store import periods, time_series
from shared.db import Row, UnitOfWork


async def views_of(
    work: UnitOfWork, tenant: str, goals: Sequence[Row], *, with_missing: bool = False
) -> list[dict[str, Any]]:
    """The goals with value, pace and forecast; `with_missing` also with the leads that have to be captured."""
    if not goals:
        return []
    shown = [_period_at(goal, work) for goal in goals]
    values = await time_series.sums(
        work,
        tenant,
        [(goal["series_id"], period.first, period.last) for goal, period in zip(goals, shown, strict=True)],
    )
    first = min(period.first for period in shown) - timedelta(days=LOOKBACK_DAYS)
    history = await time_series.days_of(
        work, tenant, {goal["series_id"] for goal in goals}, first, max(period.first for period in shown)
    )
    current = await periods.current_periods(work, tenant, [goal["goal_id"] for goal in goals])
    views = []
    for goal, period, value in zip(goals, shown, values, strict=True):
        view = _view_of(goal, period, value, work, history[goal["series_id"]])
        stored = current.get((goal["goal_id"], period.start, period.end))
        if stored is None and goal["period"] == "custom":
            stored = await periods.newest_period(work, tenant, goal["goal_id"], goal["series_id"])
        view["achieved_on"] = stored["achieved_on"] if stored else None
        if with_missing:
            view["missing"] = await _missing(work, tenant, goal, value)
        views.append(view)
    return views


def _period_at(goal: Row, work: UnitOfWork) -> Period:
    definition = PeriodDefinition(goal["period"], goal["starts_on"], goal["ends_on"])
    return definition.period_at(work.now, zone(goal["timezone"]))


def _view_of(goal: Row, period: Period, value: int, work: UnitOfWork, history: Mapping[date, int]) -> dict[str, Any]:
    where, weekdays = zone(goal["timezone"]), weekday_numbers(goal["working_days"])
    days = elapsed_days(period, work.now, where, weekdays)
    past = [
        history.get(day, 0)
        for day in days_between(period.first - timedelta(days=LOOKBACK_DAYS), period.first - ONE_DAY)
        if weekdays is None or day.weekday() in weekdays
    ]
    ends = {"from": goal["starts_on"], "to": goal["ends_on"]} if goal["period"] == "custom" else {}
    return {
        "goal_id": goal["goal_id"],
        "id": goal["goal_id"],
        "name": goal["name"],
        "metric": goal["metric"],
        "target": goal["target"],
        "period": goal["period"],
        **ends,
        "timezone": goal["timezone"],
        "filter": goal["filter"],
        "working_days": goal["working_days"],
        "active": goal["active"],
        "version": goal["version"],
        "created_on": goal["created_on"],
        "current_value": value,
        "period_start": period.start.astimezone(where),
        "period_end": period.end.astimezone(where),
        "achieved_on": None,
        "pace": asdict(pace(value, goal["target"], days)),
        "forecast": asdict(forecast(value, days, past, falls=goal["metric"] in FALLING_METRICS)),
    }


async def _missing(work: UnitOfWork, tenant: str, goal: Row, value: int) -> dict[str, Any]:
    """What is missing to the target, by the conversion rates of the goal's filter and time zone."""
    wanted, today = normalise_filter(goal["filter"]), day_of(work.now, zone(goal["timezone"]))
    funnel: dict[str, UUID] = {
        series.metric: series.series_id
        for series in (await time_series.series_of(work, [tenant])).get(tenant, [])
        if series.metric in REACHED_METRICS and series.timezone == goal["timezone"] and series.filter == wanted
    }
    first = today - timedelta(days=WINDOW_DAYS)
    reached = await time_series.sums(work, tenant, [(funnel[metric], first, today) for metric in REACHED_METRICS])
    found = shortfall(value, goal["target"], STEP_OF_METRIC[goal["metric"]], reached)
    return {**asdict(found), "rates_of_leads_created_since": first}
