"""Queries on the tenants' own strategies. Each save is another version; one version of each is active."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.outreach.drafts.tables import StrategyRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows

_COLUMNS = ("tenant_id", "strategy_id", "version", "kind", "stage", "body", "author", "created_at")
_ADD = insert_rows(StrategyRow, _COLUMNS)


async def active(work: UnitOfWork, tenant: str, kind: str, stage: str) -> Row | None:
    """The tenant's own strategy for a kind in a stage, or None."""
    return await work.fetch_one(
        "SELECT * FROM strategy WHERE tenant_id = :tenant AND kind = :kind AND stage = :stage AND active",
        tenant=tenant,
        kind=kind,
        stage=stage,
    )


async def all_active(work: UnitOfWork, tenant: str) -> Sequence[Row]:
    """All the tenant's own strategies."""
    return await work.fetch("SELECT * FROM strategy WHERE tenant_id = :tenant AND active", tenant=tenant)


async def add_version(
    work: UnitOfWork, tenant: str, strategy_id: UUID, kind: str, stage: str, body: Mapping[str, Any], author: str
) -> int:
    """Store another version and make it the active one; its number. A second admin waits, and saves the one after."""
    key = int.from_bytes(strategy_id.bytes[:8], "big", signed=True)
    await work.run("SELECT pg_advisory_xact_lock(:key)", key=key)
    row = await work.fetch_one(
        "SELECT max(version) AS version FROM strategy WHERE tenant_id = :tenant AND strategy_id = :id",
        tenant=tenant,
        id=strategy_id,
    )
    version = ((row["version"] if row else None) or 0) + 1
    await work.run(
        "UPDATE strategy SET active = false WHERE tenant_id = :tenant AND strategy_id = :id AND active",
        tenant=tenant,
        id=strategy_id,
    )
    values = (tenant, strategy_id, version, kind, stage, orjson.dumps(body).decode(), author, work.now)
    await work.run(_ADD, **by_column(_COLUMNS, [values]))
    return version
