"""Signals that wait for their lead are shown, and deleted when it is not captured in time."""

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


async def test_the_newest_event_of_a_lead_has_all_its_facts_though_they_came_before_it(stages, bus, tenant, eventually):
    lead = ALead(bus, tenant)
    lead.replied("interested", time=ago(minutes=3))
    lead.sent(time=ago(minutes=2))
    bus.flush()

    async def waiting():
        async with stages.database.worker() as work:
            rows = await work.fetch("SELECT 1 FROM activity WHERE tenant_id = :t AND folded", t=tenant)
        return len(rows) == 2

    await eventually(waiting)
    lead.captured(time=ago(minutes=9), owner="ann")
    moved, completed = await bus.read("stage.changed", tenant=tenant, count=2)
    assert (moved.data["to"], moved.data["journey"]["contacted"]) == ("engaged", False)
    assert (completed.data["to"], completed.data["rule"], completed.data["journey"]["contacted"]) == (
        "engaged", "fact", True,
    )  # fmt: skip


async def test_an_event_about_an_unknown_lead_is_shown_until_the_lead_is_captured(stages, bus, tenant, eventually):
    first, second = ALead(bus, tenant), ALead(bus, tenant)
    first.sent()
    first.publish("engagement.recorded", {"kind": "visit"})
    second.sent()
    bus.flush()
    async with stages.client(tenant, "service") as api:

        async def waiting(**filters):
            return (await api.get("/v1/waiting", params=filters)).json()

        async def all_wait():
            return len((await waiting())["items"]) == 3

        await eventually(all_wait)
        page = await waiting(limit=2)
        rest = await waiting(limit=2, cursor=page["next_cursor"])
        assert len({item["event_id"] for item in page["items"] + rest["items"]}) == 3
        of_first = (await waiting(lead_id=str(first.id)))["items"]
        assert {item["type"] for item in of_first} == {"message.sent", "engagement.recorded"}
        assert all(item["deleted_on"] > item["recorded_at"] for item in of_first)
        async with stages.client(tenant, "reviewer") as reviewer:
            items = [{"lead_id": str(first.id), "stage": "engaged"}]
            refused = await reviewer.post("/v1/moves", json={"items": items})
        assert refused.json()["results"][0]["status"] == 404
        assert (await waiting(lead_id=str(first.id)))["items"] == of_first, "it waits no longer for that"

        first.captured()

        async def only_second_waits():
            return {item["lead_id"] for item in (await waiting())["items"]} == {str(second.id)}

        await eventually(only_second_waits)
    async with stages.client(f"{tenant}-2", "admin") as api:
        assert (await api.get("/v1/waiting")).json()["items"] == []
