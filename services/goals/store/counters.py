"""Counters: changed by differences, read as sums, recounted from the lead rows.

Each process adds to a slot of its own, so that replicas do not wait for each other at the row of today's counter. A
slot may hold a negative number; only the sum means something.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.goals.rules.leads import METRICS, REACHED
from services.goals.rules.ledger import StandCount
from services.goals.rules.path import Move
from services.goals.rules.periods import day_of, zone
from services.goals.rules.series import Filter, Series, filter_of
from shared.db import UnitOfWork

SLOT = random.randrange(8)
"""This process's slot. Two processes with the same one are merely slower."""

DAY, QUARTER = 86_400, 900
"""The buckets of the pipeline's moves, in seconds. Every time zone's days begin at a quarter of an hour."""

_OWN_COLUMN = {"source": "source", "campaign": "campaign", "owner": "counted_owner"}
_INSTANT = {
    "qualified_created": ("counted_on", "l.status = 'qualified'"),
    "first_qualified": ("first_qualified_on", "l.first_qualified_on IS NOT NULL"),
    "won": ("won_on", "l.won_on IS NOT NULL"),
    **{name: ("counted_on", f"l.reached >= {index}") for index, name in enumerate(REACHED)},
}


async def series_of(work: UnitOfWork, tenants: Collection[str]) -> dict[str, list[Series]]:
    """What is counted for each tenant."""
    found: defaultdict[str, list[Series]] = defaultdict(list)
    rows = await work.fetch(
        "SELECT * FROM series WHERE tenant_id = ANY(CAST(:tenants AS text[]))", tenants=list(tenants)
    )
    for row in rows:
        found[row["tenant_id"]].append(
            Series(
                row["series_id"],
                row["tenant_id"],
                row["metric"],
                row["timezone"],
                filter_of(row["filter"]),
                row["counts_from"],
                row["counts_until"],
            )
        )
    return found


async def add_days(work: UnitOfWork, differences: Mapping[tuple[str, UUID, date], int]) -> None:
    """Add to the counters of series: {(tenant, series, day): difference}."""
    keys = sorted(differences)
    if keys:
        await work.run(
            """
            INSERT INTO series_day AS d (tenant_id, series_id, day, slot, value)
            SELECT tenant_id, series_id, day, :slot, value
            FROM unnest(CAST(:tenants AS text[]), CAST(:series AS uuid[]), CAST(:days AS date[]),
                        CAST(:values AS integer[])) AS n (tenant_id, series_id, day, value)
            ON CONFLICT (tenant_id, series_id, day, slot) DO UPDATE SET value = d.value + excluded.value
            """,
            slot=SLOT,
            tenants=[tenant for tenant, _, _ in keys],
            series=[series for _, series, _ in keys],
            days=[day for _, _, day in keys],
            values=[differences[key] for key in keys],
        )


async def touch(work: UnitOfWork, series: Iterable[tuple[str, UUID]]) -> None:
    """Leave a note that these series changed, for the worker that tells of progress."""
    changed = sorted(set(series))
    if changed:
        await work.run(
            """
            INSERT INTO touched (tenant_id, series_id)
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:series AS uuid[]))
            """,
            tenants=[tenant for tenant, _ in changed],
            series=[series_id for _, series_id in changed],
        )


async def add_standing(work: UnitOfWork, differences: Mapping[StandCount, int]) -> None:
    keys = sorted(differences)
    if keys:
        await work.run(
            """
            INSERT INTO standing AS s (tenant_id, stage, slot, value)
            SELECT tenant_id, stage, :slot, value
            FROM unnest(CAST(:tenants AS text[]), CAST(:stages AS text[]), CAST(:values AS integer[]))
                 AS n (tenant_id, stage, value)
            ON CONFLICT (tenant_id, stage, slot) DO UPDATE SET value = s.value + excluded.value
            """,
            slot=SLOT,
            tenants=[tenant for tenant, _ in keys],
            stages=[stage for _, stage in keys],
            values=[differences[key] for key in keys],
        )


async def add_moves(work: UnitOfWork, differences: Mapping[tuple[str, Move], int]) -> None:
    """Add moves to the buckets of their day and of their quarter of an hour."""
    buckets: Counter[tuple[str, int, int, str, str, int]] = Counter()
    for (tenant, move), number in differences.items():
        second = int(move.at.timestamp())
        for span in (DAY, QUARTER):
            buckets[tenant, span, second - second % span, move.from_stage, move.to_stage, move.stay] += number
    keys = sorted(key for key, number in buckets.items() if number)
    if keys:
        await work.run(
            """
            INSERT INTO tally AS t (tenant_id, span, at, from_stage, to_stage, stay, slot, value)
            SELECT tenant_id, span, to_timestamp(at), from_stage, to_stage, stay, :slot, value
            FROM unnest(CAST(:tenants AS text[]), CAST(:spans AS integer[]), CAST(:at AS bigint[]),
                        CAST(:froms AS text[]), CAST(:tos AS text[]), CAST(:stays AS smallint[]),
                        CAST(:values AS integer[])) AS n (tenant_id, span, at, from_stage, to_stage, stay, value)
            ON CONFLICT (tenant_id, span, at, from_stage, to_stage, stay, slot)
            DO UPDATE SET value = t.value + excluded.value
            """,
            slot=SLOT,
            tenants=[key[0] for key in keys],
            spans=[key[1] for key in keys],
            at=[key[2] for key in keys],
            froms=[key[3] for key in keys],
            tos=[key[4] for key in keys],
            stays=[key[5] for key in keys],
            values=[buckets[key] for key in keys],
        )


async def sums(work: UnitOfWork, wanted: Sequence[tuple[UUID, date, date]], tenant: str) -> list[int]:
    """The live value of each (series, first day, last day)."""
    rows = await work.fetch(
        """
        SELECT w.n, coalesce(sum(d.value), 0) AS value
        FROM unnest(CAST(:series AS uuid[]), CAST(:firsts AS date[]), CAST(:lasts AS date[]))
             WITH ORDINALITY AS w (series_id, first, last, n)
        LEFT JOIN series_day d
            ON d.tenant_id = :tenant AND d.series_id = w.series_id AND d.day BETWEEN w.first AND w.last
        GROUP BY w.n ORDER BY w.n
        """,
        tenant=tenant,
        series=[series for series, _, _ in wanted],
        firsts=[first for _, first, _ in wanted],
        lasts=[last for _, _, last in wanted],
    )
    return [int(row["value"]) for row in rows]


async def days_of(
    work: UnitOfWork, tenant: str, series: Collection[UUID], first: date, last: date
) -> dict[UUID, dict[date, int]]:
    """The live counters of these series, day by day; days of nothing are left out."""
    found: dict[UUID, dict[date, int]] = {series_id: {} for series_id in series}
    rows = await work.fetch(
        """
        SELECT series_id, day, sum(value) AS value FROM series_day
        WHERE tenant_id = :tenant AND series_id = ANY(CAST(:series AS uuid[])) AND day BETWEEN :first AND :last
        GROUP BY series_id, day HAVING sum(value) <> 0
        """,
        tenant=tenant,
        series=list(series),
        first=first,
        last=last,
    )
    for row in rows:
        found[row["series_id"]][row["day"]] = int(row["value"])
    return found


def counted_rows(metric: str, wanted: Filter, tenant: str) -> tuple[str, dict[str, Any]]:
    """The SQL of all that a metric counts: FROM and WHERE with the instant as `at`, and its parameters.

    The same rows that `rules.leads.counted` counts, seen from the database.
    """
    if metric == "meetings_held":
        source, condition = "lead l CROSS JOIN LATERAL unnest(l.held_on) AS c (at)", "true"
    else:
        column, condition = _INSTANT[metric]
        source = f"lead l CROSS JOIN LATERAL (SELECT l.{column}) AS c (at)"
    clauses = ["l.tenant_id = :tenant", "l.counts", condition]
    parameters: dict[str, Any] = {"tenant": tenant}
    for field, values in wanted:
        clauses.append(f"l.{_OWN_COLUMN[field]} = ANY(CAST(:{field} AS text[]))")
        parameters[field] = list(values)
    return f"FROM {source} WHERE {' AND '.join(clauses)}", parameters


async def recount(work: UnitOfWork, wanted: Iterable[Series]) -> dict[UUID, Counter[date]]:
    """These series of one tenant counted anew from the lead rows, day by day."""
    found: dict[UUID, Counter[date]] = {}
    beside: defaultdict[tuple[Filter, str], list[Series]] = defaultdict(list)
    for series in wanted:
        if series.metric in REACHED:
            beside[series.filter, series.timezone].append(series)
            continue
        rows_sql, parameters = counted_rows(series.metric, series.filter, series.tenant)
        for name, clause, moment in (("start", "c.at >= :start", series.start), ("end", "c.at < :end", series.end)):
            if moment is not None:
                rows_sql += f" AND {clause}"
                parameters[name] = moment
        rows = await work.fetch(f"SELECT {_QUARTER} AS at, count(*) AS number {rows_sql} GROUP BY 1", **parameters)
        found[series.series_id] = _by_day(((row["at"], row["number"]) for row in rows), series.timezone)
    for (asked, timezone), steps in beside.items():
        # All steps in one look at the rows: who reached a step has reached those before it.
        rows_sql, parameters = counted_rows(REACHED[0], asked, steps[0].tenant)
        rows = await work.fetch(
            f"SELECT {_QUARTER} AS at, l.reached, count(*) AS number {rows_sql} GROUP BY 1, 2", **parameters
        )
        for series in steps:
            least = REACHED.index(series.metric)
            found[series.series_id] = _by_day(
                ((row["at"], row["number"]) for row in rows if row["reached"] >= least), timezone
            )
    return found


# Counted by the quarter of an hour here and put to local days there, since only one of the two may know the time zones.
# Before 1975 some zones were off the quarter.
_QUARTER = """CASE WHEN c.at < TIMESTAMPTZ '1975-01-01 00:00+00' THEN c.at
                   ELSE date_bin('15 minutes', c.at, TIMESTAMPTZ '2000-01-01 00:00+00') END"""


def _by_day(counts: Iterable[tuple[datetime, int]], timezone: str) -> Counter[date]:
    where, found = zone(timezone), Counter[date]()
    for at, number in counts:
        found[day_of(at, where)] += number
    return found


async def rewrite(work: UnitOfWork, series: Series, days: Mapping[date, int]) -> None:
    """Replace the counters of a series. Only while nobody else counts for the tenant."""
    await work.run(
        "DELETE FROM series_day WHERE tenant_id = :tenant AND series_id = :series",
        tenant=series.tenant,
        series=series.series_id,
    )
    await add_days(work, {(series.tenant, series.series_id, day): number for day, number in days.items() if number})


async def add_series(work: UnitOfWork, series: Series) -> None:
    """A series that is not there yet. `asked` is filter and window in one form, so that no two ask the same."""
    window = [moment.isoformat() if moment else None for moment in (series.start, series.end)]
    await work.run(
        """
        INSERT INTO series (tenant_id, series_id, metric, timezone, filter, counts_from, counts_until, asked)
        VALUES (:tenant, :series, :metric, :timezone, CAST(:filter AS jsonb), :start, :end, :asked)
        """,
        tenant=series.tenant,
        series=series.series_id,
        metric=series.metric,
        timezone=series.timezone,
        filter={field: list(values) for field, values in series.filter},
        start=series.start,
        end=series.end,
        asked=json.dumps([series.filter, window]),
    )


def tells(metric: str) -> bool:
    """Whether goals tell of this metric (or it is only counted beside)."""
    return metric in METRICS


def bucket(moment: datetime, span: int) -> int:
    """The start of the bucket that a moment lies in, as seconds since 1970."""
    second = int(moment.timestamp())
    return second - second % span
