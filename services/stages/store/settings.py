"""A tenant's settings by time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.stages.rules import Settings, SettingsHistory
from shared.db import UnitOfWork


async def histories(work: UnitOfWork, tenants: Iterable[str]) -> dict[str, SettingsHistory]:
    """The settings of each tenant, all versions; a tenant that never set any has the defaults."""
    wanted = sorted(set(tenants))
    versions: dict[str, list[Settings]] = {tenant: [] for tenant in wanted}
    for row in await work.fetch(
        "SELECT tenant_id, valid_from, body FROM setting WHERE tenant_id = ANY (CAST(:tenants AS text[]))",
        tenants=wanted,
    ):
        versions[row["tenant_id"]].append(Settings.from_json(row["body"], row["valid_from"]))
    return {tenant: SettingsHistory(found) for tenant, found in versions.items()}


async def present(work: UnitOfWork) -> Settings:
    """The settings of the tenant of this work, as they are now."""
    tenant = work.tenants[0]
    return (await histories(work, [tenant]))[tenant].at(work.now)


async def add_version(work: UnitOfWork, body: dict[str, Any], actor: str) -> None:
    """The tenant's settings from now on."""
    await work.run(
        """
        INSERT INTO setting (tenant_id, valid_from, body, actor) VALUES (:tenant, :now, CAST(:body AS jsonb), :actor)
        """,
        tenant=work.tenants[0],
        now=work.now,
        body=body,
        actor=actor,
    )


async def to_apply(work: UnitOfWork) -> str | None:
    """The tenant whose new settings have waited longest to reach its leads' timers."""
    row = await work.fetch_one("SELECT tenant_id FROM setting WHERE NOT applied ORDER BY valid_from LIMIT 1")
    return row["tenant_id"] if row else None


async def claim(work: UnitOfWork, tenant: str) -> RowMapping | None:
    """The newest settings of a tenant, locked, if they have not reached all its leads and nobody else is at it."""
    return await work.fetch_one(
        """
        SELECT valid_from, reached FROM setting WHERE tenant_id = :tenant AND NOT applied
        ORDER BY valid_from DESC LIMIT 1 FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
    )


async def progress(work: UnitOfWork, tenant: str, valid_from: datetime, *, reached: UUID | None, over: bool) -> None:
    """How far the settings of that moment have come; when they are through, so are all before them."""
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
