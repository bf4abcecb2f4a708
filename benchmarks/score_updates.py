"""`python -m benchmarks.score_updates URL TENANT RATE`: changes RATE scores a second, through the stages' store."""

import asyncio
import random
import sys
import time
from uuid import UUID

from services.stages.store import leads
from shared.db import Database

BATCH = 100


async def run(url: str, tenant: str, rate: int) -> None:
    """Runs until the process is stopped."""
    database = Database(url, "stages", pool_size=1)
    async with database.worker() as work:
        ids = await work.fetch_tuples(
            "SELECT lead_id FROM lead WHERE tenant_id = :tenant AND captured LIMIT 200000", tenant=tenant
        )
    known: list[UUID] = [id for (id,) in ids]
    while True:
        begun = time.monotonic()
        async with database.worker([tenant]) as work:
            rows = await leads.lock(work, [(tenant, lead) for lead in random.sample(known, BATCH)])
            for row in rows.values():
                row.score_total = min(100, max(0, row.score_total + random.randint(-5, 5)))
                row.score_revision += 1
                row.scored_at = row.last_activity_on = work.now
            await leads.save(work, rows.values())
        await asyncio.sleep(max(0.0, BATCH / rate - (time.monotonic() - begun)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
