"""Republish: the last `stage.changed` of each lead, under its own id; high revisions, and details stated again."""

from shared.messaging.republish import republish
from shared.testing.builders import ago


async def test_the_last_change_of_each_lead_is_published_again_under_its_id(stages, captured, bus, tenant):
    moved, _ = await captured(2, time=ago(hours=5))
    moved.sent(time=ago(hours=3))
    await bus.read(
        "stage.changed", tenant=tenant, count=1
    )  # were the reply received first, there would be a correction
    moved.replied(time=ago(hours=2))
    _, last = await bus.read("stage.changed", tenant=tenant, count=2)
    assert await republish(stages.database, ["stage.changed"], tenant, ago(days=1)) == {"stage.changed": 1}
    *_, repeated = await bus.read("stage.changed", tenant=tenant, count=3)
    assert (repeated.id, repeated.time) == (last.id, last.time)
    assert repeated.data | {"recorded_at": None} == last.data | {"recorded_at": None, "disqualification_reason": None}


async def test_moves_of_one_instant_stay_in_order_however_high_revisions_are(stages, captured, tenant, eventually):
    (lead,) = await captured(1, time=ago(hours=5))
    async with stages.database.worker([tenant]) as work:
        await work.run("UPDATE lead SET revision = 40000 WHERE tenant_id = :t", t=tenant)

    async def positions(count):
        async def of_moves():
            async with stages.database.worker() as work:
                rows = await work.fetch(
                    "SELECT position FROM activity WHERE tenant_id = :t AND type = 'status_change' ORDER BY revision",
                    t=tenant,
                )
            return [row["position"] for row in rows] if len(rows) == count else None

        return await eventually(of_moves)

    lead.sent(time=ago(hours=3))
    await positions(1)
    lead.replied(time=ago(hours=2))
    first, second = await positions(2)
    assert 0 < first < second


async def test_details_that_are_stated_again_are_no_entry_of_the_timeline(stages, captured, tenant, eventually):
    (lead,) = await captured(1)
    lead.updated([], company="Analytical Ltd")
    lead.updated(["company"], company="Difference Ltd")
    async with stages.client(tenant, "viewer") as api:

        async def updates():
            answer = await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "lead.updated"})
            return answer.json()["items"]

        (entry,) = await eventually(updates)
        assert (await api.get(f"/v1/leads/{lead.id}")).json()["company"] == "Difference Ltd"
    assert "company" in str(entry["data"])
