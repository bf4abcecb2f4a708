"""Merges, and the aliases that they make."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.capture.tables import MergeRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

_COLUMNS = ", ".join(column_types(MergeRow))
_NEW = ("tenant_id", "merge_id", "lead_id", "alias_id", "version", "record", "merged_on", "merged_by")
_INSERT = insert_rows(MergeRow, _NEW)


async def insert(
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
    """Add a merge; `record` is what `rules.merging.undo` needs."""
    row = (tenant, merge_id, lead_id, alias_id, version, orjson.dumps(record).decode(), work.now, by)
    await work.run(_INSERT, **by_column(_NEW, [row]))


async def lock(work: UnitOfWork, tenant: str, merge_id: UUID) -> Row | None:
    return await work.fetch_one(
        f"SELECT {_COLUMNS} FROM merge WHERE tenant_id = :tenant AND merge_id = :merge FOR UPDATE",
        tenant=tenant,
        merge=merge_id,
    )


async def aliases_of(work: UnitOfWork, tenant: str, lead_id: UUID) -> list[UUID]:
    """The ids that are aliases of this lead now."""
    return (await aliases_of_all(work, tenant, [lead_id])).get(lead_id, [])


async def aliases_of_all(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The ids that are aliases of these leads now, by lead."""
    rows = await work.fetch_tuples(
        """
        SELECT lead_id, alias_id FROM merge
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) AND undone_on IS NULL ORDER BY alias_id
        """,
        tenant=tenant,
        leads=list(lead_ids),
    )
    aliases: dict[UUID, list[UUID]] = {}
    for lead_id, alias_id in rows:
        aliases.setdefault(lead_id, []).append(alias_id)
    return aliases


async def others_of(work: UnitOfWork, tenant: str, lead_id: UUID, merge_id: UUID) -> Sequence[Row]:
    """The other merges into this lead that are not undone, the oldest first."""
    return await work.fetch(
        """
        SELECT merge_id, alias_id, record FROM merge
        WHERE tenant_id = :tenant AND lead_id = :lead AND merge_id <> :merge AND undone_on IS NULL ORDER BY merge_id
        """,
        tenant=tenant,
        lead=lead_id,
        merge=merge_id,
    )


async def set_record(work: UnitOfWork, tenant: str, merge_id: UUID, record: dict[str, Any]) -> None:
    """Store another record of what the kept lead took over."""
    await work.run(
        "UPDATE merge SET record = CAST(:record AS jsonb) WHERE tenant_id = :tenant AND merge_id = :merge",
        tenant=tenant,
        merge=merge_id,
        record=orjson.dumps(record).decode(),
    )


async def mark_undone(work: UnitOfWork, tenant: str, merge_id: UUID, by: str) -> None:
    await work.run(
        "UPDATE merge SET undone_on = :now, undone_by = :by WHERE tenant_id = :tenant AND merge_id = :merge",
        tenant=tenant,
        merge=merge_id,
        now=work.now,
        by=by,
    )


async def page_of_latest(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int
) -> Sequence[Row]:
    """The latest merge of each alias, if it was made or undone since then, with the alias's `merge_version`.

    By kept lead: a page has all merges of up to `limit` kept leads.
    """
    return await work.fetch(
        f"""
        WITH latest AS (
            SELECT DISTINCT ON (alias_id) {_COLUMNS} FROM merge
            WHERE tenant_id = :tenant ORDER BY alias_id, version DESC
        ), kept AS (
            SELECT DISTINCT lead_id FROM latest
            WHERE coalesce(undone_on, merged_on) >= :since AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
            ORDER BY lead_id LIMIT :limit
        )
        SELECT latest.*, lead.merge_version
        FROM kept JOIN latest USING (lead_id)
        JOIN lead ON lead.tenant_id = :tenant AND lead.lead_id = latest.alias_id
        WHERE coalesce(undone_on, merged_on) >= :since
        ORDER BY latest.lead_id, latest.alias_id
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )


async def latest_of(work: UnitOfWork, tenant: str, alias_ids: Sequence[UUID]) -> Sequence[Row]:
    """The latest merge of each of these leads as an alias, if there ever was one, with the lead's `merge_version`."""
    return await work.fetch(
        f"""
        SELECT latest.*, lead.merge_version
        FROM (SELECT DISTINCT ON (alias_id) {_COLUMNS} FROM merge
              WHERE tenant_id = :tenant AND alias_id = ANY (CAST(:aliases AS uuid[]))
              ORDER BY alias_id, version DESC) latest
        JOIN lead ON lead.tenant_id = latest.tenant_id AND lead.lead_id = latest.alias_id
        """,
        tenant=tenant,
        aliases=list(alias_ids),
    )
