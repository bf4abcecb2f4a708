"""Models, and which version of them is active for each tenant."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.scoring.rules import DEFAULT_VERSION
from shared.db import Row, UnitOfWork


async def lock_models(work: UnitOfWork, tenants: Iterable[str], *, exclusive: bool = False) -> None:
    """Lock which model is active for these tenants until the transaction ends: scoring shares the lock.

    An activation takes it `exclusive`. So no batch that has read the old version commits its scores after the rescore
    has processed its leads.
    """
    function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    await work.fetch(
        f"SELECT {function}(hashtextextended('model/' || t, 0)) FROM unnest(CAST(:tenants AS text[])) AS t",
        tenants=sorted(set(tenants)),
    )


async def active_versions(work: UnitOfWork, tenants: Iterable[str]) -> dict[str, int]:
    """The active version of each tenant."""
    wanted = list(tenants)
    rows = await work.fetch(
        "SELECT tenant_id, version FROM active_model WHERE tenant_id = ANY (CAST(:tenants AS text[]))", tenants=wanted
    )
    return dict.fromkeys(wanted, DEFAULT_VERSION) | {row["tenant_id"]: row["version"] for row in rows}


async def definitions(work: UnitOfWork, versions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """The definitions of these (tenant, version), without those that are not stored."""
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


async def add_model(work: UnitOfWork, tenant: str, definition: dict[str, Any], actor: str) -> Row:
    """Store a model as the tenant's next version. The lock makes two requests at once get two versions."""
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


async def list_models(work: UnitOfWork, tenant: str, before: int | None, limit: int) -> Sequence[Row]:
    """A tenant's own models below version `before`, newest first."""
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


async def read_model(work: UnitOfWork, tenant: str, version: int) -> Row | None:
    """One of a tenant's own models; None if there is no such version."""
    return await work.fetch_one(
        """
        SELECT version, definition, created_at, created_by FROM model
        WHERE tenant_id = :tenant AND version = :version
        """,
        tenant=tenant,
        version=version,
    )


async def set_active_model(work: UnitOfWork, tenant: str, version: int, actor: str) -> None:
    """Make a version the active one of a tenant."""
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
