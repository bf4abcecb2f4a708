"""The company directory of a tenant."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from shared.db import Row, UnitOfWork

Companies = dict[str, Mapping[str, Any]]
"""Facts of companies, by domain or by name key."""


async def companies_of(
    work: UnitOfWork, domains: Iterable[tuple[str, str]], names: Iterable[tuple[str, str]]
) -> tuple[dict[str, Companies], dict[str, Companies]]:
    """The companies of (tenant, domain) and of (tenant, name key) pairs: {tenant: {domain: facts}}, and by name key.

    A name that several companies have is no answer.
    """
    by_domain, by_name = sorted(set(domains)), sorted(set(names))
    rows = await work.fetch(
        """
        SELECT d.tenant_id, d.domain, NULL AS name_key, d.facts
        FROM unnest(CAST(:domain_tenants AS text[]), CAST(:domains AS text[])) AS w (tenant_id, domain)
        JOIN directory d ON d.tenant_id = w.tenant_id AND d.domain = w.domain
        UNION ALL
        SELECT d.tenant_id, NULL, d.name_key, (array_agg(d.facts))[1]
        FROM unnest(CAST(:name_tenants AS text[]), CAST(:names AS text[])) AS w (tenant_id, name_key)
        JOIN directory d ON d.tenant_id = w.tenant_id AND d.name_key = w.name_key
        GROUP BY d.tenant_id, d.name_key HAVING count(*) = 1
        """,
        domain_tenants=[tenant for tenant, _ in by_domain],
        domains=[domain for _, domain in by_domain],
        name_tenants=[tenant for tenant, _ in by_name],
        names=[name for _, name in by_name],
    )
    found: tuple[dict[str, Companies], dict[str, Companies]] = ({}, {})
    for row in rows:
        if row["domain"] is not None:
            found[0].setdefault(row["tenant_id"], {})[row["domain"]] = row["facts"]
        else:
            found[1].setdefault(row["tenant_id"], {})[row["name_key"]] = row["facts"]
    return found


async def replace(work: UnitOfWork, tenant: str, companies: Sequence[tuple[str | None, str | None, Any]]) -> None:
    """Replace a tenant's directory by these companies: (domain, name key, facts)."""
    await work.run("DELETE FROM directory WHERE tenant_id = :tenant", tenant=tenant)
    await work.run(
        """
        INSERT INTO directory (tenant_id, domain, name_key, facts)
        SELECT :tenant, * FROM unnest(CAST(:domains AS text[]), CAST(:names AS text[]), CAST(:facts AS jsonb[]))
        """,
        tenant=tenant,
        domains=[domain for domain, _, _ in companies],
        names=[name for _, name, _ in companies],
        facts=[orjson.dumps(facts).decode() for _, _, facts in companies],
    )


async def page(work: UnitOfWork, tenant: str, after: int, limit: int) -> Sequence[Row]:
    """The next companies of a tenant's directory in the order of the upload: `id`, `domain`, `facts`."""
    return await work.fetch(
        "SELECT id, domain, facts FROM directory WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT :limit",
        tenant=tenant,
        after=after,
        limit=limit,
    )
