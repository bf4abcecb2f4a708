"""Goals as people see them: where they stand, where they are heading, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.rules import progress
from services.goals.rules.leads import REACHED, STEP_OF_METRIC
from services.goals.rules.missing import WINDOW_DAYS
from services.goals.rules.missing import missing as worked_back
from services.goals.rules.periods import ONE_DAY, Period, day_of, days, working, zone
from services.goals.rules.ranges import Asked
from services.goals.rules.series import filter_of
from services.goals.store import counters, goals
from shared.db import UnitOfWork

HISTORY_DAYS = 56
"""The forecast looks back so many days before the period."""
FALLS = frozenset({"qualified_created"})
"""Metrics that count a state as it is now: their value may fall."""


async def view(
    work: UnitOfWork, tenant: str, rows: Sequence[RowMapping], *, missing: bool = False
) -> list[dict[str, Any]]:
    """The goals with value, pace and forecast; with `missing` also worked backwards to what has to be captured."""
    if not rows:
        return []
    periods = [_period(row, work) for row in rows]
    values = await counters.sums(
        work, [(row["series_id"], p.first, p.last) for row, p in zip(rows, periods, strict=True)], tenant
    )
    first = min(period.first for period in periods) - timedelta(days=HISTORY_DAYS)
    history = await counters.days_of(
        work, tenant, {row["series_id"] for row in rows}, first, max(period.first for period in periods)
    )
    followed = await goals.periods_now(work, tenant, [row["goal_id"] for row in rows])
    views = []
    for row, period, value in zip(rows, periods, values, strict=True):
        shown = _shown(row, period, value, work, history[row["series_id"]])
        known = followed.get((row["goal_id"], period.start, period.end))
        if known is None and row["period"] == "custom":
            known = await goals.custom_period(work, tenant, row["goal_id"])
        shown["achieved_on"] = known["achieved_on"] if known else None
        if missing:
            shown["missing"] = await _missing(work, tenant, row, value)
        views.append(shown)
    return views


def _period(row: RowMapping, work: UnitOfWork) -> Period:
    return Asked(row["period"], row["starts_on"], row["ends_on"]).current(work.now, zone(row["timezone"]))


def _shown(
    row: RowMapping, period: Period, value: int, work: UnitOfWork, history: Mapping[date, int]
) -> dict[str, Any]:
    where, works = zone(row["timezone"]), working(row["working_days"])
    calendar = progress.calendar(period, work.now, where, works)
    past = [
        history.get(day, 0)
        for day in days(period.first - timedelta(days=HISTORY_DAYS), period.first - ONE_DAY)
        if works is None or day.weekday() in works
    ]
    ends = {"from": row["starts_on"], "to": row["ends_on"]} if row["period"] == "custom" else {}
    return {
        "goal_id": row["goal_id"],
        "id": row["goal_id"],
        "name": row["name"],
        "metric": row["metric"],
        "target": row["target"],
        "period": row["period"],
        **ends,
        "timezone": row["timezone"],
        "filter": row["filter"],
        "working_days": row["working_days"],
        "active": row["active"],
        "version": row["version"],
        "created_on": row["created_on"],
        "current_value": value,
        "period_start": period.start.astimezone(where),
        "period_end": period.end.astimezone(where),
        "achieved_on": None,
        "pace": asdict(progress.pace(value, row["target"], calendar)),
        "forecast": asdict(progress.forecast(value, calendar, past, falls=row["metric"] in FALLS)),
    }


async def _missing(work: UnitOfWork, tenant: str, row: RowMapping, value: int) -> dict[str, Any]:
    wanted, today = filter_of(row["filter"]), day_of(work.now, zone(row["timezone"]))
    beside: dict[str, UUID] = {
        series.metric: series.series_id
        for series in (await counters.series_of(work, [tenant])).get(tenant, [])
        if series.metric in REACHED and series.timezone == row["timezone"] and series.filter == wanted
    }
    first = today - timedelta(days=WINDOW_DAYS)
    reached = await counters.sums(work, [(beside[metric], first, today) for metric in REACHED], tenant)
    found = worked_back(value, row["target"], STEP_OF_METRIC[row["metric"]], reached)
    return {**asdict(found), "rates_of_leads_created_since": first}
