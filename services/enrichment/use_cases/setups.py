"""What tenants have set up for their providers, read for a batch of leads."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from services.enrichment.providers.provider import ProviderConfig, TenantSetup
from services.enrichment.rules import Subject
from services.enrichment.rules.company_names import name_key
from services.enrichment.store import directory, providers
from shared.db import Row, UnitOfWork


async def read_setups(
    work: UnitOfWork, subjects: Iterable[tuple[str, Subject]], disabled: Collection[str]
) -> dict[str, TenantSetup]:
    """The setup of each tenant for these leads, without the tenants that have enrichment switched off."""
    wanted = [(tenant, subject) for tenant, subject in subjects if tenant not in disabled]
    tenants = {tenant for tenant, _ in wanted}
    if not tenants:
        return {}
    domains = {(tenant, domain) for tenant, subject in wanted if (domain := subject.company_domain)}
    names = {(tenant, key) for tenant, subject in wanted if (key := name_key(subject.fields.get("company")))}
    by_domain, by_name = await directory.companies_of(work, domains, names) if domains or names else ({}, {})
    configured: dict[str, list[ProviderConfig]] = {}
    for row in await providers.providers_of(work, tenants):
        configured.setdefault(row["tenant_id"], []).append(config_of(row, now=work.now))
    return {
        tenant: TenantSetup(
            directory=by_domain.get(tenant, {}),
            directory_names=by_name.get(tenant, {}),
            providers=configured.get(tenant, ()),
        )
        for tenant in tenants
    }


def config_of(row: Row | dict[str, Any], *, now: datetime, headers: dict[str, str] | None = None) -> ProviderConfig:
    """The configuration of a stored provider; `headers` have their values where a request is about to be made."""
    config = row["config"]
    paused_until = row.get("paused_until")
    return ProviderConfig(
        name=row["name"],
        kind=row["kind"],
        generation=row["generation"],
        url=config.get("url") or "",
        mapping=config.get("mapping") or {},
        timeout_ms=config["timeout_ms"],
        confidence=config["confidence"],
        rate_per_minute=config.get("rate_per_minute"),
        max_age_hours=config["max_age_hours"],
        enabled=row["enabled"],
        headers=headers or {},
        paused=bool(paused_until and paused_until > now),
    )
