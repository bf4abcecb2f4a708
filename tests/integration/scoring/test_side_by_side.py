"""Batches that several replicas process at the same time, as after a rebalance: every signal counts."""

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.scoring.use_cases import ModelCache, record_signals
from shared.db import RETRY_AT_ONCE, Database, DatabaseError
from shared.events import EngagementRecorded, Envelope, LeadCaptured, LeadMerged, Received
from shared.ids import uuid7
from tests.integration.scoring.test_scores import NOW


def received(event: Any, tenant: str, lead: UUID, minutes: int, id: str) -> Received[Any]:
    at = NOW - timedelta(days=1) + timedelta(minutes=minutes)
    envelope = Envelope(id=id, type=event.type, source="urn:test", time=at, tenant=tenant, subject=str(lead))
    return Received(envelope, event, NOW)


async def process(database: Database, models: ModelCache, batch: list[Received[Any]]) -> None:
    """Process a batch as the consumer does: repeat it after a unique violation or a deadlock."""
    while True:
        try:
            async with database.worker({one.tenant for one in batch}) as work:
                await record_signals(work, models, sorted(batch, key=lambda one: one.order))
            return
        except DatabaseError as error:
            if error.sqlstate not in RETRY_AT_ONCE:
                raise


async def test_concurrent_batches_lose_no_signal(start: Any, tenant: str) -> None:
    scoring = await start("scoring")
    dice = random.Random(7)
    leads = [uuid7() for _ in range(20)]
    events = [
        received(
            LeadCaptured(lead_id=lead, source="website", created_on=NOW, consent=None),
            tenant,
            lead,
            0,
            f"{lead}-captured",
        )
        for lead in leads
    ]
    for lead in leads:
        events += [
            received(EngagementRecorded(kind="visit"), tenant, lead, n, f"{lead}-visit-{n}") for n in range(1, 7)
        ]
    for kept, alias in zip(leads[0:10:2], leads[1:10:2], strict=True):
        merge = LeadMerged(lead_id=kept, alias_id=alias, merge_id=uuid7(), version=1)
        events.append(received(merge, tenant, kept, 9, f"{kept}-merge"))
    events += dice.sample(events, 60)
    dice.shuffle(events)
    batches = [events[start : start + 12] for start in range(0, len(events), 12)]
    databases = [Database(scoring.service.settings.database, "scoring") for _ in range(4)]

    async def replica(database: Database, mine: list[list[Received[Any]]]) -> None:
        models = ModelCache()
        for batch in mine:
            await process(database, models, batch)

    await asyncio.gather(*(replica(database, batches[n::4]) for n, database in enumerate(databases)))
    async with scoring.client(tenant, "viewer") as client:
        for n, lead in enumerate(leads):
            score = (await client.get(f"/v1/leads/{lead}/score")).json()
            assert score["engagement"] == (30 if n < 10 else 17)
    async with scoring.database.worker() as work:
        rows = await work.fetch(
            "SELECT lead_id, engagement, revision FROM lead WHERE tenant_id = :tenant", tenant=tenant
        )
        stored = {row["lead_id"]: row["engagement"] for row in rows}
        kept = [*leads[0:10:2], *leads[10:]]
        assert [stored[lead] for lead in kept] == [30] * 5 + [17] * 10
    for database in databases:
        await database.close()
