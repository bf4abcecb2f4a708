"""A goals database that was restored from a backup catches up after `rewind`; known events are ignored."""

from datetime import UTC, datetime, timedelta

from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.rewind import rewind
from tests.integration.goals.builders import a_goal, qualified
from tests.unit.goals.builders import moved

TOPICS = [event.type for event in READS["goals"]]


async def reaches(eventually, run, tenant, value):
    async with run.client(tenant) as client:

        async def counted():
            (goal,) = (await client.get("/v1/goals")).json()["items"]
            return goal if goal["current_value"] == value else None

        goal = await eventually(counted, within=60)
        recount = (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()
        assert (recount["equal"], recount["current_value"]) == (True, value)
        return goal


async def start_with_a_goal(own_goals, tenant):
    """The service, running, with a goal of five leads a week."""
    run = await own_goals.start()
    async with run.client(tenant) as client:
        await a_goal(client, target=5)
    return run


async def test_a_rewind_never_skips_what_was_not_read_yet(backend, own_goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    run = await start_with_a_goal(own_goals, tenant)
    publish(*qualified(0, now))
    await reaches(eventually, run, tenant, 1)
    await run.stop()
    publish(*qualified(1, now), *qualified(2, now))
    assert await rewind(Kafka(backend.bootstrap), own_goals.name, TOPICS, datetime.now(UTC) + timedelta(hours=1)) >= 2
    await reaches(eventually, await own_goals.start(), tenant, 3)


async def test_a_database_restored_to_an_hour_ago_catches_up(backend, own_goals, tenant, publish, bus, eventually):
    now = datetime.now(UTC)
    run = await start_with_a_goal(own_goals, tenant)
    publish(*qualified(0, now), *qualified(1, now))
    await reaches(eventually, run, tenant, 2)
    await run.stop()
    await own_goals.back_up()
    run = await own_goals.start()
    publish(moved(0, "lost", origin="qualified", revision=2, created=now, qualified=now, time=now), *qualified(2, now))
    publish(*qualified(3, now), *qualified(4, now), *qualified(5, now))
    before = await reaches(eventually, run, tenant, 5)
    await bus.read("goal.achieved", tenant=tenant)
    await run.stop()

    await own_goals.restore()
    an_hour_ago = await rewind(Kafka(backend.bootstrap), own_goals.name, TOPICS, now - timedelta(hours=1))
    assert an_hour_ago >= 13
    before_kafka = datetime.min.replace(tzinfo=UTC)
    assert await rewind(Kafka(backend.bootstrap), own_goals.name, TOPICS, before_kafka) >= an_hour_ago
    run = await own_goals.start()
    after = await reaches(eventually, run, tenant, 5)
    assert after["goal_id"] == before["goal_id"]
    async with run.client(tenant) as client:

        async def caught_up():
            achieved = (await client.get(f"/v1/goals/{after['goal_id']}")).json()["achieved_on"]
            stages = (await client.get("/v1/pipeline")).json()["stages"]
            return achieved and (stages["qualified"], stages["lost"]) == (5, 1)

        await eventually(caught_up, within=60)
    achieved = await bus.read("goal.achieved", tenant=tenant, count=2)
    assert len({seen.id for seen in achieved}) == 1, "whoever knows the event ignores it"
