"""What the search for duplicates reads and writes: leads that wait for it, their blocking keys, who shares them."""

from collections.abc import Iterable, Mapping, Sequence

from services.capture.rules.lead import Lead
from services.capture.store.leads import COLUMNS, lead_from
from services.capture.tables import BlockingKeyRow, DuplicateSearchRow
from shared.db import UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows
from shared.ids import LeadKey

MOST_IN_BLOCK = 25
"""Leads of one block that a lead is compared with, the newest. A key that more share says little of who they are."""

_KEY_COLUMNS = tuple(column_types(BlockingKeyRow))
_INSERT_KEYS = f"{insert_rows(BlockingKeyRow)} ON CONFLICT DO NOTHING"
_SEARCH_COLUMNS = ("tenant_id", "lead_id")
_INSERT_SEARCHES = insert_rows(DuplicateSearchRow, _SEARCH_COLUMNS)
_WANTED = "unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)"


async def plan_anew(work: UnitOfWork) -> None:
    """Have each statement of this transaction planned for the tables as large as they are, and by index."""
    await work.run(
        """
        SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
               set_config('enable_bitmapscan', 'off', true)
        """
    )


async def request_search(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """Have the duplicates of these leads searched for, once this transaction has committed."""
    if rows := sorted(set(leads)):
        await work.run(_INSERT_SEARCHES, **by_column(_SEARCH_COLUMNS, rows))


async def waiting_tenants(work: UnitOfWork, limit: int) -> list[str]:
    """Tenants with leads that wait. Each costs one step down the index, however many leads wait."""
    rows = await work.fetch_tuples(
        """
        WITH RECURSIVE waiting AS (
            SELECT min(tenant_id) AS tenant_id, 1 AS n FROM duplicate_search
          UNION ALL
            SELECT (SELECT min(tenant_id) FROM duplicate_search WHERE tenant_id > w.tenant_id), n + 1
            FROM waiting w WHERE w.tenant_id IS NOT NULL AND n < :limit
        )
        SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL
        """,
        limit=limit,
    )
    return [tenant for (tenant,) in rows]


async def take_waiting(work: UnitOfWork, tenants: Sequence[str], limit: int) -> set[LeadKey]:
    """The leads that waited longest, `limit` of each tenant; they wait no more once this transaction has committed."""
    rows = await work.fetch_tuples(
        """
        SELECT o.number, w.tenant_id, o.lead_id
        FROM unnest(CAST(:tenants AS text[])) AS w (tenant_id)
        CROSS JOIN LATERAL (
            SELECT number, lead_id FROM duplicate_search WHERE tenant_id = w.tenant_id
            ORDER BY tenant_id, number LIMIT :limit
        ) o
        """,
        tenants=list(tenants),
        limit=limit,
    )
    await work.run(
        """
        DELETE FROM duplicate_search
        WHERE tenant_id = ANY (CAST(:tenants AS text[])) AND number = ANY (CAST(:numbers AS bigint[]))
        """,
        tenants=list(tenants),
        numbers=[number for number, _, _ in rows],
    )
    return {(tenant, lead_id) for _, tenant, lead_id in rows}


async def take(work: UnitOfWork, lead: LeadKey) -> bool:
    """Whether this lead waits; it does no more once this transaction has committed."""
    taken = await work.run(
        "DELETE FROM duplicate_search WHERE tenant_id = :tenant AND lead_id = :lead", tenant=lead[0], lead=lead[1]
    )
    return taken > 0


async def with_aliases(work: UnitOfWork, keys: Iterable[LeadKey]) -> dict[LeadKey, list[Lead]]:
    """Each lead with its aliases, by its key: of an alias the kept lead; ids that no lead has are left out."""
    wanted = sorted(set(keys))
    rows = await work.fetch(
        f"""
        SELECT k.lead_id AS kept, {", ".join(f"l.{name}" for name in COLUMNS)}
        FROM (
            SELECT DISTINCT w.tenant_id, coalesce(l.merged_into, l.lead_id) AS lead_id
            FROM {_WANTED}
            CROSS JOIN LATERAL (
                SELECT lead_id, merged_into FROM lead WHERE tenant_id = w.tenant_id AND lead_id = w.lead_id
                ORDER BY tenant_id, lead_id LIMIT 1
            ) l
        ) k
        CROSS JOIN LATERAL (
            SELECT k.lead_id
          UNION ALL
            (SELECT alias_id FROM merge
             WHERE tenant_id = k.tenant_id AND lead_id = k.lead_id AND undone_on IS NULL
             ORDER BY tenant_id, lead_id LIMIT 100)
        ) m
        CROSS JOIN LATERAL (
            SELECT {", ".join(COLUMNS)} FROM lead WHERE tenant_id = k.tenant_id AND lead_id = m.lead_id
            ORDER BY tenant_id, lead_id LIMIT 1
        ) l
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead_id for _, lead_id in wanted],
    )
    leads: dict[LeadKey, list[Lead]] = {}
    for row in rows:
        leads.setdefault((row["tenant_id"], row["kept"]), []).append(lead_from(row))
    return leads


async def replace_keys(work: UnitOfWork, keys: Mapping[LeadKey, frozenset[int]]) -> None:
    """Store the blocking keys of leads in place of those that they had; none for a lead that is gone or an alias."""
    rows = sorted((tenant, key, lead_id) for (tenant, lead_id), of_lead in keys.items() for key in of_lead)
    await work.run(
        f"""
        DELETE FROM blocking_key b USING {_WANTED}
        WHERE b.tenant_id = w.tenant_id AND b.lead_id = w.lead_id
          AND NOT EXISTS (
              SELECT FROM unnest(CAST(:key_tenants AS text[]), CAST(:keys AS bigint[]), CAST(:key_leads AS uuid[]))
                          AS n (tenant_id, key, lead_id)
              WHERE n.tenant_id = b.tenant_id AND n.key = b.key AND n.lead_id = b.lead_id)
        """,
        tenants=[tenant for tenant, _ in keys],
        leads=[lead_id for _, lead_id in keys],
        key_tenants=[tenant for tenant, _, _ in rows],
        keys=[key for _, key, _ in rows],
        key_leads=[lead_id for _, _, lead_id in rows],
    )
    if rows:
        await work.run(_INSERT_KEYS, **by_column(_KEY_COLUMNS, rows))


async def neighbours(
    work: UnitOfWork, keys: Mapping[LeadKey, frozenset[int]], limit: int
) -> dict[LeadKey, list[LeadKey]]:
    """For each lead, up to `limit` others that share a blocking key, those that share most first."""
    wanted = [(tenant, lead_id, key) for (tenant, lead_id), of_lead in keys.items() for key in of_lead]
    rows = await work.fetch_tuples(
        f"""
        SELECT w.tenant_id, w.lead_id, b.lead_id, count(*) AS shared
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:keys AS bigint[]))
             AS w (tenant_id, lead_id, key)
        CROSS JOIN LATERAL (
            SELECT lead_id FROM blocking_key WHERE tenant_id = w.tenant_id AND key = w.key
            ORDER BY tenant_id DESC, key DESC, lead_id DESC LIMIT {MOST_IN_BLOCK}
        ) b
        WHERE b.lead_id <> w.lead_id
        GROUP BY 1, 2, 3
        ORDER BY 1, 2, shared DESC, 3 DESC
        """,
        tenants=[tenant for tenant, _, _ in wanted],
        leads=[lead_id for _, lead_id, _ in wanted],
        keys=[key for _, _, key in wanted],
    )
    found: dict[LeadKey, list[LeadKey]] = {}
    for tenant, lead_id, other, _ in rows:
        of_lead = found.setdefault((tenant, lead_id), [])
        if len(of_lead) < limit:
            of_lead.append((tenant, other))
    return found
