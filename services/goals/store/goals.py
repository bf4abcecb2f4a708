"""Goals, their periods and reports."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.goals.rules.periods import Period
from services.goals.rules.series import Series
from services.goals.store.counters import counted_rows
from shared.db import UnitOfWork
from shared.ids import uuid7


async def add_goal(work: UnitOfWork, goal: Mapping[str, Any]) -> None:
    await work.run(
        """
        INSERT INTO goal (tenant_id, goal_id, name, metric, target, period, starts_on, ends_on, timezone, filter,
                          working_days, active, series_id, version, created_on, created_by)
        VALUES (:tenant_id, :goal_id, :name, :metric, :target, :period, :starts_on, :ends_on, :timezone,
                CAST(:filter AS jsonb), CAST(:working_days AS text[]), :active, :series_id, 1, :created_on, :created_by)
        """,
        **goal,
    )


async def change_goal(work: UnitOfWork, goal: Mapping[str, Any]) -> None:
    await work.run(
        """
        UPDATE goal SET name = :name, metric = :metric, target = :target, period = :period, starts_on = :starts_on,
            ends_on = :ends_on, timezone = :timezone, filter = CAST(:filter AS jsonb),
            working_days = CAST(:working_days AS text[]), active = :active, series_id = :series_id,
            version = version + 1
        WHERE tenant_id = :tenant_id AND goal_id = :goal_id
        """,
        **{name: goal[name] for name in goal if name not in ("version", "created_on", "created_by")},
    )


async def goal(work: UnitOfWork, tenant: str, goal_id: UUID, *, lock: bool = False) -> RowMapping | None:
    return await work.fetch_one(
        f"SELECT * FROM goal WHERE tenant_id = :tenant AND goal_id = :goal {'FOR UPDATE' if lock else ''}",
        tenant=tenant,
        goal=goal_id,
    )


async def goals(work: UnitOfWork, tenant: str, *, after: UUID | None, limit: int) -> list[RowMapping]:
    """Goals in the order of their making."""
    return list(
        await work.fetch(
            """
            SELECT * FROM goal WHERE tenant_id = :tenant AND goal_id > :after ORDER BY goal_id LIMIT :limit
            """,
            tenant=tenant,
            after=after or UUID(int=0),
            limit=limit,
        )
    )


async def open_period(
    work: UnitOfWork,
    tenant: str,
    goal_id: UUID,
    series_id: UUID,
    period: Period,
    *,
    told_value: int | None = 0,
    told_on: datetime | None = None,
    achieved_on: datetime | None = None,
) -> UUID | None:
    """Begin a period; None when it exists already. `told_on`: when progress of the goal was last told, in whichever
    period, so that it is not told too often."""
    row = await work.fetch_one(
        """
        INSERT INTO period (tenant_id, period_id, goal_id, series_id, first_day, last_day, period_start, period_end,
                            told_value, told_on, achieved_on)
        VALUES (:tenant, :period, :goal, :series, :first, :last, :start, :end, :told_value, :told_on, :achieved_on)
        ON CONFLICT (tenant_id, goal_id, period_start, period_end) DO NOTHING
        RETURNING period_id
        """,
        tenant=tenant,
        period=uuid7(),
        goal=goal_id,
        series=series_id,
        first=period.first,
        last=period.last,
        start=period.start,
        end=period.end,
        told_value=told_value,
        told_on=told_on,
        achieved_on=achieved_on,
    )
    return row["period_id"] if row else None


async def running(work: UnitOfWork, tenant: str, goal_id: UUID) -> RowMapping | None:
    """The period of a goal that is open and not over, locked. There is one at most."""
    return await work.fetch_one(
        """
        SELECT * FROM period
        WHERE tenant_id = :tenant AND goal_id = :goal AND closed_on IS NULL AND period_end > :now FOR UPDATE
        """,
        tenant=tenant,
        goal=goal_id,
        now=work.now,
    )


async def ended(work: UnitOfWork, tenant: str, goal_id: UUID) -> RowMapping | None:
    """The oldest period of a goal that is over and not closed, locked."""
    return await work.fetch_one(
        """
        SELECT * FROM period
        WHERE tenant_id = :tenant AND goal_id = :goal AND closed_on IS NULL AND period_end <= :now
        ORDER BY period_end LIMIT 1 FOR UPDATE
        """,
        tenant=tenant,
        goal=goal_id,
        now=work.now,
    )


async def last_told(work: UnitOfWork, tenant: str, goal_id: UUID) -> datetime | None:
    """When progress of a goal was last told."""
    row = await work.fetch_one(
        "SELECT max(told_on) AS told_on FROM period WHERE tenant_id = :tenant AND goal_id = :goal",
        tenant=tenant,
        goal=goal_id,
    )
    return row["told_on"] if row else None


async def recast(work: UnitOfWork, tenant: str, period_id: UUID, series_id: UUID, *, anew: bool) -> None:
    """An open period counts another series; `anew`: nothing was told of that yet, and it was not achieved."""
    await work.run(
        """
        UPDATE period SET series_id = :series, told_value = CASE WHEN :anew THEN NULL ELSE told_value END,
            achieved_on = CASE WHEN :anew THEN NULL ELSE achieved_on END
        WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL
        """,
        tenant=tenant,
        period=period_id,
        series=series_id,
        anew=anew,
    )


async def drop_period(work: UnitOfWork, tenant: str, period_id: UUID) -> None:
    """Nobody asks for this open period any more."""
    await work.run(
        "DELETE FROM period WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL",
        tenant=tenant,
        period=period_id,
    )


async def periods_now(
    work: UnitOfWork, tenant: str, goal_ids: Collection[UUID]
) -> dict[tuple[UUID, datetime, datetime], RowMapping]:
    """The periods of these goals that began and are not over or not closed: by goal, start and end."""
    rows = await work.fetch(
        """
        SELECT * FROM period
        WHERE tenant_id = :tenant AND goal_id = ANY(CAST(:goals AS uuid[])) AND (closed_on IS NULL OR period_end > :now)
        """,
        tenant=tenant,
        goals=list(goal_ids),
        now=work.now,
    )
    return {(row["goal_id"], row["period_start"], row["period_end"]): row for row in rows}


async def custom_period(work: UnitOfWork, tenant: str, goal_id: UUID) -> RowMapping | None:
    return await work.fetch_one(
        "SELECT * FROM period WHERE tenant_id = :tenant AND goal_id = :goal ORDER BY period_id DESC LIMIT 1",
        tenant=tenant,
        goal=goal_id,
    )


async def reports(
    work: UnitOfWork, tenant: str, goal_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    """Closed periods, the newest first."""
    start, period = before or (datetime.max, UUID(int=2**128 - 1))
    return list(
        await work.fetch(
            """
            SELECT * FROM period WHERE tenant_id = :tenant AND goal_id = :goal AND closed_on IS NOT NULL
                AND (NOT :paged OR (period_start, period_id) < (CAST(:start AS timestamptz), CAST(:period AS uuid)))
            ORDER BY period_start DESC, period_id DESC LIMIT :limit
            """,
            tenant=tenant,
            goal=goal_id,
            paged=before is not None,
            start=start if before else work.now,
            period=period,
            limit=limit,
        )
    )


async def report(work: UnitOfWork, tenant: str, goal_id: UUID, period_id: UUID) -> RowMapping | None:
    return await work.fetch_one(
        """
        SELECT * FROM period
        WHERE tenant_id = :tenant AND goal_id = :goal AND period_id = :period AND closed_on IS NOT NULL
        """,
        tenant=tenant,
        goal=goal_id,
        period=period_id,
    )


async def report_rows(work: UnitOfWork, tenant: str, period_id: UUID, *, after: int, limit: int) -> list[RowMapping]:
    """The rows that a report counted, in order of `n`, after that number."""
    return list(
        await work.fetch(
            """
            SELECT * FROM report_row WHERE tenant_id = :tenant AND period_id = :period AND n > :after
            ORDER BY n LIMIT :limit
            """,
            tenant=tenant,
            period=period_id,
            after=after,
            limit=limit,
        )
    )


async def keep_rows(work: UnitOfWork, series: Series, period_id: UUID, start: datetime, end: datetime) -> int:
    """Keep the rows that a period counts now, in one look; how many there are."""
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


async def close_period(work: UnitOfWork, tenant: str, period_id: UUID, **values: Any) -> None:
    await work.run(
        """
        UPDATE period SET closed_on = :closed_on, value = :value, target = :target, achieved_on = :achieved_on,
            told_value = :value, told_on = :told_on
        WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL
        """,
        tenant=tenant,
        period=period_id,
        **values,
    )


async def due_to_close(work: UnitOfWork, until: datetime, limit: int) -> list[RowMapping]:
    """Open periods that ended before `until`, the oldest first; all tenants."""
    return list(
        await work.fetch(
            """
            SELECT p.tenant_id, p.goal_id, p.period_id FROM period p JOIN goal g USING (tenant_id, goal_id)
            WHERE p.closed_on IS NULL AND p.period_end <= :until AND g.active ORDER BY p.period_end LIMIT :limit
            """,
            until=until,
            limit=limit,
        )
    )


async def lock_period(work: UnitOfWork, tenant: str, period_id: UUID) -> RowMapping | None:
    """An open period, locked; None when it is closed, or another worker is closing it."""
    return await work.fetch_one(
        """
        SELECT * FROM period WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL
        FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
        period=period_id,
    )
