"""Roles, refused requests, and the separation of tenants."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.db import DatabaseError
from tests.unit.goals.builders import captured, moved

GOOD = {"name": "50 qualified leads a month", "target": 50}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"target": 0}, "target"),
        ({"target": -3}, "target"),
        ({"target": "50"}, "target"),
        ({"target": 2.5}, "target"),
        ({"target": True}, "target"),
        ({"target": 10**12}, "target"),
        ({"metric": "clicks"}, "metric"),
        ({"period": "fortnight"}, "period"),
        ({"period": "custom"}, "from"),
        ({"period": "custom", "from": "2025-01-01"}, "to"),
        ({"period": "custom", "from": "0001-01-01", "to": "0001-02-01"}, "from"),
        ({"period": "custom", "from": "2025-01-01", "to": "9999-12-31"}, "to"),
        ({"period": "custom", "from": "yesterday", "to": "2025-01-01"}, "from"),
        ({"period": "custom", "from": "2025-02-01", "to": "2025-01-01"}, "to"),
        ({"period": "custom", "from": "2015-02-01", "to": "2025-01-01"}, "period"),
        ({"period": "custom", "from": "20250301", "to": "2025-04-01"}, "from"),
        ({"period": "custom", "from": "2025-03-01", "to": "2025-W13"}, "to"),
        ({"period": "month", "from": "2025-03-01", "to": "2025-04-01"}, "from"),
        ({"to": "2025-04-01"}, "to"),
        ({"timezone": 7}, "timezone"),
        ({"filter": {"colour": "red"}}, "filter.colour"),
        ({"filter": {"source": []}}, "filter.source"),
        ({"filter": "web"}, "filter"),
        ({"working_days": ["monday"]}, "working_days.0"),
        ({"working_days": []}, "working_days"),
    ],
)
async def test_a_bad_goal_is_refused_with_the_field_that_is_wrong(goals, tenant, change, field):
    async with goals.client(tenant) as client:
        answer = await client.post("/v1/goals", json={**GOOD, **change})
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == 422
        assert any(error["field"].startswith(field) for error in problem["errors"]), problem
        assert all(error["message"] for error in problem["errors"])
        assert (await client.get("/v1/goals")).json()["items"] == []


async def test_ends_are_changed_only_where_the_period_is_or_becomes_a_custom_one(goals, tenant):
    async with goals.client(tenant) as client:
        path = f"/v1/goals/{(await client.post('/v1/goals', json=GOOD)).json()['goal_id']}"
        ends = {"from": "2100-03-01", "to": "2100-03-31"}
        refused = await client.patch(path, json=ends)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "from")
        assert (await client.patch(path, json={"from": None, "to": None})).status_code == 200
        custom = await client.patch(path, json={**ends, "period": "custom"})
        assert (custom.json()["from"], custom.json()["to"]) == ("2100-03-01", "2100-03-31")
        assert (await client.patch(path, json={"to": "2100-04-30"})).json()["to"] == "2100-04-30"
        back = await client.patch(path, json={"period": "month", "to": "2100-05-31"})
        assert (back.status_code, back.json()["errors"][0]["field"]) == (422, "to")
        assert "from" not in (await client.patch(path, json={"period": "month"})).json()


async def test_malformed_json_is_400_and_a_zero_character_is_dropped(goals, tenant):
    async with goals.client(tenant) as client:
        broken = await client.post("/v1/goals", content=b"{", headers={"content-type": "application/json"})
        assert broken.status_code == 400
        zero = await client.post("/v1/goals", json={**GOOD, "name": "a\0b"})
        assert (zero.status_code, zero.json()["name"]) == (201, "ab")
        listed = await client.post("/v1/goals", json=[GOOD])
        assert listed.status_code == 422


async def test_a_viewer_reads_and_an_admin_creates_goals(goals, tenant):
    async with goals.client(tenant) as admin, goals.client(tenant, "operator") as operator:
        goal = (await admin.post("/v1/goals", json=GOOD)).json()
        path = f"/v1/goals/{goal['goal_id']}"
        async with goals.client(tenant, "viewer") as viewer:
            assert (await viewer.get(path)).status_code == 200
            assert (await viewer.get("/v1/goals")).json()["items"][0]["goal_id"] == goal["goal_id"]
            assert (await viewer.get("/v1/pipeline")).status_code == 200
            assert (await viewer.get(f"{path}/reports")).status_code == 200
            assert (await viewer.post("/v1/goals", json=GOOD)).status_code == 403
            assert (await viewer.patch(path, json={"target": 3})).status_code == 403
            assert (await viewer.post(f"{path}/recount")).status_code == 403
        assert (await operator.post("/v1/goals", json=GOOD)).status_code == 403
        assert (await operator.post(f"{path}/recount")).status_code == 200
    async with goals.client() as nobody:
        assert (await nobody.get("/v1/goals")).status_code == 401


async def test_another_tenants_goal_is_not_there(goals, tenant):
    async with goals.client(tenant) as client, goals.client(f"{tenant}-b") as other:
        goal = (await client.post("/v1/goals", json=GOOD)).json()
        path = f"/v1/goals/{goal['goal_id']}"
        report = (await client.get(f"{path}/reports")).json()["items"][0]
        for answer in (
            await other.get(path),
            await other.patch(path, json={"target": 1}),
            await other.post(f"{path}/recount"),
            await other.get(f"{path}/reports"),
            await other.get(report["rows"]),
            await client.get(f"/v1/goals/{uuid4()}"),
        ):
            assert answer.status_code == 404
        assert (await other.get("/v1/goals")).json()["items"] == []


async def test_the_application_role_sees_and_writes_one_tenant_only(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    publish(captured(0, created=now), moved(0, "qualified", created=now, time=now))
    async with goals.client(tenant) as client:
        await client.post("/v1/goals", json=GOOD)

        async def there():
            return (await client.get("/v1/pipeline")).json()["stages"]["qualified"] == 1

        await eventually(there)
    tables = ("lead", "step", "series", "series_day", "standing", "tally", "goal", "period")
    async with goals.database.tenant(tenant) as work:
        for table in tables:
            assert (await work.fetch_one(f"SELECT count(*) AS n FROM {table}"))["n"] > 0, table
    async with goals.database.tenant(f"{tenant}-b") as work:
        for table in (*tables, "report_row", "meeting_signal"):
            assert (await work.fetch_one(f"SELECT count(*) AS n FROM {table}"))["n"] == 0, table
    with pytest.raises(DatabaseError, match=r"row-level security|permission denied"):
        async with goals.database.tenant(f"{tenant}-b") as work:
            await work.run(
                "INSERT INTO touched (tenant_id, series_id) VALUES (:tenant, gen_random_uuid())", tenant=tenant
            )
    with pytest.raises(DatabaseError, match="permission denied"):
        async with goals.database.tenant(tenant) as work:
            await work.run("UPDATE lead SET status = 'qualified'")
    with pytest.raises(DatabaseError, match="row-level security"):
        async with goals.database.worker([f"{tenant}-b"]) as work:
            await work.run("INSERT INTO standing VALUES (:tenant, 'new', 0, 1)", tenant=tenant)
    async with goals.database.worker([f"{tenant}-b"]) as work:
        assert await work.run("UPDATE lead SET status = 'x' WHERE tenant_id = :tenant", tenant=tenant) == 0


async def test_the_same_idempotency_key_creates_one_goal(goals, tenant):
    async with goals.client(tenant) as client:
        headers = {"Idempotency-Key": "k-1"}
        first = await client.post("/v1/goals", json=GOOD, headers=headers)
        repeated = await client.post("/v1/goals", json=GOOD, headers=headers)
        other = await client.post("/v1/goals", json={**GOOD, "target": 9}, headers=headers)
        assert (first.status_code, repeated.status_code, other.status_code) == (201, 201, 422)
        assert first.json()["goal_id"] == repeated.json()["goal_id"]
        assert len((await client.get("/v1/goals")).json()["items"]) == 1


async def test_goals_are_paged(goals, tenant):
    async with goals.client(tenant) as client:
        made = [
            (await client.post("/v1/goals", json={**GOOD, "name": f"goal {n}"})).json()["goal_id"] for n in range(5)
        ]
        seen, cursor = [], None
        while True:
            page = (await client.get("/v1/goals", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
            seen += [item["goal_id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == made
        assert (await client.get("/v1/goals", params={"cursor": "nonsense"})).status_code == 422
        assert (await client.get("/v1/goals", params={"limit": 500})).status_code == 422
        assert (await client.get("/v1/goals/no-uuid")).status_code in (404, 422)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2025-02-01&to=2025-01-01",
        "to=2025-13-01",
        "to=20250301",
        "from=2025-W13",
        "from=2025-01-01T25:00:00Z",
    ],
)
async def test_a_bad_range_of_the_pipeline_is_refused(goals, tenant, query):
    async with goals.client(tenant) as client:
        answer = await client.get(f"/v1/pipeline?{query}")
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] in ("from", "to")


async def test_what_is_missing_is_shown_through_the_rates_of_the_steps(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    for number in range(8):
        publish(captured(number, created=now))
    for number in range(4):
        publish(moved(number, "contacted", created=now, time=now))
    publish(moved(0, "qualified", origin="contacted", revision=2, created=now, qualified=now, time=now))
    async with goals.client(tenant) as client:
        goal = (await client.post("/v1/goals", json={**GOOD, "target": 11})).json()

        async def counted():
            shown = (await client.get(f"/v1/goals/{goal['goal_id']}")).json()
            return shown if shown["current_value"] == 1 and shown["missing"]["steps"][0]["reached"] == 8 else None

        shown = await eventually(counted)
        assert shown["missing"]["missing"] == 10
        assert shown["missing"]["captured_leads"] == 80
        assert [(step["step"], step["needed"]) for step in shown["missing"]["steps"]] == [
            ("captured", 80),
            ("contacted", 40),
            ("qualified", 10),
        ]
        assert shown["forecast"]["low"] <= shown["forecast"]["expected"] <= shown["forecast"]["high"]
        assert shown["forecast"]["method"]
        assert shown["pace"]["state"] in ("ahead", "on_track", "behind")
