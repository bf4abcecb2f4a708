"""Settings that are saved while others save theirs, or while leads are folded by those before."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.stages.rules import Signal
from services.stages.use_cases.lead_batch import LeadBatch
from services.stages.workers import apply_settings
from shared.ids import uuid7
from tests.integration.outreach.meanwhile import waits_for_lock


@pytest.fixture
async def server(backend):
    connection = await asyncpg.connect(backend.owner_url("stages").replace("postgresql+asyncpg", "postgresql"))
    yield connection
    await connection.close()


async def test_settings_that_several_people_save_at_once_are_all_saved(stages, tenant, server, eventually):
    changes = [{"quiet_days": 7}, {"react_within_hours": 3}, {"thresholds": {"hot": {"up": 90, "down": 60}}}]

    async def all_wait():
        return await server.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") >= len(changes)

    async with stages.client(tenant, "admin") as api:
        async with server.transaction():
            await server.execute("LOCK TABLE setting IN SHARE MODE")
            saving = [asyncio.create_task(api.put("/v1/settings", json=change)) for change in changes]
            await eventually(all_wait)
        assert [answer.status_code for answer in await asyncio.gather(*saving)] == [200, 200, 200]
        saved = (await api.get("/v1/settings")).json()
    assert [saved[name] for change in changes for name in change] == [7, 3, {"hot": {"up": 90, "down": 60}}]


async def test_new_settings_hold_from_when_the_leads_could_be_held_for_them(
    stages, captured, tenant, server, eventually
):
    """What was folded while they waited was folded by the settings before, and stays so."""
    (lead,) = await captured()
    async with stages.client(tenant, "admin") as api:
        async with stages.database.worker([tenant]) as work:
            await LeadBatch.lock(work, [(tenant, lead.id)])
            saving = asyncio.create_task(api.put("/v1/settings", json={"quiet_days": 7}))
            await eventually(lambda: waits_for_lock(saving, server))
            folded = await server.fetchval("SELECT clock_timestamp()")
            await asyncio.sleep(0.1)
        assert (await saving).status_code == 200
    assert await server.fetchval("SELECT valid_from FROM setting WHERE tenant_id = $1", tenant) > folded


async def test_a_lead_that_was_folded_by_the_settings_before_has_the_timer_of_the_new_ones(
    stages, captured, tenant, server, eventually
):
    (lead,) = await captured()
    key, at = (tenant, lead.id), datetime.now(UTC)
    sent = Signal(str(uuid7()), "sent", "urn:test", "message.sent", at, at, {"channel": "email"}, lead_id=str(lead.id))
    async with stages.client(tenant, "admin") as api:
        async with stages.database.worker([tenant]) as work:
            batch = await LeadBatch.lock(work, [key])
            saving = asyncio.create_task(api.put("/v1/settings", json={"quiet_days": 7}))
            await eventually(lambda: waits_for_lock(saving, server))
            while await apply_settings(stages.database):
                pass
            await batch.apply_signals({key: [sent]})
        assert (await saving).status_code == 200

    async def has_new_timer():
        async with stages.database.worker() as work:
            row = await work.fetch_one("SELECT stage, next_due FROM lead WHERE lead_id = :lead", lead=lead.id)
        return (row["stage"], row["next_due"]) == ("contacted", at + timedelta(days=7))

    await eventually(has_new_timer)
