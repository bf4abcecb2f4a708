"""The lead queue at a million leads: whether a page costs the same at any depth, size and filter, under updates."""

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

from benchmarks.ground import Ground
from benchmarks.results import Measured, spread, table
from deploy.local import process
from services.stages.rules import OPEN
from services.stages.store.queue import Filters, Position, page
from shared.db import Database

BIG, SMALL, SMALL_LEADS = "big", "small", 10_000
DEPTH = 100_000
LIMIT = 50
_OPEN = ", ".join(f"'{stage.value}'" for stage in sorted(OPEN))

# Scores lean towards the middle, as they do; activity lies within the last ninety days; every third lead has nobody.
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
    """One question to the queue; `where` says its filter in SQL, to find the place at `depth`."""

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


async def measure(ground: Ground, *, leads: int, seconds: float, updates: int) -> Measured:
    """Ask all questions in turn for so many seconds, while `updates` scores a second change."""
    await ground.give_databases("queue")
    began = time.monotonic()
    for tenant, count in ((SMALL, SMALL_LEADS), (BIG, leads)):
        await ground.execute("queue", "stages", _LOAD.format(tenant=tenant, count=count))
    await ground.execute("queue", "stages", "VACUUM ANALYZE")
    print(f"  loaded {leads:,} leads in {time.monotonic() - began:.0f} s", flush=True)
    places = await _places(ground, leads)
    database = Database(ground.url("queue", "stages"), "stages")
    took: dict[str, list[float]] = {case.name: [] for case in CASES}
    try:
        for case in CASES:
            await _ask(database, case, places[case.name])
        async with _updating(ground, updates):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                for case in CASES:
                    took[case.name].append(await _ask(database, case, places[case.name]))
    finally:
        await database.close()
    variants = {name: spread(of_one) for name, of_one in took.items()}
    first = variants[CASES[0].name]["p50_ms"]
    for values in variants.values():
        values["ratio"] = round(values["p50_ms"] / first, 2)
    goals = dict.fromkeys(variants, "<= 1.5")
    title = f"queue: a page of {LIMIT} of {leads:,} leads, ~{updates:,} score updates/s; ratio of p50 = it / first page"
    table(title, variants, goals)
    return {"queue": variants}


async def _ask(database: Database, case: Case, behind: Position | None) -> float:
    """Milliseconds that the store takes for a page, as the application role."""
    async with database.tenant(case.tenant) as work:
        begun = time.perf_counter()
        found = await page(work, case.filters, behind=behind, limit=LIMIT)
        took = (time.perf_counter() - begun) * 1_000
    if len(found.items) != LIMIT:
        raise RuntimeError(f"{case.name}: a page of {len(found.items)}")
    return took


async def _places(ground: Ground, leads: int) -> dict[str, Position | None]:
    """Behind which lead each question asks."""
    connection = await asyncpg.connect(ground.owner_url("queue", "stages"))
    places: dict[str, Position | None] = {}
    try:
        for case in CASES:
            row = await connection.fetchrow(
                f"SELECT score_total, last_activity_on, lead_id FROM lead WHERE tenant_id = $1 AND {case.where} "
                "ORDER BY score_total DESC, last_activity_on DESC, lead_id DESC OFFSET $2 LIMIT 1",
                case.tenant,
                min(case.depth, leads // 100) if leads < 1_000_000 else case.depth,
            )
            assert row is not None, f"{case.name} has fewer than {case.depth} leads"
            place: tuple[int, datetime, UUID] = (row[0], row[1], row[2])
            places[case.name] = place if case.depth else None
    finally:
        await connection.close()
    return places


@asynccontextmanager
async def _updating(ground: Ground, updates: int) -> AsyncIterator[None]:
    """Another process that changes scores, so that it does not stand in the measurement's way."""
    command = [sys.executable, "-m", "benchmarks.updating", ground.url("queue", "stages"), BIG, str(updates)]
    with (ground.folder / "updating.log").open("ab") as log:
        child: subprocess.Popen[bytes] = process.launch(command, log=log)
    try:
        await asyncio.sleep(2)
        yield
        if child.poll() is not None:
            raise RuntimeError(f"the updates ended early: {process.tail(ground.folder / 'updating.log')}")
    finally:
        await asyncio.to_thread(process.stop, child, signal.SIGTERM, 10)
