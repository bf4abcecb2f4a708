"""Models over HTTP: created, tested on a lead, activated, and all leads rescored."""

import asyncio
import json
from typing import Any

import pytest

from services.scoring import store
from services.scoring.workers import rescorer
from shared.ids import uuid7
from tests.integration.scoring.test_scores import Story

OWN = {
    "rules": [
        {
            "id": "from-website",
            "score": "intent",
            "when": {"field": "source", "op": "eq", "value": "website"},
            "points": 21.5,
        },
        {
            "id": "visits",
            "score": "engagement",
            "when": {"engagement": "visit", "op": "exists"},
            "points": 10,
            "half_life_days": 7,
        },
        {"id": "company", "score": "fit", "when": {"field": "company", "op": "exists"}, "points": 35},
    ],
    "caps": {"fit": 30, "intent": 30, "engagement": 30},
    "bands": {"A": 60, "B": 40, "C": 20},
}


@pytest.fixture(scope="module")
async def scoring(start: Any) -> Any:
    return await start("scoring")


@pytest.fixture
def story(bus: Any, tenant: str) -> Story:
    return Story(bus, tenant)


async def test_an_activation_during_a_rescore_supersedes_it(
    start: Any, tenant: str, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rescore's next page starts after the activation has locked the models and before it writes the rescore.
    It is the first test here, so that no worker is running yet."""
    api = await start("scoring", only="api")
    step = rescorer(api.app.state.models)
    pages: list[asyncio.Task[int]] = []
    set_active_model = store.set_active_model

    async def page_waits() -> bool:
        async with api.database.worker() as work:
            return bool(await work.fetch("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))

    async def interrupted(work: Any, *arguments: Any) -> None:
        pages.append(asyncio.create_task(step(api.database)))
        await eventually(page_waits)
        await set_active_model(work, *arguments)

    async with api.client(tenant, "admin") as client:
        await client.post("/v1/models", json=OWN)
        first = (await client.post("/v1/models/2/activate")).json()["rescore_id"]
        monkeypatch.setattr(store, "set_active_model", interrupted)
        second = await client.post("/v1/models/1/activate")
        assert second.status_code == 202, second.text
        await asyncio.gather(*pages)
        assert (await client.get(f"/v1/rescores/{first}")).json()["state"] == "superseded"
        assert (await client.get(f"/v1/rescores/{second.json()['rescore_id']}")).json()["state"] == "done"


async def test_a_model_is_created_tested_and_activated_and_every_lead_is_rescored(
    scoring: Any, bus: Any, tenant: str, eventually: Any
) -> None:
    stories = [Story(bus, tenant) for _ in range(1_203)]
    for story in stories:
        story.captured(company="Acme")
    first = await bus.read("lead.scored", tenant=tenant, count=1_203)
    assert {seen.data["total"] for seen in first} == {10}
    async with scoring.client(tenant, "admin") as client:
        created = await client.post("/v1/models", json=OWN)
        assert (created.status_code, created.json()["version"], created.json()["active"]) == (201, 2, False)
        assert created.json()["rules"] == OWN["rules"]
        tested = (await client.post("/v1/models/2/test", json={"lead_id": str(stories[0].lead)})).json()
        assert (tested["total"], tested["band"], tested["model_version"]) == (52, "B", 2)
        assert {one["rule"]: one["points"] for one in tested["contributions"]} == {
            "company": 35.0,
            "cap": -5.0,
            "from-website": 21.5,
            "rounding": 0.5,
        }
        assert (await client.get(f"/v1/leads/{stories[0].lead}/score")).json()["total"] == 10
        activated = await client.post("/v1/models/2/activate")
        assert activated.status_code == 202
        path = f"/v1/rescores/{activated.json()['rescore_id']}"

        async def done() -> bool:
            return bool((await client.get(path)).json()["state"] == "done")

        await eventually(done)
        progress = (await client.get(path)).json()
        assert (progress["done"], progress["total"]) == (1_203, 1_203)
        rescored = await bus.read(
            "lead.scored", tenant=tenant, where=lambda seen: seen.data["model_version"] == 2, count=1_203
        )
        assert {(seen.data["total"], seen.data["revision"]) for seen in rescored} == {(52, 2)}
        assert len({seen.lead_id for seen in rescored}) == 1_203
        listed = (await client.get("/v1/models")).json()
        assert [(one["version"], one["active"]) for one in listed["items"]] == [(2, True), (1, False)]
        assert (await client.get("/v1/models/1")).json()["caps"] == {"fit": 40, "intent": 30, "engagement": 30}
        late = Story(bus, tenant)
        late.captured()
        assert (await late.scored()).data["model_version"] == 2


async def test_a_rescore_that_is_done_has_no_leads_left_though_some_were_erased_meanwhile(
    scoring: Any, tenant: str
) -> None:
    rescore = uuid7()
    async with scoring.database.tenant(tenant) as work:
        await store.add_rescore(work, tenant, rescore, 1)
        await work.run("UPDATE rescore SET total = 5 WHERE rescore_id = :rescore", rescore=rescore)
        for count, finished in ((4, False), (0, True)):
            await store.record_progress(work, tenant, rescore, count=count, reached=None, finished=finished)
    async with scoring.client(tenant, "admin") as client:
        progress = (await client.get(f"/v1/rescores/{rescore}")).json()
    assert (progress["state"], progress["done"], progress["total"]) == ("done", 4, 4)


async def test_the_built_in_model_can_be_activated_again(scoring: Any, story: Story) -> None:
    story.captured()
    await story.scored(6)
    async with scoring.client(story.tenant) as client:
        await client.post("/v1/models", json=OWN)
        await client.post("/v1/models/2/activate")
        await story.scored(22)
        await client.post("/v1/models/1/activate")
        assert (await story.scored(6, count=2)).data["revision"] == 3


async def test_a_rule_for_what_is_missing_may_count_once_a_day(scoring: Any, story: Story) -> None:
    rule = {"id": "never-came", "score": "fit", "when": {"engagement": "webinar", "op": "lte", "value": 0}, "points": 7}
    story.captured()
    await story.scored(6)
    async with scoring.client(story.tenant) as client:
        created = await client.post("/v1/models", json={"rules": [rule | {"once_a_day": True}]})
        assert created.status_code == 201, created.text
        tested = await client.post("/v1/models/2/test", json={"lead_id": str(story.lead)})
        assert (tested.status_code, tested.json()["total"]) == (200, 7)
        assert (await client.post("/v1/models/2/activate")).status_code == 202
    assert (await story.scored(7)).data["model_version"] == 2


async def test_a_model_that_cannot_be_compiled_is_not_stored(
    scoring: Any, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OverflowError

    async with scoring.client(tenant) as client:
        with monkeypatch.context() as patched:
            patched.setattr("services.scoring.use_cases.models.compile_model", broken)
            assert (await client.post("/v1/models", json=OWN)).status_code == 500
        assert [one["version"] for one in (await client.get("/v1/models")).json()["items"]] == [1]


async def test_models_are_listed_by_version_and_separate_by_tenant(scoring: Any, tenant: str) -> None:
    async with scoring.client(tenant) as client, scoring.client(f"{tenant}-b") as other:
        for _ in range(3):
            await client.post("/v1/models", json=OWN)
        page = (await client.get("/v1/models?limit=2")).json()
        rest = (await client.get("/v1/models", params={"limit": 2, "cursor": page["next_cursor"]})).json()
        assert [one["version"] for one in page["items"] + rest["items"]] == [4, 3, 2, 1]
        assert rest["next_cursor"] is None
        assert [one["version"] for one in (await other.get("/v1/models")).json()["items"]] == [1]
        assert (await other.get("/v1/models/2")).status_code == 404
        assert (await other.post("/v1/models/2/activate")).status_code == 404
        assert (await other.get(f"/v1/rescores/{uuid7()}")).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rules": [{**OWN["rules"][0], "score": "luck"}]}, "rules.0.score"),
        ({"rules": [{**OWN["rules"][0], "when": {"field": "source", "fact": "country"}}]}, "rules.0.when"),
        ({"rules": [{**OWN["rules"][0], "when": {"op": "eq", "value": 1}}]}, "rules.0.when"),
        ({"rules": [{**OWN["rules"][0], "half_life_days": 0}]}, "rules.0.half_life_days"),
        ({"rules": [OWN["rules"][0], OWN["rules"][0]]}, "rules.1.id"),
        ({"bands": {"A": 10, "B": 50, "C": 25}}, "bands"),
        ({"rules": None}, "rules"),
        ({"rules": [{**OWN["rules"][0], "when": {"field": "employees", "op": "gte", "value": 2**64}}]}, "rules.0.when"),
        ({"rules": [{**OWN["rules"][0], "when": {"field": "source", "op": "eq", "value": "\ud83d"}}]}, "rules.0.when"),
        ({"rules": [{**OWN["rules"][0], "id": "\ud83d"}]}, "rules.0.id"),
        ({"rules": [{**OWN["rules"][0], "when": {"field": "\ud83d"}}]}, "rules.0.when.field"),
    ],
)
async def test_an_invalid_model_is_refused_with_the_field_that_is_wrong(
    scoring: Any, tenant: str, change: dict[str, Any], field: str
) -> None:
    async with scoring.client(tenant) as client:
        # As text, because the client's own writer has no escapes, and so no half of a surrogate pair.
        body, headers = json.dumps(OWN | change), {"Content-Type": "application/json"}
        answer = await client.post("/v1/models", content=body, headers=headers)
        assert answer.status_code == 422
        assert field in [error["field"] for error in answer.json()["errors"]]


async def test_only_an_admin_creates_and_activates_models(scoring: Any, tenant: str) -> None:
    async with scoring.client(tenant, "operator") as client:
        assert (await client.post("/v1/models", json=OWN)).status_code == 403
        assert (await client.post("/v1/models/1/activate")).status_code == 403
        assert (await client.get("/v1/models")).status_code == 200


async def test_requests_with_the_same_idempotency_key_create_one_model(scoring: Any, tenant: str) -> None:
    async with scoring.client(tenant) as client:
        answers = [await client.post("/v1/models", json=OWN, headers={"Idempotency-Key": "once"}) for _ in range(2)]
        assert [answer.json()["version"] for answer in answers] == [2, 2]
