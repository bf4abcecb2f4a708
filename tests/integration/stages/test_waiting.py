"""Signals that wait for their lead are deleted when it is not captured in time."""

from datetime import timedelta

from services.stages.workers import delete_uncaptured
from shared.testing.builders import ALead, ago


async def test_signals_of_a_lead_that_was_not_captured_in_time_are_deleted(start, bus, tenant, eventually):
    stages = await start("stages", only="consumers")  # without workers, whose timers would follow the clock below
    known = ALead(bus, tenant)
    known.captured()
    strangers = [ALead(bus, tenant), ALead(bus, f"{tenant}-2")]
    for lead in strangers:
        lead.sent(time=ago(minutes=5))
    bus.flush()
    tenants = [tenant, f"{tenant}-2"]

    async def leads():
        async with stages.database.worker() as work:
            rows = await work.fetch("SELECT lead_id FROM lead WHERE tenant_id = ANY (CAST(:t AS text[]))", t=tenants)
        return {row["lead_id"] for row in rows}

    async def all_stored():
        return len(await leads()) == 3

    await eventually(all_stored)
    stages.database.clock.offset = timedelta(days=29)
    try:
        await delete_uncaptured(30)(stages.database)
        assert len(await leads()) == 3
        stages.database.clock.offset = timedelta(days=31)
        assert await delete_uncaptured(30)(stages.database) >= 2
        while await delete_uncaptured(30)(stages.database):
            pass  # other tests leave leads of their own, and one step deletes a page
    finally:
        stages.database.clock.offset = timedelta(0)
    assert await leads() == {known.id}
    async with stages.database.worker() as work:
        rows = await work.fetch(
            "SELECT lead_id FROM activity WHERE tenant_id = ANY (CAST(:t AS text[])) AND type = 'message.sent'",
            t=tenants,
        )
    assert rows == []
