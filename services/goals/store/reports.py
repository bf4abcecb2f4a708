"""Reports: closed periods, with the rows that they counted."""

from datetime import datetime
from uuid import UUID

from services.goals.rules.time_series import TimeSeries
from services.goals.store.periods import PERIOD
from services.goals.store.recounts import counted_rows
from shared.db import Row, UnitOfWork


async def store_report_rows(
    work: UnitOfWork, series: TimeSeries, period_id: UUID, start: datetime, end: datetime
) -> int:
    """Store the rows that a period counts now, in one statement; how many there are."""
    rows_sql, parameters = counted_rows(series.metric, series.filter, series.tenant)
    return await work.run(
        f"""
        INSERT INTO report_row (tenant_id, period_id, n, lead_id, counted_on, created_on, source, campaign, owner,
                                stage, status)
        SELECT l.tenant_id, :period, row_number() OVER (ORDER BY c.at, l.lead_id), l.lead_id, c.at, l.counted_on,
               l.source, l.campaign, l.counted_owner, l.stage, l.status
        {rows_sql} AND c.at >= :start AND c.at < :end
        """,
        period=period_id,
        start=start,
        end=end,
        **parameters,
    )


async def close_period(
    work: UnitOfWork,
    tenant: str,
    period_id: UUID,
    *,
    value: int,
    target: int,
    achieved_on: datetime | None,
    published_on: datetime | None,
) -> None:
    """Close an open period now, with what its report says; the database refuses any later change."""
    await work.run(
        """
        UPDATE period SET closed_on = :now, value = :value, target = :target, achieved_on = :achieved_on,
            told_value = :value, told_on = :published_on
        WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL
        """,
        tenant=tenant,
        period=period_id,
        now=work.now,
        value=value,
        target=target,
        achieved_on=achieved_on,
        published_on=published_on,
    )


async def list_reports(
    work: UnitOfWork, tenant: str, goal_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """The reports of a goal, newest first; with `before` (period start, report id) those after it in this order."""
    start, period = before or (work.now, UUID(int=0))
    return list(
        await work.fetch(
            f"""
            SELECT {PERIOD} FROM period p WHERE tenant_id = :tenant AND goal_id = :goal AND closed_on IS NOT NULL
                AND (NOT :paged OR (period_start, period_id) < (CAST(:start AS timestamptz), CAST(:period AS uuid)))
            ORDER BY period_start DESC, period_id DESC LIMIT :limit
            """,
            tenant=tenant,
            goal=goal_id,
            paged=before is not None,
            start=start,
            period=period,
            limit=limit,
        )
    )


async def find_report(work: UnitOfWork, tenant: str, goal_id: UUID, report_id: UUID) -> Row | None:
    return await work.fetch_one(
        f"""
        SELECT {PERIOD} FROM period p
        WHERE tenant_id = :tenant AND goal_id = :goal AND period_id = :period AND closed_on IS NOT NULL
        """,
        tenant=tenant,
        goal=goal_id,
        period=report_id,
    )


async def report_rows(work: UnitOfWork, tenant: str, report_id: UUID, *, after: int, limit: int) -> list[Row]:
    """The rows that a report counted, in order of their number `n`, after that number."""
    return list(
        await work.fetch(
            """
            SELECT * FROM report_row WHERE tenant_id = :tenant AND period_id = :period AND n > :after
            ORDER BY n LIMIT :limit
            """,
            tenant=tenant,
            period=report_id,
            after=after,
            limit=limit,
        )
    )
