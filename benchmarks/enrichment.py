"""Leads a second from `lead.captured` to `lead.enriched`: without providers, and with websites that take 200 ms.

Each lead of the second kind is of a company of its own, so nothing is answered from memory.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
from uuid_utils import uuid7

from benchmarks.implementations import OURS
from benchmarks.leads import TENANT, Record
from benchmarks.results import Measurements, print_table
from benchmarks.servers import PASSWORD, Servers
from benchmarks.topics import CAPTURED, Topics
from deploy.databases import address, database_name
from deploy.local import process
from deploy.local.ports import free_port
from deploy.migrate import prepare_database

ENRICHED = "lead.enriched"
LATENCY = 0.2
SLOTS = 32
SHARE = 10
"""Websites get so many times fewer leads, because they take longer."""
_PAGE = b"<title>Company</title><meta property='og:site_name' content='Company'>" + b"<p>text</p>" * 2_000


def _captured(number: int) -> Record:
    lead, now = str(uuid7()), datetime.now(UTC).isoformat()
    value = {
        "lead_id": lead,
        "source": "website",
        "created_on": now,
        "email": f"ada.{number}@company-{number}.example",
        "phone": f"+491512{number % 10_000_000:07d}",
        "job_title": "Head of Operations",
        "country": "DE",
    }
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_type": CAPTURED,
        "ce_source": "urn:bench:capture",
        "ce_time": now,
        "ce_tenantid": TENANT,
        "ce_subject": lead,
        "content-type": "application/json",
    }
    return orjson.dumps(value), [(name, text.encode()) for name, text in attributes.items()]


@asynccontextmanager
async def _website() -> AsyncIterator[int]:
    """The port of a server that answers each page after LATENCY, and has no robots.txt."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if b"/robots.txt" in await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            else:
                await asyncio.sleep(LATENCY)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(_PAGE)}\r\n\r\n"
                writer.write(head.encode() + _PAGE)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=500)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _measure_rate(topics: Topics, first: int, count: int) -> float:
    before = await topics.ends(ENRICHED)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await topics.send([_captured(number) for number in range(first, first + count)], CAPTURED)
    await topics.flush()
    await topics.wait_for(ENRICHED, before, count, within=180.0)
    return count / (loop.time() - began)


async def measure(servers: Servers, topics: Topics, *, leads: int) -> Measurements:
    """Rates; the ratio of the second is to what so many requests at once allow."""
    await prepare_database(servers.admin_url, "enrichment", PASSWORD)
    login = database_name("enrichment")
    async with _website() as site:
        environment = OURS.environment(servers, "enrichment") | {
            "LEADFLOW_ENRICHMENT_DATABASE_URL": address(servers.admin_url, login, login, PASSWORD),
            "LEADFLOW_ENRICHMENT_ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{site}",
            "LEADFLOW_ENRICHMENT_LOOKUPS": str(2 * SLOTS),  # of which one provider gets half
            "LEADFLOW_ENRICHMENT_FIRST_WITHIN_SECONDS": "60",
        }
        with (servers.folder / "enrichment.log").open("ab") as log:
            command = [sys.executable, "-m", "cli.main", "services", "run", "enrichment", "--port", str(free_port())]
            child = process.launch(command, log=log, env=environment)
        try:
            await _measure_rate(topics, 0, leads // 6)  # warms up
            without = await _measure_rate(topics, leads, leads)
            await _configure(servers, login, site)
            websites = await _measure_rate(topics, 10 * leads, max(1, leads // SHARE))
        finally:
            await asyncio.to_thread(process.stop, child, signal.SIGTERM, 20.0)
    limit = SLOTS / LATENCY
    variants = {
        "no provider": {"rate": round(without, 1), "ratio": 1.0},
        "website": {"rate": round(websites, 1), "ratio": round(websites / limit, 2)},
    }
    title = (
        f"enrichment, lead.captured -> lead.enriched; websites of {LATENCY * 1_000:.0f} ms, {SLOTS} at once; "
        f"ratio = to the {limit:.0f}/s that this allows"
    )
    print_table(title, variants, {})
    return {"enrichment": variants}


async def _configure(servers: Servers, database: str, site: int) -> None:
    config: dict[str, Any] = {
        "url": f"http://127.0.0.1:{site}/{{domain}}",
        "given_url": None,
        "mapping": {},
        "headers": [],
        "timeout_ms": 10_000,
        "confidence": 0.8,
        "rate_per_minute": None,
        "max_age_hours": 720,
    }
    connection = await asyncpg.connect(address(servers.admin_url, database))
    try:
        await connection.execute(
            """
            INSERT INTO provider (tenant_id, name, kind, position, enabled, generation, config, changed_at, changed_by)
            VALUES ($1, 'site', 'website', 1, true, gen_random_uuid(), $2, now(), 'bench')
            """,
            TENANT,
            orjson.dumps(config).decode(),
        )
    finally:
        await connection.close()
