from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.testing.running import Running
from tests.integration.enrichment.network import hostile_web as web
from tests.integration.enrichment.network.hostile_web import HostileWeb, hostile_web
from tests.integration.enrichment.network.provider_stories import BOUND, Leads


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[HostileWeb]:
    async with hostile_web() as running:
        yield running


@pytest.fixture(scope="module")
async def polite_site() -> AsyncIterator[HostileWeb]:
    """One that asks robots for something; what it asks is remembered."""
    async with hostile_web() as running:
        running.routes["/robots.txt"] = web.answer(b"User-agent: *\nDisallow: /private\n", kind="text/plain")
        yield running


@pytest.fixture(scope="module")
async def enrichment(start: Any, site: HostileWeb, polite_site: HostileWeb) -> Running:
    run: Running = await start(
        "enrichment",
        allowed_private_hosts=[f"127.0.0.1:{site.port}", f"127.0.0.1:{polite_site.port}"],
        first_within_seconds=BOUND,
        poll_seconds=0.05,
    )
    return run


@pytest.fixture
def leads(bus: Any, tenant: str) -> Leads:
    return Leads(bus, tenant)
