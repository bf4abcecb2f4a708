"""The providers that tenants have configured, their secrets, and how they have been doing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson

from services.enrichment.rules.breaker import ProviderHealth, health_of
from services.enrichment.tables import ProviderState
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

ProviderKey = tuple[str, str]
"""(tenant, name of the provider)."""

_STATE = column_types(ProviderState)
_CHANGING = [name for name in _STATE if name not in ("tenant_id", "provider")]
_HEALTH = ", ".join(f"s.{name}" for name in _CHANGING)


ASKABLE = """
    provider p
    LEFT JOIN provider_state s ON s.tenant_id = p.tenant_id AND s.provider = p.name
    LEFT JOIN setting t ON t.tenant_id = p.tenant_id
"""
IS_ASKED = "p.enabled AND COALESCE(t.enabled, true) AND (s.paused_until IS NULL OR s.paused_until <= :now)"
"""With ASKABLE: the providers that may be asked now. The others keep their questions, and count for nobody else."""


async def with_due_questions(work: UnitOfWork, kinds: Iterable[str]) -> list[tuple[Row, ProviderHealth]]:
    """The providers that may be asked now and have questions that are due, which nobody is asking; with their health.

    Each row has `tenant_id`, `name`, `kind`, `generation` and `config`.
    """
    rows = await work.fetch(
        f"""
        SELECT p.tenant_id, p.name, p.kind, p.generation, p.config, s.provider, {_HEALTH} FROM {ASKABLE}
        WHERE {IS_ASKED} AND p.kind = ANY (CAST(:kinds AS text[])) AND EXISTS (
            SELECT FROM lookup l
            WHERE l.tenant_id = p.tenant_id AND l.generation = p.generation AND l.due_at <= :now
              AND (l.leased_until IS NULL OR l.leased_until < clock_timestamp()))
        """,
        kinds=list(kinds),
        now=work.now,
    )
    return [(row, health_of(row) if row["provider"] is not None else ProviderHealth()) for row in rows]


async def providers_of(work: UnitOfWork, tenants: Iterable[str]) -> Sequence[Row]:
    """The providers of these tenants in their order, and until when each is paused (`paused_until`)."""
    return await work.fetch(
        """
        SELECT p.*, s.paused_until FROM provider p
        LEFT JOIN provider_state s ON s.tenant_id = p.tenant_id AND s.provider = p.name
        WHERE p.tenant_id = ANY (CAST(:tenants AS text[]))
        ORDER BY p.tenant_id, p.position
        """,
        tenants=sorted(set(tenants)),
    )


async def replace(work: UnitOfWork, tenant: str, providers: Sequence[Mapping[str, Any]], actor: str) -> None:
    """Replace a tenant's providers. The health of those that are gone or changed is forgotten; secrets are kept."""
    await work.run(
        """
        DELETE FROM provider_state s WHERE s.tenant_id = :tenant AND NOT EXISTS (
            SELECT FROM provider p WHERE p.tenant_id = s.tenant_id AND p.name = s.provider
                AND p.generation = ANY (CAST(:generations AS uuid[])))
        """,
        tenant=tenant,
        generations=[each["generation"] for each in providers],
    )
    await work.run("DELETE FROM provider WHERE tenant_id = :tenant", tenant=tenant)
    if providers:
        await work.run(
            """
            INSERT INTO provider (tenant_id, name, kind, position, enabled, generation, config, changed_at, changed_by)
            SELECT :tenant, v.name, v.kind, v.position, v.enabled, v.generation, CAST(v.config AS jsonb), :now, :actor
            FROM unnest(CAST(:names AS text[]), CAST(:kinds AS text[]), CAST(:enabled AS boolean[]),
                        CAST(:generations AS uuid[]), CAST(:configs AS text[]))
                 WITH ORDINALITY AS v (name, kind, enabled, generation, config, position)
            """,
            tenant=tenant,
            names=[each["name"] for each in providers],
            kinds=[each["kind"] for each in providers],
            enabled=[each["enabled"] for each in providers],
            generations=[each["generation"] for each in providers],
            configs=[orjson.dumps(each["config"]).decode() for each in providers],
            now=work.now,
            actor=actor,
        )


async def replace_secrets(
    work: UnitOfWork, tenant: str, kept: Iterable[tuple[str, str]], values: Mapping[tuple[str, str], str]
) -> None:
    """Keep the secrets of these (provider, header) pairs, delete all others of the tenant, and add `values`."""
    kept = list(kept)
    await work.run(
        """
        DELETE FROM provider_secret s WHERE s.tenant_id = :tenant AND NOT EXISTS (
            SELECT FROM unnest(CAST(:providers AS text[]), CAST(:headers AS text[])) AS k (provider, header)
            WHERE k.provider = s.provider AND k.header = s.header)
        """,
        tenant=tenant,
        providers=[provider for provider, _ in kept],
        headers=[header for _, header in kept],
    )
    if values:
        await work.run(
            """
            INSERT INTO provider_secret (tenant_id, provider, header, value)
            SELECT :tenant, * FROM unnest(CAST(:providers AS text[]), CAST(:headers AS text[]), CAST(:values AS text[]))
            """,
            tenant=tenant,
            providers=[provider for provider, _ in values],
            headers=[header for _, header in values],
            values=list(values.values()),
        )


async def secrets_of(
    work: UnitOfWork, providers: Iterable[tuple[ProviderKey, UUID]]
) -> dict[ProviderKey, dict[str, str]]:
    """The headers with their values, for a request that is about to be made. Only the workers' role may read them.

    A provider that has another generation by now is missing: its secrets are for another configuration, and perhaps
    for another host. One statement sees both as they belong together.
    """
    wanted = sorted(set(providers))
    rows = await work.fetch(
        """
        SELECT p.tenant_id, p.name, s.header, s.value
        FROM unnest(CAST(:tenants AS text[]), CAST(:names AS text[]), CAST(:generations AS uuid[]))
             AS w (tenant_id, name, generation)
        JOIN provider p ON p.tenant_id = w.tenant_id AND p.name = w.name AND p.generation = w.generation
        LEFT JOIN provider_secret s ON s.tenant_id = p.tenant_id AND s.provider = p.name
        """,
        tenants=[tenant for (tenant, _), _ in wanted],
        names=[name for (_, name), _ in wanted],
        generations=[generation for _, generation in wanted],
    )
    found: dict[ProviderKey, dict[str, str]] = {}
    for row in rows:
        headers = found.setdefault((row["tenant_id"], row["name"]), {})
        if row["header"] is not None:
            headers[row["header"]] = row["value"]
    return found


async def health_of_all(work: UnitOfWork, tenant: str) -> dict[str, ProviderHealth]:
    """How each provider of a tenant that was ever asked has been doing, by name."""
    rows = await work.fetch("SELECT * FROM provider_state WHERE tenant_id = :tenant", tenant=tenant)
    return {row["provider"]: health_of(row) for row in rows}


async def lock_health(work: UnitOfWork, providers: Iterable[ProviderKey]) -> dict[ProviderKey, ProviderHealth]:
    """The health of these providers, locked until the transaction ends; one that was never asked gets a row."""
    wanted = sorted(set(providers))
    keys = {"tenants": [tenant for tenant, _ in wanted], "names": [name for _, name in wanted]}
    await work.run(
        """
        INSERT INTO provider_state (tenant_id, provider)
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:names AS text[])) ON CONFLICT DO NOTHING
        """,
        **keys,
    )
    rows = await work.fetch(
        """
        SELECT s.* FROM unnest(CAST(:tenants AS text[]), CAST(:names AS text[])) AS w (tenant_id, name)
        JOIN provider_state s ON s.tenant_id = w.tenant_id AND s.provider = w.name
        ORDER BY s.tenant_id, s.provider FOR UPDATE OF s
        """,
        **keys,
    )
    return {(row["tenant_id"], row["provider"]): health_of(row) for row in rows}


async def save_health(work: UnitOfWork, health: Mapping[ProviderKey, ProviderHealth]) -> None:
    """Store the health of providers whose rows this transaction has locked."""
    rows = [
        (*key, *(value[name] for name in _CHANGING)) for key, each in sorted(health.items()) for value in [asdict(each)]
    ]
    await work.run(
        f"""
        {insert_rows(ProviderState)}
        ON CONFLICT (tenant_id, provider) DO UPDATE
        SET ({", ".join(_CHANGING)}) = ROW ({", ".join(f"excluded.{name}" for name in _CHANGING)})
        """,
        **by_column(_STATE, rows),
    )


async def generations(work: UnitOfWork, tenant: str) -> dict[str, tuple[UUID, Mapping[str, Any], str]]:
    """What is configured now, locked against others who configure: {name: (generation, config, kind)}."""
    rows = await work.fetch(
        "SELECT name, generation, config, kind FROM provider WHERE tenant_id = :tenant ORDER BY name FOR UPDATE",
        tenant=tenant,
    )
    return {row["name"]: (row["generation"], row["config"], row["kind"]) for row in rows}
