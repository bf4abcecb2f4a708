"""SIGTERM: a service is not ready at once, serves on while proxies learn of it, ends its batch, leaves its group."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.databases import address
from deploy.local.ports import free_port
from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.lag import has_read
from shared.testing.builders import ALead
from tests.integration.own_service import OwnService, own_service
from tests.integration.topics import end_offsets


@pytest.fixture
async def own(backend, start) -> AsyncIterator[OwnService]:
    async with own_service(backend, start, "goals") as own:
        yield own


@pytest.fixture
def process(backend, own) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Goals as a container runs it, and its address."""
    port = free_port()
    settings = {
        "LEADFLOW_KAFKA_BOOTSTRAP": backend.bootstrap,
        "LEADFLOW_GOALS_DATABASE_URL": own.url,
        "LEADFLOW_OIDC_JWKS_URL": backend.identity.jwks_url,
        "LEADFLOW_OIDC_ISSUER": backend.identity.issuer,
        "LEADFLOW_GOALS_PORT": str(port),
        "LEADFLOW_GOALS_DRAIN_SECONDS": "1.5",
        "LEADFLOW_GOALS_CONSUMER_GROUP": own.name,
    }
    command = [sys.executable, "-m", "cli.main", "services", "run", "goals"]
    started = subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
    try:
        yield started, f"http://127.0.0.1:{port}"
    finally:
        started.kill()
        started.wait()


async def test_a_service_that_is_stopped_drains_and_leaves_nothing_behind(
    backend, bus, own, process, tenant, eventually
):
    service, url = process
    started = datetime.now(UTC)

    async def has_caught_up() -> bool:
        return await has_read(Kafka(backend.bootstrap), own.name, [event.type for event in READS["goals"]], started)

    async with httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as api:

        async def ready() -> bool:
            try:
                return (await api.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, within=60)
        await eventually(has_caught_up, within=60)
        before = await end_offsets(backend.bootstrap, ["lead.captured"])
        for _ in range(300):
            ALead(bus, tenant).captured()
        bus.flush()
        service.send_signal(signal.SIGTERM)
        signalled = time.monotonic()

        async def refuses() -> bool:
            answer = await api.get("/readyz")
            return answer.status_code == 503 and answer.json()["checks"].get("process") == "it is stopping"

        await eventually(refuses)
        assert time.monotonic() - signalled < 1.5
        assert (await api.get("/livez")).status_code == 200, "a process that stops is not to be restarted"
        assert (await api.get("/v1/goals")).status_code == 401, "requests are answered still"
    # uvicorn raises the signal again when all is done
    assert await asyncio.to_thread(service.wait, 20) in (0, -signal.SIGTERM)
    admin = AIOKafkaAdminClient(bootstrap_servers=backend.bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([own.name])
        committed = {at: entry.offset for at, entry in (await admin.list_consumer_group_offsets(own.name)).items()}
    finally:
        await admin.close()
    (group,) = described.groups
    assert (group[2], group[5]) == ("Empty", []), "it has left its group, and nobody waits for its session to end"
    ends = await end_offsets(backend.bootstrap, ["lead.captured"])
    unread = sum(end - max(before[at], committed.get(at, 0)) for at, end in ends.items())
    database = await asyncpg.connect(address(backend.admin_url, own.name))
    stored = await database.fetchval("SELECT count(*) FROM lead WHERE tenant_id = $1", tenant)
    await database.close()
    assert stored + unread == 300, "it has committed the offsets of what it stored, and of nothing else"
