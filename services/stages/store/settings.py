"""A tenant's settings by time."""

from collections.abc import Iterable
from typing import Any

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
