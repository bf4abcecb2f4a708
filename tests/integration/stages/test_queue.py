"""The lead queue: its order, its filters, its pages."""

import random

from shared.testing.builders import ago


async def read_all(api, **params) -> list[dict]:
    items, cursor = [], None
    while True:
        page = (await api.get("/v1/queue", params={**params, **({"cursor": cursor} if cursor else {})})).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


async def test_the_queue_pages_through_all_leads_best_first(stages, captured, bus, tenant, eventually):
    leads = await captured(25, time=ago(hours=1))
    totals = {str(lead.id): random.choice([10, 30, 60, 60, 90]) for lead in leads[:20]}
    for lead in leads[:20]:
        lead.scored(totals[str(lead.id)])
    leads[3].sent()
    leads[24].publish("contact.opted_out", {"channel": "all", "how": "unsubscribe"})
    async with stages.client(tenant, "viewer") as api:

        async def all_listed():
            items = await read_all(api)
            return len(items) == 24 and sum(1 for item in items if item["band"]) == 20 and items

        items = await eventually(all_listed)
        keys = [(i["score_total"], i["last_activity_on"], i["lead_id"]) for i in items]
        assert keys == sorted(keys, reverse=True)
        assert {i["lead_id"]: i["score_total"] for i in items if i["band"]} == totals
        for limit in (1, 7, 24):
            assert [i["lead_id"] for i in await read_all(api, limit=limit)] == [i["lead_id"] for i in items]

        async def ids(**params):
            return {i["lead_id"] for i in await read_all(api, limit=5, **params)}

        assert await ids(stage="dead") == {str(leads[24].id)} == await ids(status="disqualified")
        assert len(await ids(stage="any")) == 25
        twice = [("stage", "new"), ("stage", "new,contacted"), ("limit", "200")]
        listed = [item["lead_id"] for item in (await api.get("/v1/queue", params=twice)).json()["items"]]
        assert len(listed) == len(set(listed)) == 24, "a stage that is named twice is listed once"
        assert len(await ids(stage="new,any")) == 25, "any is all, whatever stands beside it"
        await eventually(lambda: ids(stage="contacted"))
        assert await ids(stage="contacted") == {str(leads[3].id)}
        assert await ids(band="A") == {id for id, total in totals.items() if total == 90}
        assert await ids(hot=True) == {id for id, total in totals.items() if total == 90}
        assert await ids(hot=False) == {i["lead_id"] for i in items} - await ids(hot=True)
        assert await ids(source="web") == {i["lead_id"] for i in items}
        assert await ids(source="fair") == set()
        empty = dict.fromkeys(("stage", "status", "source", "campaign", "band", "owner", "hot", "cursor"), "")
        for name in empty:
            assert await ids(**{name: ""}) == {i["lead_id"] for i in items}, name
            beside = {"hot": True, "source": "web"} | {name: ""}
            assert await ids(**beside) == await ids(**{key: value for key, value in beside.items() if value}), name
        assert (await api.get("/v1/queue", params=empty)).json()["items"] == items


async def test_an_owner_of_any_length_is_taken_and_found(stages, captured, tenant):
    """Random characters: what Postgres can compress would fit into the index all the same."""
    owner = "".join(chr(random.randrange(0x4E00, 0x9FFF)) for _ in range(1_400))
    (lead,) = await captured(owner=owner)
    async with stages.client(tenant, "viewer") as api:
        (item,) = (await api.get("/v1/queue", params={"owner": owner})).json()["items"]
        assert (item["lead_id"], item["owner"]) == (str(lead.id), owner[:200])
        assert (await api.get("/v1/queue", params={"owner": item["owner"]})).json()["items"] == [item]


async def test_bad_queue_requests_are_refused_with_a_reason(stages, tenant):
    async with stages.client(tenant, "viewer") as api:
        for params in ({"stage": "limbo"}, {"band": "E"}, {"status": "x"}, {"limit": 0}, {"limit": 201}):
            assert (await api.get("/v1/queue", params=params)).status_code == 422, params
        assert (await api.get("/v1/queue", params={"cursor": "nonsense"})).status_code == 422


async def test_total_and_hot_follow_the_same_score_whoever_published_it(stages, captured, tenant, eventually):
    (lead,) = await captured()
    lead.scored(90, time=ago(hours=2), revision=9)
    lead.scored(37, time=ago(hours=1))  # of another system, which counts no revisions
    lead.scored(95, time=ago(hours=3), revision=10)
    async with stages.client(tenant, "viewer") as api:

        async def shown():
            seen = (await api.get(f"/v1/leads/{lead.id}")).json()
            return (seen["score_total"], seen["hot"]) == (37, False)

        await eventually(shown)
