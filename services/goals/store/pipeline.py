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
    first = bucket(start, DAY) + (DAY if bucket(start, DAY) < start.timestamp() else 0)
    days_from, days_until = (datetime.fromtimestamp(second, UTC) for second in (first, bucket(end, DAY)))
    if days_from >= days_until:
        days_from = days_until = end
    return list(
        await work.fetch(
            f"""
            SELECT from_stage, to_stage, stay, sum(value) AS number
            FROM ({_BUCKETS.format(span=QUARTER, first="start", last="days_from")} UNION ALL
                  {_BUCKETS.format(span=DAY, first="days_from", last="days_until")} UNION ALL
                  {_BUCKETS.format(span=QUARTER, first="days_until", last="end")}) AS t
            GROUP BY 1, 2, 3 HAVING sum(value) <> 0
            """,
            tenant=tenant,
            start=start,
            days_from=days_from,
            days_until=days_until,
            end=end,
        )
    )


_BUCKETS = """
    SELECT from_stage, to_stage, stay, value FROM tally
    WHERE tenant_id = :tenant AND span = {span} AND at >= :{first} AND at < :{last}
"""


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
