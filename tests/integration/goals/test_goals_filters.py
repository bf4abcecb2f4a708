"""Filters: of any length, in any order and form, and written as leads are."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg

from deploy.databases import address
from deploy.migrate import upgrade
from services.goals.use_cases.progress import publish_changed_goals
from tests.integration.goals.builders import path_of_a_goal, qualified
from tests.unit.goals.builders import moved


async def value(client, path):
    return (await client.get(path)).json()["current_value"]


async def test_a_filter_may_be_as_long_as_a_request(api, tenant, record):
    # Nothing of it can be stored compressed.
    long = [f"{uuid4().hex}{uuid4().hex}" for _ in range(100)]
    async with api.client(tenant) as client:
        everything = {"source": long, "campaign": long, "owner": long}
        paths = [await path_of_a_goal(client, filter=everything) for _ in range(2)]
        await record(*qualified(0, source=long[7], campaign=long[8], owner=long[9]))
        assert [await value(client, path) for path in paths] == [1, 1]
    async with api.database.tenant(tenant) as work:
        rows = await work.fetch("SELECT asked FROM series WHERE metric = 'qualified_created'")
    assert [len(row["asked"]) for row in rows] == [64], "one series for one definition"


async def test_the_same_filter_in_another_order_or_form_changes_nothing(api, tenant, record):
    async with api.client(tenant) as client:
        path = await path_of_a_goal(client, target=1, filter={"source": ["web", "fair"], "campaign": "spring"})
        await record(*qualified(0, campaign="spring"))
        await publish_changed_goals(api.database, timedelta(0))
        achieved = (await client.get(path)).json()["achieved_on"]
        assert achieved
        for same in (
            {"campaign": "spring", "source": ["fair", "web", "web"]},
            {"campaign": ["spring"], "source": ["web", "fair"]},
            {"campaign": " spring", "source": ["web", "fair"]},
        ):
            changed = await client.patch(path, json={"filter": same})
            assert (changed.status_code, changed.json()["achieved_on"]) == (200, achieved), changed.text


async def test_a_filter_is_cleaned_as_leads_are(api, tenant, record):
    written = {"source": "  Cafe\u0301  du   Nord ", "owner": ["Ann\u00a0 Lee\u200b"]}
    async with api.client(tenant) as client:
        path = await path_of_a_goal(client, filter=written)
        assert (await client.get(path)).json()["filter"] == {"source": "Caf\u00e9 du Nord", "owner": ["Ann Lee"]}
        await record(*qualified(0, source="Caf\u00e9 du Nord", owner="Ann Lee"))
        # The stage service passes on an owner as somebody wrote it.
        now = datetime.now(UTC)
        owner = {"owner": "Ann  Lee ", "revision": 2, "created": now, "qualified": now, "time": now}
        await record(moved(0, "qualified", origin="qualified", **owner))
        assert await value(client, path) == 1
        recount = (await client.post(f"{path}/recount")).json()
        assert (recount["current_value"], recount["equal"]) == (1, True)
        blank = await client.post("/v1/goals", json={"name": "g", "target": 1, "filter": {"source": " \u200b "}})
        assert blank.status_code == 422
        assert blank.json()["errors"][0]["field"].startswith("filter.source")


async def test_the_definitions_of_an_earlier_release_become_digests(backend, own_goals, tenant):
    run = await own_goals.start(only="api")
    async with run.client(tenant) as client:
        path = await path_of_a_goal(client, filter={"source": ["web", "fair"]})
    owner = address(backend.admin_url, own_goals.name)
    connection = await asyncpg.connect(owner)
    try:
        stored = await connection.fetch("SELECT series_id, asked FROM series ORDER BY series_id")
        await connection.execute(
            "UPDATE series SET asked = $1", json.dumps([[["source", ["fair", "web"]]], [None, None]])
        )
        await connection.execute("UPDATE alembic_version SET version_num = '0004'")
        await upgrade("goals", owner)
        assert await connection.fetch("SELECT series_id, asked FROM series ORDER BY series_id") == stored
    finally:
        await connection.close()
    async with run.client(tenant) as client:
        assert (await client.post(f"{path}/recount")).json()["equal"]
