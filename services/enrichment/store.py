"""Every query of the enrichment service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from shared.db import UnitOfWork
from shared.ids import LeadKey


@dataclass(frozen=True, slots=True)
class Row:
    """What is stored of a lead; `enriched_at` is None while it was never enriched."""

    lead: LeadKey
    version: int
    fields: Mapping[str, str]
    facts: Mapping[str, Mapping[str, Any]]
    providers: Sequence[Mapping[str, Any]]
    revision: int
    enriched_at: datetime | None


async def lock_leads(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, Row]:
    """Lock the rows of these ids, in one order everywhere; what is not there yet is not in the answer."""
    wanted = sorted(leads)
    rows = await work.fetch(
        """
        SELECT l.* FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        ORDER BY l.tenant_id, l.lead_id
        FOR UPDATE OF l
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return {(row["tenant_id"], row["lead_id"]): _row(row) for row in rows}


async def read_lead(work: UnitOfWork, lead: LeadKey) -> Row | None:
    row = await work.fetch_one(
        "SELECT * FROM lead WHERE tenant_id = :tenant AND lead_id = :lead", tenant=lead[0], lead=lead[1]
    )
    return _row(row) if row else None


def _row(row: RowMapping) -> Row:
    return Row(
        (row["tenant_id"], row["lead_id"]),
        row["version"],
        row["fields"],
        row["facts"],
        row["providers"],
        row["revision"],
        row["enriched_at"],
    )


async def enriched_leads(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int
) -> Sequence[Row]:
    """The next leads by id, but no aliases, whose facts were published since then."""
    rows = await work.fetch(
        """
        SELECT l.* FROM lead l
        WHERE l.tenant_id = :tenant AND l.enriched_at >= :since
          AND l.lead_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
          AND NOT EXISTS (
              SELECT FROM alias a WHERE a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id AND NOT a.undone)
        ORDER BY l.lead_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return [_row(row) for row in rows]


async def insert_leads(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """Leads that were not there. A unique violation means that another replica was first: the batch runs again."""
    await work.run(
        """
        INSERT INTO lead (tenant_id, lead_id, version, fields, facts, providers, revision, enriched_at)
        SELECT * FROM unnest(
            CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:versions AS int[]), CAST(:fields AS jsonb[]),
            CAST(:facts AS jsonb[]), CAST(:providers AS jsonb[]), CAST(:revisions AS int[]),
            CAST(:enriched AS timestamptz[]))
        """,
        **_columns(sorted(rows, key=lambda row: row.lead)),
    )


async def update_leads(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """Leads whose rows this transaction has locked."""
    await work.run(
        """
        UPDATE lead l
        SET version = n.version, fields = n.fields, facts = n.facts, providers = n.providers,
            revision = n.revision, enriched_at = n.enriched_at
        FROM unnest(
            CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:versions AS int[]), CAST(:fields AS jsonb[]),
            CAST(:facts AS jsonb[]), CAST(:providers AS jsonb[]), CAST(:revisions AS int[]),
            CAST(:enriched AS timestamptz[]))
            AS n (tenant_id, lead_id, version, fields, facts, providers, revision, enriched_at)
        WHERE l.tenant_id = n.tenant_id AND l.lead_id = n.lead_id
        """,
        **_columns(rows),
    )


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {
        "tenants": [row.lead[0] for row in rows],
        "leads": [row.lead[1] for row in rows],
        "versions": [row.version for row in rows],
        "fields": [orjson.dumps(row.fields).decode() for row in rows],
        "facts": [orjson.dumps(row.facts).decode() for row in rows],
        "providers": [orjson.dumps(row.providers).decode() for row in rows],
        "revisions": [row.revision for row in rows],
        "enriched": [row.enriched_at for row in rows],
    }


async def forget(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    wanted = list(leads)
    await work.run(
        """
        DELETE FROM lead l
        USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )


async def switched_off(work: UnitOfWork, tenants: Iterable[str]) -> set[str]:
    """Those of the tenants whose leads are not enriched."""
    rows = await work.fetch(
        "SELECT tenant_id FROM setting WHERE NOT enabled AND tenant_id = ANY (CAST(:tenants AS text[]))",
        tenants=sorted(set(tenants)),
    )
    return {row["tenant_id"] for row in rows}


async def switch(work: UnitOfWork, tenant: str, enabled: bool, actor: str) -> None:
    await work.run(
        """
        INSERT INTO setting (tenant_id, enabled, changed_at, changed_by) VALUES (:tenant, :enabled, :now, :actor)
        ON CONFLICT (tenant_id) DO UPDATE
        SET enabled = excluded.enabled, changed_at = excluded.changed_at, changed_by = excluded.changed_by
        """,
        tenant=tenant,
        enabled=enabled,
        now=work.now,
        actor=actor,
    )


async def directory_rows(
    work: UnitOfWork, domains: Iterable[tuple[str, str]]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """What each tenant's directory says of the (tenant, domain) pairs: {tenant: {domain: facts}}."""
    wanted = sorted(set(domains))
    rows = await work.fetch(
        """
        SELECT d.tenant_id, d.domain, d.facts
        FROM unnest(CAST(:tenants AS text[]), CAST(:domains AS text[])) AS w (tenant_id, domain)
        JOIN directory d ON d.tenant_id = w.tenant_id AND d.domain = w.domain
        """,
        tenants=[tenant for tenant, _ in wanted],
        domains=[domain for _, domain in wanted],
    )
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["tenant_id"], {})[row["domain"]] = row["facts"]
    return found


async def replace_directory(work: UnitOfWork, tenant: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """The whole table anew: {domain: facts}."""
    await work.run("DELETE FROM directory WHERE tenant_id = :tenant", tenant=tenant)
    await work.run(
        """
        INSERT INTO directory (tenant_id, domain, facts)
        SELECT :tenant, * FROM unnest(CAST(:domains AS text[]), CAST(:facts AS jsonb[]))
        """,
        tenant=tenant,
        domains=list(rows),
        facts=[orjson.dumps(facts).decode() for facts in rows.values()],
    )


async def list_directory(work: UnitOfWork, tenant: str, after: str, limit: int) -> Sequence[RowMapping]:
    return await work.fetch(
        """
        SELECT domain, facts FROM directory WHERE tenant_id = :tenant AND domain > :after ORDER BY domain LIMIT :limit
        """,
        tenant=tenant,
        after=after,
        limit=limit,
    )
