"""Counting from the records of leads: the same numbers as the counters, seen from the database.

`rules.metrics.counts_of` says the same about one record in Python; a test compares the two.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.goals.rules.days import day_of, zone
from services.goals.rules.filters import Filter
from services.goals.rules.funnel import REACHED_METRICS
from services.goals.rules.time_series import TimeSeries
from shared.db import UnitOfWork

_DIMENSION_COLUMNS = {"source": "source", "campaign": "campaign", "owner": "counted_owner"}
_INSTANTS = {
    "qualified_created": ("counted_on", "l.status = 'qualified'"),
    "first_qualified": ("first_qualified_on", "l.first_qualified_on IS NOT NULL"),
    "won": ("won_on", "l.won_on IS NOT NULL"),
    **{metric: ("counted_on", f"l.reached >= {step}") for step, metric in enumerate(REACHED_METRICS)},
}
"""The column that says when a lead counts for a metric, and the condition."""

# The database counts by the quarter of an hour and Python assigns those to local days, because the two may know
# different time zone rules. Before 1975 the offset of some zones was not a multiple of a quarter.
_QUARTER = """CASE WHEN c.at < TIMESTAMPTZ '1975-01-01 00:00+00' THEN c.at
                   ELSE date_bin('15 minutes', c.at, TIMESTAMPTZ '2000-01-01 00:00+00') END"""


def counted_rows(metric: str, wanted: Filter, tenant: str) -> tuple[str, dict[str, Any]]:
    """The SQL of all that a metric counts: FROM and WHERE, with the lead as `l` and the instant as `c.at`; and its
    parameters."""
    if metric == "meetings_held":
        source, condition = "lead l CROSS JOIN LATERAL unnest(l.held_on) AS c (at)", "true"
    else:
        column, condition = _INSTANTS[metric]
        source = f"lead l CROSS JOIN LATERAL (SELECT l.{column}) AS c (at)"
    clauses = ["l.tenant_id = :tenant", "l.counts", condition]
    parameters: dict[str, Any] = {"tenant": tenant}
    for field, values in wanted:
        clauses.append(f"l.{_DIMENSION_COLUMNS[field]} = ANY(CAST(:{field} AS text[]))")
        parameters[field] = list(values)
    return f"FROM {source} WHERE {' AND '.join(clauses)}", parameters


async def count_days(work: UnitOfWork, all_series: Iterable[TimeSeries]) -> dict[UUID, Counter[date]]:
    """These series of one tenant, counted from the records of leads, by day."""
    found: dict[UUID, Counter[date]] = {}
    funnels: defaultdict[tuple[Filter, str], list[TimeSeries]] = defaultdict(list)
    for series in all_series:
        if series.metric in REACHED_METRICS:
            funnels[series.filter, series.timezone].append(series)
            continue
        rows_sql, parameters = counted_rows(series.metric, series.filter, series.tenant)
        for name, clause, instant in (("start", "c.at >= :start", series.start), ("end", "c.at < :end", series.end)):
            if instant is not None:
                rows_sql += f" AND {clause}"
                parameters[name] = instant
        rows = await work.fetch(f"SELECT {_QUARTER} AS at, count(*) AS number {rows_sql} GROUP BY 1", **parameters)
        found[series.series_id] = _by_day(((row["at"], row["number"]) for row in rows), series.timezone)
    for (wanted, timezone), of_funnel in funnels.items():
        # One statement for all steps: a lead that reached a step has reached those before it.
        rows_sql, parameters = counted_rows(REACHED_METRICS[0], wanted, of_funnel[0].tenant)
        rows = await work.fetch(
            f"SELECT {_QUARTER} AS at, l.reached, count(*) AS number {rows_sql} GROUP BY 1, 2", **parameters
        )
        for series in of_funnel:
            step = REACHED_METRICS.index(series.metric)
            found[series.series_id] = _by_day(
                ((row["at"], row["number"]) for row in rows if row["reached"] >= step), timezone
            )
    return found


def _by_day(counts: Iterable[tuple[datetime, int]], timezone: str) -> Counter[date]:
    where, found = zone(timezone), Counter[date]()
    for at, number in counts:
        found[day_of(at, where)] += number
    return found
