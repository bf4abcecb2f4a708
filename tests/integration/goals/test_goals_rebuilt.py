"""A dropped goals database builds itself again: from what the topics still hold, or from republished state."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from deploy.databases import address
from deploy.migrate import upgrade
from tests.unit.goals.builders import booked, captured, merged, moved, updated


@pytest.fixture
async def empty(backend, start):
    """A goals service on a database that was just made, which knows nothing yet."""
    name = f"leadflow_goals_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(backend.admin_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await upgrade("goals", address(backend.admin_url, name))
    url = backend.url("goals").rpartition("/")[0] + f"/{name}"
    runs = []

    async def begin(**settings):
        run = await start("goals", database_url=url, consumer_group=name, **settings)
        runs.append(run)
        return run

    yield begin
    for run in runs:
        await run.stop()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def history(now, last_month):
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


GOALS = [
    {"metric": "qualified_created", "period": "month"},
    {"metric": "first_qualified", "period": "month"},
    {"metric": "won", "filter": {"campaign": "spring"}, "period": "month"},
    {"metric": "meetings_held", "period": "quarter"},
]


async def values(run, tenant):
    """The value of each goal and its report, and where the leads stand."""
    async with run.client(tenant) as client:
        listed = (await client.get("/v1/goals")).json()["items"]
        if not listed:
            for wanted in GOALS:
                answer = await client.post("/v1/goals", json={"name": wanted["metric"], "target": 9, **wanted})
                assert answer.status_code == 201, answer.text
            listed = (await client.get("/v1/goals")).json()["items"]
        counts = [(goal["metric"], goal["current_value"]) for goal in listed]
        reports = []
        for goal in listed:
            items = (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"]
            reports.append([item["restated"] or item["value"] for item in items])
            assert (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()["equal"]
        stages = (await client.get("/v1/pipeline")).json()["stages"]
        return counts, reports, {stage: number for stage, number in stages.items() if number}


async def settled(eventually, run, tenant, number):
    async def there():
        async with run.client(tenant) as client:
            pipeline = (await client.get("/v1/pipeline")).json()
            return pipeline["stages"] == {**pipeline["stages"], "new": 1, "won": 1, "qualified": 1, "dead": 1}

    await eventually(there, within=60)


async def test_a_dropped_database_is_rebuilt_from_the_topics(goals, empty, tenant, tell, eventually):
    now = datetime.now(UTC)
    last_month = now.replace(day=1) - timedelta(days=5)
    tell(*history(now, last_month))
    await settled(eventually, goals, tenant, 4)
    before = await values(goals, tenant)
    assert before[0] == [("qualified_created", 0), ("first_qualified", 2), ("won", 1), ("meetings_held", 1)]
    assert before[1][0] == [1]
    rebuilt = await empty()
    await settled(eventually, rebuilt, tenant, 4)

    async def counts_as_before():
        assert await values(rebuilt, tenant) == before
        return True

    await eventually(counts_as_before, within=60)  # a lead stands in its stage before all of its details are read


async def test_what_a_failed_fetch_had_taken_is_read_again(goals, empty, tenant, tell, eventually, monkeypatch):
    now = datetime.now(UTC)
    tell(*history(now, now.replace(day=1) - timedelta(days=5)))
    await settled(eventually, goals, tenant, 4)
    fetch, lost = AIOKafkaConsumer.getmany, []

    async def fails_once(consumer, **options):
        fetched = await fetch(consumer, **options)
        if fetched and not lost and consumer._group_id.startswith("leadflow_goals_"):
            lost.append(fetched)
            raise KafkaError("the records are taken, and nobody gets them")
        return fetched

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", fails_once)
    rebuilt = await empty()
    await settled(eventually, rebuilt, tenant, 4)
    assert lost, "the group is new: nothing was ever committed in it"


async def test_republished_state_alone_gives_the_same_counts(goals, tenant, bus, tell, eventually):
    """What capture and the stage service republish: of each lead the newest details and the highest revision."""
    now = datetime.now(UTC)
    last_month = now.replace(day=1) - timedelta(days=5)
    told = history(now, last_month)
    tell(*told)
    await settled(eventually, goals, tenant, 4)
    other = f"{tenant}-again"
    newest = {}
    for event in told:
        kind = "details" if event.type in ("lead.captured", "lead.updated") else event.type
        rank = getattr(event.event, "revision", getattr(event.event, "version", 0))
        if kind != "meeting.booked" and newest.get((event.lead_id, kind), (-1,))[0] < rank:
            newest[event.lead_id, kind] = (rank, event)
    again = type(tell)(bus, other)
    again(*(event for _, event in reversed(newest.values())))
    await settled(eventually, goals, other, 4)
    assert await values(goals, other) == await values(goals, tenant)


async def test_two_replicas_share_the_work_and_agree_with_the_rows(goals, empty, tenant, tell, eventually):
    now = datetime.now(UTC)
    one, two = await empty(), await empty(only="consumers")
    for number in range(60):
        tell(captured(number, created=now), moved(number, "qualified", created=now, qualified=now, time=now))
    async with one.client(tenant) as client:
        goal = (await client.post("/v1/goals", json={"name": "g", "target": 50})).json()

        async def counted():
            return (await client.get(f"/v1/goals/{goal['goal_id']}")).json()["current_value"] == 60

        await eventually(counted, within=60)
        assert (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()["equal"]
    assert two.service.consumer is not None
