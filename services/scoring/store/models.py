"""Models, which of them counts, and the rescores that follow an activation."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.scoring.rules import DEFAULT_VERSION
from shared.db import UnitOfWork


async def hold_models(work: UnitOfWork, tenants: Iterable[str], *, change: bool = False) -> None:
    """Until the end of the transaction nobody activates another model; with `change`, nobody scores either.

    Without it a batch that had read the old version could commit after the rescore has passed its leads.
    """
    kind = "pg_advisory_xact_lock" if change else "pg_advisory_xact_lock_shared"
    await work.fetch(
        f"SELECT {kind}(hashtextextended('model/' || t, 0)) FROM unnest(CAST(:tenants AS text[])) AS t",
        tenants=sorted(set(tenants)),
    )


async def active_versions(work: UnitOfWork, tenants: Iterable[str]) -> dict[str, int]:
    """The version that counts, for each of the tenants."""
    wanted = list(tenants)
    rows = await work.fetch(
        "SELECT tenant_id, version FROM active_model WHERE tenant_id = ANY (CAST(:tenants AS text[]))", tenants=wanted
    )
    return dict.fromkeys(wanted, DEFAULT_VERSION) | {row["tenant_id"]: row["version"] for row in rows}


async def definitions(work: UnitOfWork, versions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    wanted = list(versions)
    rows = await work.fetch(
        """
        SELECT m.tenant_id, m.version, m.definition
        FROM unnest(CAST(:tenants AS text[]), CAST(:versions AS int[])) AS w (tenant_id, version)
        JOIN model m ON m.tenant_id = w.tenant_id AND m.version = w.version
        """,
        tenants=[tenant for tenant, _ in wanted],
        versions=[version for _, version in wanted],
    )
    return {(row["tenant_id"], row["version"]): row["definition"] for row in rows}


async def add_model(work: UnitOfWork, tenant: str, definition: dict[str, Any], actor: str) -> RowMapping:
    """Store a model under the next version. Two at once: one of them waits, then takes the version after."""
    await work.fetch("SELECT pg_advisory_xact_lock(hashtextextended('models/' || :tenant, 0))", tenant=tenant)
    row = await work.fetch_one(
        """
        INSERT INTO model (tenant_id, version, definition, created_at, created_by)
        SELECT :tenant, COALESCE(max(version), :first) + 1, CAST(:definition AS jsonb), :now, :actor
        FROM model WHERE tenant_id = :tenant
        RETURNING version, definition, created_at, created_by
        """,
        tenant=tenant,
        first=DEFAULT_VERSION,
        definition=definition,
        now=work.now,
        actor=actor,
    )
    assert row is not None
    return row


async def list_models(work: UnitOfWork, tenant: str, before: int | None, limit: int) -> Sequence[RowMapping]:
    """A tenant's own models, newest first, below version `before`."""
    return await work.fetch(
        """
        SELECT version, definition, created_at, created_by FROM model
        WHERE tenant_id = :tenant AND version < COALESCE(CAST(:before AS bigint), 2147483648)
        ORDER BY version DESC LIMIT :limit
        """,
        tenant=tenant,
        before=before,
        limit=limit,
    )


async def read_model(work: UnitOfWork, tenant: str, version: int) -> RowMapping | None:
    return await work.fetch_one(
        """
        SELECT version, definition, created_at, created_by FROM model
        WHERE tenant_id = :tenant AND version = :version
        """,
        tenant=tenant,
        version=version,
    )


async def set_active(work: UnitOfWork, tenant: str, version: int, actor: str) -> None:
    await work.run(
        """
        INSERT INTO active_model (tenant_id, version, activated_at, activated_by)
        VALUES (:tenant, :version, :now, :actor)
        ON CONFLICT (tenant_id) DO UPDATE
        SET version = excluded.version, activated_at = excluded.activated_at, activated_by = excluded.activated_by
        """,
        tenant=tenant,
        version=version,
        now=work.now,
        actor=actor,
    )


async def add_rescore(work: UnitOfWork, tenant: str, rescore_id: UUID, version: int) -> None:
    """Begin a way through all leads; one that was under way goes no further."""
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


async def read_rescore(work: UnitOfWork, tenant: str, rescore_id: UUID) -> RowMapping | None:
    return await work.fetch_one(
        """
        SELECT rescore_id, version, state, done, total, started_at, finished_at FROM rescore
        WHERE tenant_id = :tenant AND rescore_id = :rescore
        """,
        tenant=tenant,
        rescore=rescore_id,
    )


async def next_rescore(work: UnitOfWork, *, lock: bool = False) -> RowMapping | None:
    """The running rescore that has waited longest, so that tenants take turns; with `lock`, of this batch's tenants."""
    return await work.fetch_one(
        f"""
        SELECT tenant_id, rescore_id, version, reached FROM rescore
        WHERE state = 'running' {"AND tenant_id = ANY (CAST(:tenants AS text[]))" if lock else ""}
        ORDER BY progressed_at LIMIT 1 {"FOR UPDATE SKIP LOCKED" if lock else ""}
        """,
        **({"tenants": list(work.tenants)} if lock else {}),
    )


async def progress_rescore(
    work: UnitOfWork, tenant: str, rescore_id: UUID, *, count: int, reached: UUID | None, over: bool
) -> None:
    """Note a page of `count` leads done; `reached` is the last of them."""
    await work.run(
        """
        UPDATE rescore
        SET done = done + :count, total = GREATEST(total, done + :count),
            reached = COALESCE(CAST(:reached AS uuid), reached),
            progressed_at = clock_timestamp(), state = CASE WHEN :over THEN 'done' ELSE state END,
            finished_at = CASE WHEN :over THEN CAST(:now AS timestamptz) END
        WHERE tenant_id = :tenant AND rescore_id = :rescore
        """,
        tenant=tenant,
        rescore=rescore_id,
        count=count,
        reached=reached,
        over=over,
        now=work.now,
    )
