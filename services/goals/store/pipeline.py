"""What the pipeline report reads: counters by stage, day and quarter of an hour; its cost does not grow with leads."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import RowMapping

from services.goals.store.counters import DAY, QUARTER, bucket
from shared.db import UnitOfWork


def rounded(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The range of whole quarters of an hour that holds [start, end)."""
    first, last = bucket(start, QUARTER), bucket(end, QUARTER)
    if last < end.timestamp():
        last += QUARTER
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


async def standing(work: UnitOfWork, tenant: str) -> dict[str, int]:
    """How many leads stand in each stage now."""
    rows = await work.fetch(
        "SELECT stage, sum(value) AS value FROM standing WHERE tenant_id = :tenant GROUP BY stage", tenant=tenant
    )
    return {row["stage"]: int(row["value"]) for row in rows}


async def moves(work: UnitOfWork, tenant: str, start: datetime, end: datetime) -> list[RowMapping]:
    """How many moves in a range of whole quarters, by from_stage, to_stage and length of the stay.

    Whole days come from the daily buckets, the rest at both ends from those of a quarter of an hour.
    """
    day_first = bucket(start, DAY) + (DAY if bucket(start, DAY) < start.timestamp() else 0)
    day_last = bucket(end, DAY)
    first, last = int(start.timestamp()), int(end.timestamp())
    if day_first < day_last:
        spans = [(QUARTER, first, day_first), (DAY, day_first, day_last), (QUARTER, day_last, last)]
    else:
        spans = [(QUARTER, first, last)]
    return list(
        await work.fetch(
            """
            SELECT t.from_stage, t.to_stage, t.stay, sum(t.value) AS number
            FROM unnest(CAST(:spans AS integer[]), CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[]))
                 AS w (span, first, last)
            CROSS JOIN LATERAL (
                SELECT from_stage, to_stage, stay, value FROM tally
                WHERE tenant_id = :tenant AND span = w.span
                    AND at >= to_timestamp(w.first) AND at < to_timestamp(w.last)
            ) AS t
            GROUP BY 1, 2, 3 HAVING sum(t.value) <> 0
            """,
            tenant=tenant,
            spans=[span for span, _, _ in spans],
            firsts=[begin for _, begin, _ in spans],
            lasts=[until for _, _, until in spans],
        )
    )


async def exact_medians(
    work: UnitOfWork, tenant: str, stages: Collection[str], start: datetime, end: datetime
) -> dict[str, float]:
    """The median stay in seconds of those who left these stages in the range, from the rows: for few rows only."""
    rows = await work.fetch(
        """
        SELECT w.stage, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) AS median
        FROM unnest(CAST(:stages AS text[])) AS w (stage)
        JOIN step s ON s.tenant_id = :tenant AND s.moved_from = w.stage AND s.seconds IS NOT NULL
            AND s.occurred_at >= :start AND s.occurred_at < :end
        JOIN lead l ON l.tenant_id = s.tenant_id AND l.lead_id = s.lead_id AND l.counts
        GROUP BY w.stage
        """,
        tenant=tenant,
        stages=list(stages),
        start=start,
        end=end,
    )
    return {row["stage"]: float(row["median"]) for row in rows}
