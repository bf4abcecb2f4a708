"""Erasure: every place in this database that may hold a lead's personal data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.capture.rules.lead import Lead
from services.capture.store.persons import IMPORTED_ROWS, addresses, traces
from shared.db import UnitOfWork

_DELETE_TRACES = (
    f"DELETE FROM dead_letter d WHERE d.tenant_id = :tenant AND d.value IS NOT NULL AND {traces('d.value')}",
    f"""
    DELETE FROM webhook_delivery d
    WHERE d.tenant_id = :tenant AND (d.lead_id = ANY (CAST(:leads AS uuid[])) OR {traces("d.body")})
    """,
    f"""
    DELETE FROM import_error WHERE tenant_id = :tenant AND (import_id, line) IN {IMPORTED_ROWS}
    """,
)
_DELETE_ANSWERS = """
    DELETE FROM idempotency i
    WHERE i.tenant_id = :tenant AND EXISTS (
        SELECT FROM unnest(CAST(:ids AS text[])) AS l (id) WHERE position(convert_to(l.id, 'UTF8') IN i.body) > 0)
"""
_COLUMNS_WITH_LEADS = (
    ("duplicate", ("lead_a", "lead_b")),
    ("blocking_key", ("lead_id",)),
    ("failed_search", ("lead_id",)),
    ("merge", ("lead_id", "alias_id")),
    ("lead_identity", ("lead_id",)),
    ("consent_change", ("lead_id",)),
    ("lead", ("lead_id",)),
)


async def delete_personal_data(work: UnitOfWork, tenant: str, leads: Sequence[Lead]) -> None:
    """Delete the leads with their external ids, merges, pairs, import errors, idempotency answers, dead letters
    and kept deliveries of webhooks."""
    ids = [lead.lead_id for lead in leads]
    for statement in _DELETE_TRACES:
        await work.run(statement, tenant=tenant, leads=ids, **addresses(leads))
    await work.run(_DELETE_ANSWERS, tenant=tenant, ids=[str(id) for id in ids])
    for table, columns in _COLUMNS_WITH_LEADS:
        is_theirs = " OR ".join(f"{column} = ANY (CAST(:leads AS uuid[]))" for column in columns)
        await work.run(f"DELETE FROM {table} WHERE tenant_id = :tenant AND ({is_theirs})", tenant=tenant, leads=ids)


async def page_of_erased(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int
) -> list[tuple[UUID, datetime]]:
    """The next leads, by id, that were erased since then, and when."""
    rows = await work.fetch_tuples(
        """
        SELECT lead_id, at FROM erased
        WHERE tenant_id = :tenant AND at >= :since AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return [(lead_id, at) for lead_id, at in rows]
