"""Rescores: the progress through all leads of a tenant after an activation."""

from uuid import UUID

from shared.db import Row, UnitOfWork


async def add_rescore(work: UnitOfWork, tenant: str, rescore_id: UUID, version: int) -> None:
    """Start a rescore of all leads; one that is running is superseded."""
    await work.run(
        """
        UPDATE rescore SET state = 'superseded', finished_at = :now
        WHERE tenant_id = :tenant AND state = 'running'
        """,
        tenant=tenant,
        now=work.now,
    )
    await work.run(
        """
        INSERT INTO rescore (tenant_id, rescore_id, version, state, done, total, started_at, progressed_at)
        SELECT :tenant, :rescore, :version, 'running', 0, count(*), :now, :now FROM lead WHERE tenant_id = :tenant
        """,
        tenant=tenant,
        rescore=rescore_id,
        version=version,
        now=work.now,
    )


async def read_rescore(work: UnitOfWork, tenant: str, rescore_id: UUID) -> Row | None:
    """One rescore with its progress; None if there is none."""
    return await work.fetch_one(
        """
        SELECT rescore_id, version, state, done, total, started_at, finished_at FROM rescore
        WHERE tenant_id = :tenant AND rescore_id = :rescore
        """,
        tenant=tenant,
        rescore=rescore_id,
    )


async def tenant_with_rescore(work: UnitOfWork) -> str | None:
    """The tenant whose running rescore has waited longest, so that tenants take turns."""
    row = await work.fetch_one("SELECT tenant_id FROM rescore WHERE state = 'running' ORDER BY progressed_at LIMIT 1")
    return row["tenant_id"] if row else None


async def lock_rescore(work: UnitOfWork) -> Row | None:
    """Lock the running rescore of this transaction's tenants: `tenant_id`, `rescore_id`, `reached`.

    None if there is none, or if another replica has locked it.
    """
    return await work.fetch_one(
        """
        SELECT tenant_id, rescore_id, reached FROM rescore
        WHERE state = 'running' AND tenant_id = ANY (CAST(:tenants AS text[]))
        ORDER BY progressed_at LIMIT 1 FOR UPDATE SKIP LOCKED
        """,
        tenants=list(work.tenants),
    )


async def record_progress(
    work: UnitOfWork, tenant: str, rescore_id: UUID, *, count: int, reached: UUID | None, finished: bool
) -> None:
    """Record that a page of `count` leads was rescored; `reached` is the last of them."""
    await work.run(
        """
        UPDATE rescore
        SET done = done + :count,
            total = CASE WHEN :finished THEN done + :count ELSE GREATEST(total, done + :count) END,
            reached = COALESCE(CAST(:reached AS uuid), reached),
            progressed_at = clock_timestamp(), state = CASE WHEN :finished THEN 'done' ELSE state END,
            finished_at = CASE WHEN :finished THEN CAST(:now AS timestamptz) END
        WHERE tenant_id = :tenant AND rescore_id = :rescore
        """,
        tenant=tenant,
        rescore=rescore_id,
        count=count,
        reached=reached,
        finished=finished,
        now=work.now,
    )
