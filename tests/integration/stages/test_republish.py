"""Republish: the last `stage.changed` of each lead, under its own id."""

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
