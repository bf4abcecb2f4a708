"""Time series and their counters: changed by differences, read as sums.

Each process adds to one slot of a counter, so that replicas do not wait for each other at the row of today. A slot may
hold a negative number; the value is the sum over the slots.
"""

import json
import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from uuid import UUID

from services.goals.rules.filters import normalise_filter
from services.goals.rules.time_series import TimeSeries
from services.goals.tables import ChangedSeriesRow, SeriesDayRow
from shared.db import UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

SLOT = random.randrange(8)
"""The slot of this process. Two processes with the same one are correct, and merely slower."""

_DAY = column_types(SeriesDayRow)
_ADD_DAYS = f"""
    {insert_rows(SeriesDayRow)}
    ON CONFLICT (tenant_id, series_id, day, slot) DO UPDATE SET value = series_day.value + excluded.value
"""
_CHANGED = ("tenant_id", "series_id")


async def series_of(work: UnitOfWork, tenants: Collection[str]) -> dict[str, list[TimeSeries]]:
    """The time series of each tenant that has any."""
    found: defaultdict[str, list[TimeSeries]] = defaultdict(list)
    rows = await work.fetch(
        "SELECT * FROM series WHERE tenant_id = ANY(CAST(:tenants AS text[]))", tenants=list(tenants)
    )
    for row in rows:
        found[row["tenant_id"]].append(
            TimeSeries(
                row["series_id"],
                row["tenant_id"],
                row["metric"],
                row["timezone"],
                normalise_filter(row["filter"]),
                row["counts_from"],
                row["counts_until"],
            )
        )
    return found


async def add_series(work: UnitOfWork, series: TimeSeries) -> None:
    """Store a new series; a unique violation where one with the same definition exists."""
    window = [instant.isoformat() if instant else None for instant in (series.start, series.end)]
    await work.run(
        """
        INSERT INTO series (tenant_id, series_id, metric, timezone, filter, counts_from, counts_until, asked)
        VALUES (:tenant, :series, :metric, :timezone, :filter, :start, :end, :asked)
        """,
        tenant=series.tenant,
        series=series.series_id,
        metric=series.metric,
        timezone=series.timezone,
        filter={field: list(values) for field, values in series.filter},
        start=series.start,
        end=series.end,
        asked=sha256(json.dumps([series.filter, window]).encode()).hexdigest(),
    )


async def add_to_days(work: UnitOfWork, changes: Mapping[tuple[str, UUID, date], int]) -> None:
    """Add to the counters of days: {(tenant, series id, day): change}."""
    if changes:
        await work.run(_ADD_DAYS, **by_column(_DAY, [(*key, SLOT, changes[key]) for key in sorted(changes)]))


async def replace_days(work: UnitOfWork, series: TimeSeries, days: Mapping[date, int]) -> None:
    """Replace the counters of a series. The caller holds the exclusive lock of the tenant's counters."""
    await work.run(
        "DELETE FROM series_day WHERE tenant_id = :tenant AND series_id = :series",
        tenant=series.tenant,
        series=series.series_id,
    )
    await add_to_days(work, {(series.tenant, series.series_id, day): number for day, number in days.items() if number})


async def sums(work: UnitOfWork, tenant: str, ranges: Sequence[tuple[UUID, date, date]]) -> list[int]:
    """The live value of each (series id, first day, last day)."""
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
        series=[series_id for series_id, _, _ in ranges],
        firsts=[first for _, first, _ in ranges],
        lasts=[last for _, _, last in ranges],
    )
    return [int(row["value"]) for row in rows]


async def days_of(
    work: UnitOfWork, tenant: str, series_ids: Collection[UUID], first: date, last: date
) -> dict[UUID, dict[date, int]]:
    """The live value of each day of these series; days with zero are left out."""
    found: dict[UUID, dict[date, int]] = {series_id: {} for series_id in series_ids}
    rows = await work.fetch(
        """
        SELECT series_id, day, sum(value) AS value FROM series_day
        WHERE tenant_id = :tenant AND series_id = ANY(CAST(:series AS uuid[])) AND day BETWEEN :first AND :last
        GROUP BY series_id, day HAVING sum(value) <> 0
        """,
        tenant=tenant,
        series=list(series_ids),
        first=first,
        last=last,
    )
    for row in rows:
        found[row["series_id"]][row["day"]] = int(row["value"])
    return found


async def queue_changed(work: UnitOfWork, series: Iterable[tuple[str, UUID]]) -> None:
    """Queue these (tenant, series id) for the worker that publishes progress."""
    if changed := sorted(set(series)):
        await work.run(insert_rows(ChangedSeriesRow, _CHANGED), **by_column(_CHANGED, changed))
