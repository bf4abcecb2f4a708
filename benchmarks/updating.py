"""`python -m benchmarks.updating URL TENANT RATE`: changes so many scores a second, by the stage service's store."""

import asyncio
import random
import sys
import time
from uuid import UUID

from services.stages.store import leads
from shared.db import Database

BATCH = 100


async def run(url: str, tenant: str, rate: int) -> None:
    """Until it is stopped."""
    database = Database(url, "stages", pool_size=1)
    async with database.worker() as work:
        rows = await work.fetch_tuples(
            "SELECT lead_id FROM lead WHERE tenant_id = :tenant AND captured LIMIT 200000", tenant=tenant
        )
    known: list[UUID] = [row[0] for row in rows]
    while True:
        begun = time.monotonic()
        async with database.worker([tenant]) as work:
            standings = await leads.lock(work, [(tenant, lead) for lead in random.sample(known, BATCH)])
            for standing in standings.values():
                standing.score_total = min(100, max(0, standing.score_total + random.randint(-5, 5)))
                standing.score_revision += 1
                standing.scored_at = standing.last_activity_on = work.now
            await leads.save(work, standings.values())
        await asyncio.sleep(max(0.0, BATCH / rate - (time.monotonic() - begun)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
