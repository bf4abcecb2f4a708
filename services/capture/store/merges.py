"""Merges and their undoing."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork


async def add(
    work: UnitOfWork,
    tenant: str,
    merge_id: UUID,
    *,
    lead_id: UUID,
    alias_id: UUID,
    version: int,
    record: dict[str, Any],
    by: str,
) -> None:
    await work.run(
        """
        INSERT INTO merge (tenant_id, merge_id, lead_id, alias_id, version, record, merged_on, merged_by)
        VALUES (:tenant, :merge, :lead, :alias, :version, CAST(:record AS jsonb), :now, :by)
        """,
        tenant=tenant,
        merge=merge_id,
        lead=lead_id,
        alias=alias_id,
        version=version,
        record=record,
        now=work.now,
        by=by,
    )


async def lock(work: UnitOfWork, tenant: str, merge_id: UUID) -> RowMapping | None:
    return await work.fetch_one(
        "SELECT * FROM merge WHERE tenant_id = :tenant AND merge_id = :merge FOR UPDATE", tenant=tenant, merge=merge_id
    )


async def aliases_of(work: UnitOfWork, tenant: str, lead_id: UUID) -> list[UUID]:
    """The leads that are other names of this one now."""
    rows = await work.fetch(
        """
        SELECT alias_id FROM merge WHERE tenant_id = :tenant AND lead_id = :lead AND undone_on IS NULL
        ORDER BY alias_id
        """,
        tenant=tenant,
        lead=lead_id,
    )
    return [row["alias_id"] for row in rows]


async def mark_undone(work: UnitOfWork, tenant: str, merge_id: UUID, by: str) -> None:
    await work.run(
        "UPDATE merge SET undone_on = :now, undone_by = :by WHERE tenant_id = :tenant AND merge_id = :merge",
        tenant=tenant,
        merge=merge_id,
        now=work.now,
        by=by,
    )
