"""An empty goals database is rebuilt from what the topics still hold, or from republished state."""

from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from tests.integration.goals.goal_values import goal_values
from tests.unit.goals.builders import booked, captured, merged, moved, updated

GOALS = [
    {"metric": "qualified_created", "period": "month"},
    {"metric": "first_qualified", "period": "month"},
    {"metric": "won", "filter": {"campaign": "spring"}, "period": "month"},
    {"metric": "meetings_held", "period": "quarter"},
]


def history(now, last_month):
    """The events of five leads: won, corrected, kept with an alias, and only captured."""
    first = now - timedelta(hours=2)
    return [
        captured(0, created=last_month, source="fair"),
        updated(0, created=last_month, source="web", campaign="spring"),
        moved(0, "contacted", created=last_month, time=last_month),
        moved(0, "qualified", origin="contacted", revision=2, created=last_month, qualified=first, time=first),
        booked(0, ends=now - timedelta(hours=1), time=first),
        moved(
            0, "won", origin="qualified", revision=3, created=last_month, qualified=first, won=now, meetings=1, time=now
        ),
        captured(1, created=now),
        moved(1, "qualified", created=now, qualified=now, time=now),
        moved(1, "dead", origin="qualified", revision=2, created=now, corrects=[1], time=now),
        captured(2, created=now),
        moved(2, "qualified", created=now, qualified=now, time=now),
        captured(3, created=last_month),
        merged(2, 3, time=now),
        captured(4, created=now),
    ]


async def counted_stages(eventually, run, tenant):
    """Wait until the leads of `history` are in their stages."""

    async def counted():
        async with run.client(tenant) as client:
            stages = (await client.get("/v1/pipeline")).json()["stages"]
            return stages == {**stages, "new": 1, "won": 1, "qualified": 1, "dead": 1}

    await eventually(counted, within=60)


async def test_a_dropped_database_is_rebuilt_from_the_topics(goals, own_goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    last_month = now.replace(day=1) - timedelta(days=5)
    publish(*history(now, last_month))

    async def counted():
        found = await goal_values(goals, tenant, GOALS)
        values = [(metric, value) for metric, _, value in found[0]]
        assert values == [("qualified_created", 0), ("first_qualified", 2), ("won", 1), ("meetings_held", 1)]
        assert found[1][0] == [1]
        return found

    await counted_stages(eventually, goals, tenant)
    before = await eventually(counted, within=60)  # a lead may be in its stage before all of its details are read
    rebuilt = await own_goals.start()
    await counted_stages(eventually, rebuilt, tenant)

    async def counts_as_before():
        assert await goal_values(rebuilt, tenant, GOALS) == before
        return True

    await eventually(counts_as_before, within=60)


async def test_records_of_a_failed_fetch_are_not_lost(goals, own_goals, tenant, publish, eventually, monkeypatch):
    now = datetime.now(UTC)
    publish(*history(now, now.replace(day=1) - timedelta(days=5)))
    await counted_stages(eventually, goals, tenant)
    fetch, lost = AIOKafkaConsumer.getmany, []

    async def fails_once(consumer, **options):
        fetched = await fetch(consumer, **options)
        if fetched and not lost and consumer._group_id.startswith("leadflow_goals_"):
            lost.append(fetched)
            raise KafkaError("the records were fetched and are lost")
        return fetched

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", fails_once)
    rebuilt = await own_goals.start()
    await counted_stages(eventually, rebuilt, tenant)
    assert lost, "no fetch of the new group failed"


async def test_republished_state_alone_gives_the_same_counts(goals, tenant, bus, publish, eventually):
    """Of each lead the newest details and the highest revision, as capture and the stage service republish them."""
    now = datetime.now(UTC)
    last_month = now.replace(day=1) - timedelta(days=5)
    events = history(now, last_month)
    publish(*events)
    await counted_stages(eventually, goals, tenant)
    other = f"{tenant}-b"
    newest = {}
    for event in events:
        kind = "details" if event.type in ("lead.captured", "lead.updated") else event.type
        rank = getattr(event.event, "revision", getattr(event.event, "version", 0))
        if kind != "meeting.booked" and newest.get((event.lead_id, kind), (-1,))[0] < rank:
            newest[event.lead_id, kind] = (rank, event)
    republish = type(publish)(bus, other)
    republish(*(event for _, event in reversed(newest.values())))
    await counted_stages(eventually, goals, other)

    async def counts_as_before():
        assert await goal_values(goals, other, GOALS) == await goal_values(goals, tenant, GOALS)
        return True

    await eventually(counts_as_before, within=60)


async def test_two_replicas_share_the_work_and_agree_with_the_records(goals, own_goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    one, two = await own_goals.start(), await own_goals.start(only="consumers")
    for number in range(60):
        publish(captured(number, created=now), moved(number, "qualified", created=now, qualified=now, time=now))
    async with one.client(tenant) as client:
        goal = (await client.post("/v1/goals", json={"name": "g", "target": 50})).json()

        async def counted():
            return (await client.get(f"/v1/goals/{goal['goal_id']}")).json()["current_value"] == 60

        await eventually(counted, within=60)
        assert (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()["equal"]
    assert two.service.consumer is not None
