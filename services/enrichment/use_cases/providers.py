"""What tenants configure: their providers, with secrets that are never shown again."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from services.enrichment.rules.breaker import ProviderHealth
from services.enrichment.schemas.providers import MASK, ProviderBody
from services.enrichment.store import leads, providers
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.ids import uuid7

_DECIDES_ANSWERS = ("url", "mapping", "headers", "confidence")


async def configure(work: UnitOfWork, tenant: str, items: Sequence[ProviderBody], actor: str) -> None:
    """Replace a tenant's providers.

    A header's value that is sent as it is shown (masked) stays the stored one, unless the requests would go to another
    host: then it has to be given again, so that nobody who may not see a secret can send it to themselves. Raises
    Invalid.
    """
    known = await providers.generations(work, tenant)
    errors: list[dict[str, Any]] = []
    kept: list[tuple[str, str]] = []
    values: dict[tuple[str, str], str] = {}
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        config = item.config()
        generation, before, kind = known.get(item.name, (None, {}, ""))
        for header, value in (item.headers or {}).items():
            if value != MASK:
                values[item.name, header] = value
            elif header not in before.get("headers", ()):
                errors.append(_error(number, header, "has no stored value that could be kept"))
            elif _origin(before["url"]) != _origin(config["url"]):
                errors.append(_error(number, header, "has to be given again, because the host of the url is another"))
            else:
                kept.append((item.name, header))
        is_same = (
            generation is not None
            and kind == item.kind
            and not any((item.name, header) in values for header in item.headers or {})
            and all(before.get(name) == config[name] for name in _DECIDES_ANSWERS)
        )
        rows.append(
            {
                "name": item.name,
                "kind": item.kind,
                "enabled": item.enabled,
                "generation": generation if is_same else uuid7(),
                "config": config,
            }
        )
    if errors:
        raise Invalid("; ".join(f"{one['field']} {one['message']}" for one in errors), errors)
    await providers.replace(work, tenant, rows, actor)
    await providers.replace_secrets(work, tenant, kept, values)


def _error(number: int, header: str, message: str) -> dict[str, Any]:
    return {"field": f"items.{number}.headers.{header}", "message": message}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


async def configured(work: UnitOfWork, tenant: str) -> list[dict[str, Any]]:
    """A tenant's providers as the API shows them, with their health and without their secrets."""
    rows = await providers.providers_of(work, [tenant])
    health = await providers.health_of_all(work, tenant)
    is_off = bool(await leads.disabled_tenants(work, [tenant]))
    return [_shown(row, health.get(row["name"], ProviderHealth()), work, is_off) for row in rows]


def _shown(row: Mapping[Any, Any], health: ProviderHealth, work: UnitOfWork, is_off: bool) -> dict[str, Any]:
    config, now = row["config"], work.now
    return {
        "name": row["name"],
        "kind": row["kind"],
        "url": config["given_url"],
        "headers": dict.fromkeys(config["headers"], MASK),
        "mapping": config["mapping"],
        "timeout_ms": config["timeout_ms"],
        "enabled": row["enabled"],
        "rate_per_minute": config["rate_per_minute"],
        "max_age_hours": config["max_age_hours"],
        "confidence": config["confidence"],
        "state": "off" if is_off or not row["enabled"] else health.state(now),
        "paused_until": health.paused_until if health.paused_until and health.paused_until > now else None,
        "last_answer_at": health.last_answer_at,
        "last_error": {"reason": health.last_error, "at": health.last_error_at} if health.last_error else None,
        "rate": {
            "limit_per_minute": config["rate_per_minute"],
            "last_minute": health.asked_in_last_minute(now),
            "asked": health.asked,
            "failed": health.failed,
        },
    }
