"""The tenants' settings by time, and how far a new version has reached the timers of the leads."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.stages.rules import SettingsHistory, TenantSettings
from shared.db import Row, UnitOfWork


async def histories(work: UnitOfWork, tenants: Iterable[str]) -> dict[str, SettingsHistory]:
    """All versions of the settings of each tenant; a tenant without any has the defaults."""
    wanted = sorted(set(tenants))
    versions: dict[str, list[TenantSettings]] = {tenant: [] for tenant in wanted}
    for row in await work.fetch(
        "SELECT tenant_id, valid_from, body FROM setting WHERE tenant_id = ANY (CAST(:tenants AS text[]))",
        tenants=wanted,
    ):
        versions[row["tenant_id"]].append(TenantSettings.from_json(row["body"], row["valid_from"]))
    return {tenant: SettingsHistory(found) for tenant, found in versions.items()}


async def history(work: UnitOfWork) -> SettingsHistory:
    """All versions of the settings of the tenant of this work."""
    tenant = work.tenants[0]
    return (await histories(work, [tenant]))[tenant]


async def present(work: UnitOfWork) -> TenantSettings:
    """The present settings of the tenant of this work."""
    return (await history(work)).at(work.now)


async def hold(work: UnitOfWork, tenants: Iterable[str]) -> None:
    """Hold the settings of these tenants until the transaction ends, in a statement before they are read.

    Whoever folds leads shares them; who changes them has them alone (`hold_alone`). So two changes follow each other,
    and what was folded by the settings before is committed when the timers of all leads are recomputed.
    """
    await work.run(
        f"SELECT pg_advisory_xact_lock_shared({_LOCK}) FROM unnest(CAST(:tenants AS text[])) AS t",
        tenants=sorted(set(tenants)),
    )


async def hold_alone(work: UnitOfWork) -> datetime:
    """Hold the settings of the tenant of this work against all others; from when a new version of them then holds.

    That is now, or just after the version that was saved last. Now is later than `work.now` by as long as the settings
    were waited for: what was folded meanwhile, was folded by the version before.
    """
    tenant = work.tenants[0]
    waited = await work.fetch_one(
        f"SELECT clock_timestamp() AS since, pg_advisory_xact_lock({_LOCK}) FROM (SELECT CAST(:tenant AS text) AS t) s",
        tenant=tenant,
    )
    assert waited is not None
    row = await work.fetch_one(
        """
        SELECT greatest(
            CAST(:now AS timestamptz) + (clock_timestamp() - CAST(:since AS timestamptz)),
            max(valid_from) + interval '1 microsecond'
        ) AS at
        FROM setting WHERE tenant_id = :tenant
        """,
        now=work.now,
        since=waited["since"],
        tenant=tenant,
    )
    assert row is not None, "an aggregate has a row"
    return row["at"]  # type: ignore[no-any-return]


_LOCK = "hashtextextended('settings/' || t, 0)"


async def add_version(work: UnitOfWork, body: dict[str, Any], actor: str, valid_from: datetime) -> None:
    """Store the tenant's settings from that moment on."""
    await work.run(
        """
        INSERT INTO setting (tenant_id, valid_from, body, actor) VALUES (:tenant, :at, CAST(:body AS jsonb), :actor)
        """,
        tenant=work.tenants[0],
        at=valid_from,
        body=body,
        actor=actor,
    )


async def tenant_to_apply(work: UnitOfWork) -> str | None:
    """The tenant whose new settings have waited longest to be applied to the timers of its leads."""
    row = await work.fetch_one("SELECT tenant_id FROM setting WHERE NOT applied ORDER BY valid_from LIMIT 1")
    return row["tenant_id"] if row else None


async def lease_version(work: UnitOfWork, tenant: str) -> Row | None:
    """The newest settings of a tenant, locked until the transaction ends: `valid_from`, `reached`.

    None when they are applied to all leads, or another worker has locked them.
    """
    return await work.fetch_one(
        """
        SELECT valid_from, reached FROM setting WHERE tenant_id = :tenant AND NOT applied
        ORDER BY valid_from DESC LIMIT 1 FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
    )


async def store_progress(
    work: UnitOfWork, tenant: str, valid_from: datetime, *, reached: UUID | None, over: bool
) -> None:
    """Store the last lead that the settings of that moment reached; `over`: they are applied to all leads."""
    await work.run(
        """
        UPDATE setting SET reached = coalesce(:reached, reached), applied = :over
        WHERE tenant_id = :tenant AND (valid_from = :at OR (:over AND valid_from < :at AND NOT applied))
        """,
        tenant=tenant,
        at=valid_from,
        reached=reached,
        over=over,
    )
