"""The lead queue at a million leads under updates: whether a page costs the same at any depth, size and filter."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from benchmarks.results import Measurements, percentiles, print_table
from benchmarks.servers import Servers
from deploy.local import process
from services.stages.rules import OPEN
from services.stages.store.queue import Filters, Position, page
from shared.db import Database

BIG, SMALL, SMALL_LEADS = "big", "small", 10_000
DEPTH = 100_000
LIMIT = 50
_OPEN = ", ".join(f"'{stage.value}'" for stage in sorted(OPEN))

# Most scores are in the middle, as real ones; the last activity is at most ninety days old; a third has no owner.
_LOAD = """
    INSERT INTO lead (tenant_id, lead_id, captured, stage, status, revision, journey, score_total, band, score_revision,
                      scored_at, hot, last_activity_on, source, campaign, owner, name, company, contact_version,
                      drafts, updated_at)
    SELECT '{tenant}', gen_random_uuid(), true, stage,
           CASE WHEN stage = 'won' THEN 'converted' WHEN stage IN ('lost', 'dead') THEN 'disqualified'
                WHEN stage IN ('qualified', 'scheduled') THEN 'qualified' WHEN stage = 'new' THEN 'new'
                ELSE 'contacted' END,
           1, jsonb_build_object('v', 1, 'stage', stage, 'score', score), score,
           CASE WHEN score >= 75 THEN 'A' WHEN score >= 50 THEN 'B' WHEN score >= 25 THEN 'C' ELSE 'D' END, 1, at,
           score >= 80 AND stage NOT IN ('won', 'lost', 'dead'), at, 'website', 'fair-' || n % 12,
           CASE WHEN n % 3 > 0 THEN 'seller-' || n % 40 END, 'Ada Lovelace', 'Analytical Works ' || n, 1, '{{}}', at
    FROM (
        SELECT n, ((random() + random()) * 50)::int AS score,
               clock_timestamp() - random() * interval '90 days' AS at,
               ('{{new,new,new,new,contacted,contacted,contacted,engaged,qualified,nurture,nurture,scheduled,'
                'exhausted,won,lost,lost,dead}}'::text[])[1 + n % 17] AS stage
        FROM generate_series(1, {count}) AS n) AS made
"""


@dataclass(frozen=True)
class Case:
    """One page of the queue; `where` is its filter in SQL, to find the position at `depth`."""

    name: str
    tenant: str
    filters: Filters
    where: str
    depth: int = 0


CASES = (
    Case("first page", BIG, Filters(), f"stage IN ({_OPEN})"),
    Case(f"at depth {DEPTH:,}", BIG, Filters(), f"stage IN ({_OPEN})", DEPTH),
    Case(f"of {SMALL_LEADS:,} leads", SMALL, Filters(), f"stage IN ({_OPEN})"),
    Case("stage", BIG, Filters(stages=("contacted",)), "stage = 'contacted'"),
    Case("stage, deep", BIG, Filters(stages=("contacted",)), "stage = 'contacted'", DEPTH),
    Case("band", BIG, Filters(band="B"), f"stage IN ({_OPEN}) AND band = 'B'"),
    Case("band, deep", BIG, Filters(band="B"), f"stage IN ({_OPEN}) AND band = 'B'", DEPTH),
    Case("hot", BIG, Filters(hot=True), "hot"),
    Case("hot, deep", BIG, Filters(hot=True), "hot", DEPTH // 4),
    Case("owner", BIG, Filters(owner="seller-7"), "owner = 'seller-7'"),
    Case("owner, deep", BIG, Filters(owner="seller-7"), "owner = 'seller-7'", DEPTH // 10),
)


async def measure(servers: Servers, *, leads: int, seconds: float, updates: int) -> Measurements:
    """Read the page of each case in rotation for so many seconds, while `updates` scores a second change."""
    await servers.create_databases("queue")
    began = time.monotonic()
    for tenant, count in ((SMALL, SMALL_LEADS), (BIG, leads)):
        await servers.execute("queue", "stages", _LOAD.format(tenant=tenant, count=count))
    await servers.execute("queue", "stages", "VACUUM ANALYZE")
    print(f"  loaded {leads:,} leads in {time.monotonic() - began:.0f} s", flush=True)
    positions = await _positions(servers, leads)
    database = Database(servers.url("queue", "stages"), "stages")
    took: dict[str, list[float]] = {case.name: [] for case in CASES}
    try:
        for case in CASES:
            await _time_page(database, case, positions[case.name])
        async with _updating(servers, updates):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                for case in CASES:
                    took[case.name].append(await _time_page(database, case, positions[case.name]))
    finally:
        await database.close()
    variants = {name: percentiles(of_one) for name, of_one in took.items()}
    first = variants[CASES[0].name]["p50_ms"]
    for values in variants.values():
        values["ratio"] = round(values["p50_ms"] / first, 2)
    goals = dict.fromkeys(variants, "<= 1.5")
    title = f"queue: a page of {LIMIT} of {leads:,} leads, ~{updates:,} score updates/s; ratio of p50 = it / first page"
    print_table(title, variants, goals)
    return {"queue": variants}


async def _time_page(database: Database, case: Case, behind: Position | None) -> float:
    """The milliseconds that the store needs for a page, as the application role."""
    async with database.tenant(case.tenant) as work:
        begun = time.perf_counter()
        found = await page(work, case.filters, after=behind, limit=LIMIT)
        took = (time.perf_counter() - begun) * 1_000
    if len(found.items) != LIMIT:
        raise RuntimeError(f"{case.name}: the page has {len(found.items)} leads instead of {LIMIT}")
    return took


async def _positions(servers: Servers, leads: int) -> dict[str, Position | None]:
    """The position after which each case's page begins; None for a first page."""
    connection = await asyncpg.connect(servers.owner_url("queue", "stages"))
    positions: dict[str, Position | None] = {}
    try:
        for case in CASES:
            row = await connection.fetchrow(
                f"SELECT score_total, last_activity_on, lead_id FROM lead WHERE tenant_id = $1 AND {case.where} "
                "ORDER BY score_total DESC, last_activity_on DESC, lead_id DESC OFFSET $2 LIMIT 1",
                case.tenant,
                min(case.depth, leads // 100) if leads < 1_000_000 else case.depth,
            )
            assert row is not None, f"{case.name} has fewer than {case.depth} leads"
            position: tuple[int, datetime, UUID] = (row[0], row[1], row[2])
            positions[case.name] = position if case.depth else None
    finally:
        await connection.close()
    return positions


@asynccontextmanager
async def _updating(servers: Servers, updates: int) -> AsyncIterator[None]:
    """Change scores in another process, so that this does not slow the measuring one down."""
    command = [sys.executable, "-m", "benchmarks.score_updates", servers.url("queue", "stages"), BIG, str(updates)]
    with (servers.folder / "updating.log").open("ab") as log:
        child: subprocess.Popen[bytes] = process.launch(command, log=log)
    try:
        await asyncio.sleep(2)
        yield
        if child.poll() is not None:
            raise RuntimeError(
                f"the process that updates scores ended early: {process.tail(servers.folder / 'updating.log')}"
            )
    finally:
        await asyncio.to_thread(process.stop, child, signal.SIGTERM, 10)
