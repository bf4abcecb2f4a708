"""A goals database that was restored from a backup catches up: `rewind`, and what it knew already is ignored."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from deploy.databases import address
from deploy.migrate import upgrade
from shared.events.readers import READS
from shared.messaging.rewind import rewind
from tests.unit.goals.builders import captured, moved

TOPICS = [event.type for event in READS["goals"]]


class Ground:
    """A goals database and consumer group of its own, which can be copied and put back."""

    def __init__(self, admin, name):
        self.admin = admin
        self.name = name

    async def back_up(self):
        await self.admin.execute(f"CREATE DATABASE {self.name}_backup TEMPLATE {self.name}")

    async def restore(self):
        await self.admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        await self.admin.execute(f"ALTER DATABASE {self.name}_backup RENAME TO {self.name}")


@pytest.fixture
async def ground(backend):
    name = f"leadflow_goals_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(backend.admin_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await upgrade("goals", address(backend.admin_url, name))
    yield Ground(admin, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def begin(backend, start, ground):
    """Start a goals service on that ground."""
    url = backend.url("goals").rpartition("/")[0] + f"/{ground.name}"
    runs = []

    async def begin():
        runs.append(await start("goals", database_url=url, consumer_group=ground.name))
        return runs[-1]

    yield begin
    for run in runs:
        await run.stop()


def qualified(number, at):
    return captured(number, created=at), moved(number, "qualified", created=at, qualified=at, time=at)


async def reaches(eventually, run, tenant, value):
    async with run.client(tenant) as client:

        async def counted():
            (goal,) = (await client.get("/v1/goals")).json()["items"]
            return goal if goal["current_value"] == value else None

        goal = await eventually(counted, within=60)
        recount = (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()
        assert (recount["equal"], recount["current_value"]) == (True, value)
        return goal


async def test_a_database_restored_to_an_hour_ago_catches_up(backend, ground, begin, tenant, tell, bus, eventually):
    now = datetime.now(UTC)
    run = await begin()
    async with run.client(tenant) as client:
        answer = await client.post("/v1/goals", json={"name": "g", "target": 5, "period": "week"})
        assert answer.status_code == 201, answer.text
    tell(*qualified(0, now), *qualified(1, now))
    await reaches(eventually, run, tenant, 2)
    await run.stop()
    await ground.back_up()
    run = await begin()
    tell(moved(0, "lost", origin="qualified", revision=2, created=now, qualified=now, time=now), *qualified(2, now))
    tell(*qualified(3, now), *qualified(4, now), *qualified(5, now))
    before = await reaches(eventually, run, tenant, 5)
    await run.stop()

    await ground.restore()
    assert await rewind(backend.bootstrap, ground.name, TOPICS, now - timedelta(hours=1)) >= 13
    run = await begin()
    after = await reaches(eventually, run, tenant, 5)
    assert after["goal_id"] == before["goal_id"]
    async with run.client(tenant) as client:

        async def caught_up():
            achieved = (await client.get(f"/v1/goals/{after['goal_id']}")).json()["achieved_on"]
            stages = (await client.get("/v1/pipeline")).json()["stages"]
            return achieved and (stages["qualified"], stages["lost"]) == (5, 1)

        await eventually(caught_up, within=60)
