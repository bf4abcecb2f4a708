"""What the tests of providers share: leads that are captured, an API and a page, and how they are configured."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.ids import uuid7
from shared.testing.running import Running
from tests.integration.enrichment.network import hostile_web as web
from tests.integration.enrichment.network.hostile_web import HostileWeb

BOUND = 5.0
SLACK = 15.0
"""Seconds that a loaded machine may take besides."""
PAGE = b"""<html lang="de"><title>Acme | Tools</title><meta name="description" content="Tools &amp; more">
<meta property="og:site_name" content="Acme Tools"><script type="application/ld+json">
{"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, {"@type": "Organization", "name": "Acme Tools GmbH",
"numberOfEmployees": {"@type": "QuantitativeValue", "value": 240}, "address": {"addressCountry": "Germany"},
"industry": "Machinery", "sameAs": ["https://www.linkedin.com/company/acme/"]}]}</script>
<a href="mailto:info@acme.example">mail</a><a href="mailto:eva.meier@acme.example">Eva</a>
<a href="tel:+49%2030%201">call</a>
<a href="https://twitter.com/share?u=1">share</a></html>"""


class Leads:
    """Publishes leads as capture does, and reads what is published of them."""

    def __init__(self, bus: Any, tenant: str) -> None:
        self.bus, self.tenant = bus, tenant

    def capture(self, **fields: Any) -> UUID:
        lead = uuid7()
        now = datetime.now(UTC)
        data = {"lead_id": str(lead), "source": "website", "created_on": now.isoformat(), **fields}
        self.bus.publish("lead.captured", data, tenant=self.tenant, subject=lead, time=now)
        return lead

    async def enriched(self, lead: UUID, count: int = 1, within: float = 30) -> list[Any]:
        return await self.bus.read(
            "lead.enriched", tenant=self.tenant, where=lambda s: s.lead_id == str(lead), count=count
        )


def values(seen: Any) -> dict[str, Any]:
    return {name: fact["value"] for name, fact in seen.data["facts"].items()}


def outcomes(seen: Any) -> dict[str, str]:
    return {run["name"]: run["outcome"] for run in seen.data["providers"]}


def api(site: HostileWeb, path: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "crm",
        "kind": "json_api",
        "url": f"{site.url}/{path}?domain={{domain}}",
        "mapping": {"industry": "company.category", "employees": "company.size"},
        "timeout_ms": 2_000,
        **more,
    }


def company(category: str = "Machinery", **more: Any) -> web.Behaviour:
    return web.answer(
        orjson.dumps({"company": {"category": category, "size": "1,200"}}), kind="application/json", **more
    )


async def configure(enrichment: Running, tenant: str, *items: Mapping[str, Any]) -> Any:
    async with enrichment.client(tenant) as client:
        answer = await client.put("/v1/providers", json={"items": items})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


async def health(enrichment: Running, tenant: str) -> Any:
    async with enrichment.client(tenant, "viewer") as client:
        return (await client.get("/v1/providers")).json()["items"][0]
