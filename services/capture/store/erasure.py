"""Erasure: every place in this database that may hold a lead's personal data."""

from datetime import datetime
from uuid import UUID

from services.capture.rules.mentions import Person
from services.capture.store import persons
from shared.db import UnitOfWork
from shared.store.idempotency import delete_answers

_DELETE_ROWS = """
    DELETE FROM import_error e
    USING unnest(CAST(:imports AS uuid[]), CAST(:lines AS bigint[])) AS gone (import_id, line)
    WHERE e.tenant_id = :tenant AND e.import_id = gone.import_id AND e.line = gone.line
"""
_DELETE_DELIVERIES = """
    DELETE FROM webhook_delivery d
    USING unnest(CAST(:tokens AS text[]), CAST(:ids AS uuid[])) AS gone (token, id)
    WHERE d.tenant_id = :tenant AND d.token = gone.token AND d.delivery_id = gone.id
"""
_KEEP_REST = """
    UPDATE webhook_delivery SET body = :body
    WHERE tenant_id = :tenant AND token = :token AND delivery_id = :id
"""
_DELETE_LETTERS = "DELETE FROM dead_letter WHERE tenant_id = :tenant AND id = ANY (CAST(:ids AS uuid[]))"
_COLUMNS_WITH_LEADS = (
    ("duplicate", ("lead_a", "lead_b")),
    ("blocking_key", ("lead_id",)),
    ("failed_search", ("lead_id",)),
    ("merge", ("lead_id", "alias_id")),
    ("lead_identity", ("lead_id",)),
    ("consent_change", ("lead_id",)),
    ("lead", ("lead_id",)),
)


async def delete_personal_data(work: UnitOfWork, tenant: str, person: Person) -> None:
    """Delete the leads with their external ids, merges, pairs, idempotency answers, and what was kept about them as
    it arrived: errors of imports, dead letters, deliveries of webhooks. Of a delivery about many people the others'
    items stay."""
    await _delete_mentions(work, tenant, person)
    ids = [lead.lead_id for lead in person.leads]
    await delete_answers(work, tenant, ids)
    for table, columns in _COLUMNS_WITH_LEADS:
        is_theirs = " OR ".join(f"{column} = ANY (CAST(:leads AS uuid[]))" for column in columns)
        await work.run(f"DELETE FROM {table} WHERE tenant_id = :tenant AND ({is_theirs})", tenant=tenant, leads=ids)


async def _delete_mentions(work: UnitOfWork, tenant: str, person: Person) -> None:
    rows = [errors[0] async for errors in persons.import_rows(work, tenant, person)]
    imports, lines = [row["import_id"] for row in rows], [row["line"] for row in rows]
    await work.run(_DELETE_ROWS, tenant=tenant, imports=imports, lines=lines)
    whole: list[tuple[str, UUID]] = []
    async for each in persons.webhook_deliveries(work, tenant, person):
        token, id = each.row["token"], each.row["delivery_id"]
        if each.rest is None:
            whole.append((token, id))
        else:
            await work.run(_KEEP_REST, tenant=tenant, token=token, id=id, body=each.rest)
    await work.run(_DELETE_DELIVERIES, tenant=tenant, tokens=[key[0] for key in whole], ids=[key[1] for key in whole])
    letters = [row["id"] async for row in persons.dead_letters(work, tenant, person)]
    await work.run(_DELETE_LETTERS, tenant=tenant, ids=letters)


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
