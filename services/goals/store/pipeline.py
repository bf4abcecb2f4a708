"""The counters of the pipeline report: leads in each stage, and moves by day and quarter of an hour.

The cost of a report grows with the length of its range, not with the number of leads.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from services.goals.rules.counters import TenantStage
from services.goals.rules.moves import Move
from services.goals.store.time_series import SLOT
from services.goals.tables import MoveCountRow, StageCountRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

DAY, QUARTER = 86_400, 900
"""The spans of the buckets, in seconds. Every time zone's days begin at a quarter of an hour."""

_STAGE_COUNT = column_types(StageCountRow)
_ADD_STAGE_COUNTS = f"""
    {insert_rows(StageCountRow)}
    ON CONFLICT (tenant_id, stage, slot) DO UPDATE SET value = standing.value + excluded.value
"""
_MOVE_COUNT = column_types(MoveCountRow)
_ADD_MOVE_COUNTS = f"""
    {insert_rows(MoveCountRow)}
    ON CONFLICT (tenant_id, span, at, from_stage, to_stage, stay, slot)
    DO UPDATE SET value = tally.value + excluded.value
"""


def bucket_start(instant: datetime, span: int) -> datetime:
    """The start of the bucket that contains an instant."""
    second = int(instant.timestamp())
    return datetime.fromtimestamp(second - second % span, UTC)


def rounded_out(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The range of whole quarters of an hour that contains [start, end)."""
    last = bucket_start(end, QUARTER)
    if last < end:
        last = datetime.fromtimestamp(last.timestamp() + QUARTER, UTC)
    return bucket_start(start, QUARTER), last


async def add_to_stage_counts(work: UnitOfWork, changes: Mapping[TenantStage, int]) -> None:
    if changes:
        rows = [(*key, SLOT, changes[key]) for key in sorted(changes)]
        await work.run(_ADD_STAGE_COUNTS, **by_column(_STAGE_COUNT, rows))


async def add_to_move_counts(work: UnitOfWork, changes: Mapping[tuple[str, Move], int]) -> None:
    """Add to the buckets of the moves' day and quarter of an hour."""
    buckets: Counter[tuple[str, int, datetime, str, str, int]] = Counter()
    for (tenant, move), number in changes.items():
        for span in (DAY, QUARTER):
            at = bucket_start(move.at, span)
            buckets[tenant, span, at, move.from_stage, move.to_stage, move.stay] += number
    if rows := [(*key, SLOT, buckets[key]) for key in sorted(buckets) if buckets[key]]:
        await work.run(_ADD_MOVE_COUNTS, **by_column(_MOVE_COUNT, rows))


async def stage_counts(work: UnitOfWork, tenant: str) -> dict[str, int]:
    """How many leads are in each stage now."""
    rows = await work.fetch(
        "SELECT stage, sum(value) AS value FROM standing WHERE tenant_id = :tenant GROUP BY stage", tenant=tenant
    )
    return {row["stage"]: int(row["value"]) for row in rows}


async def move_counts(work: UnitOfWork, tenant: str, start: datetime, end: datetime) -> list[Row]:
    """How many moves were made in a range of whole quarters: `number` by from_stage, to_stage and stay.

    Whole days are read from the daily buckets, the rest at both ends from those of a quarter of an hour.
    """
    days_from, days_until = bucket_start(start, DAY), bucket_start(end, DAY)
    if days_from < start:
        days_from = datetime.fromtimestamp(days_from.timestamp() + DAY, UTC)
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
    """The median time in stage, in seconds, of leads that left these stages in the range. It reads every transition."""
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
