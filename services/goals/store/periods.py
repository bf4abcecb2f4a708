"""The periods of goals that are open: the running one, and those that have ended and are not closed yet."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.goals.rules.periods import Period
from services.goals.store.statements import select_list
from services.goals.tables import PeriodRow
from shared.db import Row, UnitOfWork
from shared.ids import uuid7

PERIOD = select_list(PeriodRow, "p")
"""All columns of a period `p`, for a SELECT."""


async def open_period(
    work: UnitOfWork,
    tenant: str,
    goal_id: UUID,
    series_id: UUID,
    period: Period,
    *,
    published_value: int | None = 0,
    published_on: datetime | None = None,
    achieved_on: datetime | None = None,
) -> UUID | None:
    """Open a period of a goal; None when it exists already. `published_on`: see the table."""
    row = await work.fetch_one(
        """
        INSERT INTO period (tenant_id, period_id, goal_id, series_id, first_day, last_day, period_start, period_end,
                            told_value, told_on, achieved_on)
        VALUES (:tenant, :period, :goal, :series, :first, :last, :start, :end,
                :published_value, :published_on, :achieved_on)
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
        published_value=published_value,
        published_on=published_on,
        achieved_on=achieved_on,
    )
    return row["period_id"] if row else None


async def running_period(work: UnitOfWork, tenant: str, goal_id: UUID) -> Row | None:
    """The period of a goal that is open and has not ended, locked. There is one at most."""
    return await work.fetch_one(
        f"""
        SELECT {PERIOD} FROM period p
        WHERE tenant_id = :tenant AND goal_id = :goal AND closed_on IS NULL AND period_end > :now FOR UPDATE
        """,
        tenant=tenant,
        goal=goal_id,
        now=work.now,
    )


async def oldest_ended_period(work: UnitOfWork, tenant: str, goal_id: UUID, *, lock: bool = True) -> Row | None:
    """The oldest period of a goal that has ended and is not closed."""
    return await work.fetch_one(
        f"""
        SELECT {PERIOD} FROM period p
        WHERE tenant_id = :tenant AND goal_id = :goal AND closed_on IS NULL AND period_end <= :now
        ORDER BY period_end LIMIT 1 {"FOR UPDATE" if lock else ""}
        """,
        tenant=tenant,
        goal=goal_id,
        now=work.now,
    )


async def periods_to_close(work: UnitOfWork, until: datetime, limit: int) -> list[Row]:
    """Open periods of active goals that ended before `until`, the oldest first; all tenants."""
    return list(
        await work.fetch(
            """
            SELECT p.tenant_id, p.goal_id, p.period_id, p.period_end
            FROM period p JOIN goal g USING (tenant_id, goal_id)
            WHERE p.closed_on IS NULL AND p.period_end <= :until AND g.active ORDER BY p.period_end LIMIT :limit
            """,
            until=until,
            limit=limit,
        )
    )


async def lock_open_period(work: UnitOfWork, tenant: str, period_id: UUID) -> Row | None:
    """An open period, locked; None when it is closed, or another worker is closing it."""
    return await work.fetch_one(
        f"""
        SELECT {PERIOD} FROM period p WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL
        FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
        period=period_id,
    )


async def last_published(work: UnitOfWork, tenant: str, goal_id: UUID) -> datetime | None:
    """When `goal.progressed` was last published for a goal."""
    row = await work.fetch_one(
        "SELECT max(told_on) AS published_on FROM period WHERE tenant_id = :tenant AND goal_id = :goal",
        tenant=tenant,
        goal=goal_id,
    )
    return row["published_on"] if row else None


async def change_series(work: UnitOfWork, tenant: str, period_id: UUID, series_id: UUID, *, reset: bool) -> None:
    """Let an open period count another series; `reset` removes the published value and the achievement."""
    await work.run(
        """
        UPDATE period SET series_id = :series, told_value = CASE WHEN :reset THEN NULL ELSE told_value END,
            achieved_on = CASE WHEN :reset THEN NULL ELSE achieved_on END
        WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL
        """,
        tenant=tenant,
        period=period_id,
        series=series_id,
        reset=reset,
    )


async def delete_open_period(work: UnitOfWork, tenant: str, period_id: UUID) -> None:
    """Delete an open period: the changed goal has another one."""
    await work.run(
        "DELETE FROM period WHERE tenant_id = :tenant AND period_id = :period AND closed_on IS NULL",
        tenant=tenant,
        period=period_id,
    )


async def current_periods(
    work: UnitOfWork, tenant: str, goal_ids: Collection[UUID]
) -> dict[tuple[UUID, datetime, datetime], Row]:
    """The periods of these goals that are open or have not ended: by goal, start and end."""
    rows = await work.fetch(
        f"""
        SELECT {PERIOD} FROM period p
        WHERE tenant_id = :tenant AND goal_id = ANY(CAST(:goals AS uuid[])) AND (closed_on IS NULL OR period_end > :now)
        """,
        tenant=tenant,
        goals=list(goal_ids),
        now=work.now,
    )
    return {(row["goal_id"], row["period_start"], row["period_end"]): row for row in rows}


async def newest_period(work: UnitOfWork, tenant: str, goal_id: UUID, series_id: UUID) -> Row | None:
    """The period of a goal that was opened last; None if it counted another metric or filter than this series."""
    return await work.fetch_one(
        f"""
        SELECT {PERIOD}
        FROM (SELECT * FROM period WHERE tenant_id = :tenant AND goal_id = :goal ORDER BY period_id DESC LIMIT 1) p
        JOIN series counted ON counted.tenant_id = p.tenant_id AND counted.series_id = p.series_id
        JOIN series wanted ON wanted.tenant_id = p.tenant_id AND wanted.series_id = :series
        WHERE (counted.metric, counted.filter) = (wanted.metric, wanted.filter)
        """,
        tenant=tenant,
        goal=goal_id,
        series=series_id,
    )
