"""Likely duplicates: found after capture by a worker, decided once, and gone with their leads."""

from datetime import datetime
from uuid import UUID

import pytest

from services.capture.rules.matching import DuplicatePair
from services.capture.store import duplicates
from services.capture.use_cases import duplicates as use_cases

JON = {"first_name": "Jonathan", "last_name": "Meyerbeer", "company": "Acme Ltd", "email": "j.meyerbeer@acme.example"}
TYPO = {"first_name": "Jonathon", "last_name": "Meyerber", "company": "ACME Limited", "phone": "+12025550143"}
POISON = {"first_name": "Jonathan", "last_name": "Meyerbeer", "company": "Acme", "email": "j.m@poison.example"}
SWAPPED = {"first_name": "Meyerbeer", "last_name": "Jonathan", "company": "Acme", "email": "jm@home.example"}


@pytest.fixture
def submit(api):
    async def submit(**lead):
        answer = await api.post("/v1/leads", json={"source": "web", **lead})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["lead_id"]

    return submit


@pytest.fixture
def pairs(api, capture, tenant, eventually):
    """The pairs for review, as sets of lead ids, once no lead waits for the search."""

    async def searched():
        async with capture.database.worker() as work:
            return not await work.fetch("SELECT number FROM duplicate_search WHERE tenant_id = :tenant", tenant=tenant)

    async def pairs():
        await eventually(searched)
        listed = (await api.get("/v1/duplicates")).json()["items"]
        found = {frozenset(pair["lead_ids"]): pair for pair in listed}
        assert len(found) == len(listed), "a pair is listed twice"
        return found

    return pairs


async def decide(api, pair, decision, **more):
    answer = await api.post(f"/v1/duplicates/{pair['id']}/decision", json={"decision": decision, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_lead_with_typos_becomes_a_pair_with_a_score_and_reasons_in_plain_words(submit, pairs):
    one, other, third = await submit(**JON), await submit(**TYPO), await submit(email="someone@else.example")
    (pair,) = (await pairs()).values()
    assert set(pair["lead_ids"]) == {one, other}
    assert third not in pair["lead_ids"]
    assert 0.9 < pair["score"] <= 1
    assert pair["reasons"] == ["first names differ by one letter", "last names differ by one letter", "same company"]


async def test_leads_of_one_batch_find_each_other(api, pairs):
    answer = await api.post("/v1/leads/batch", json={"leads": [{"source": "fair", **lead} for lead in (JON, SWAPPED)]})
    ids = {result["lead_id"] for result in answer.json()["results"]}
    assert set(await pairs()) == {frozenset(ids)}


async def test_leads_of_another_tenant_are_never_a_pair(capture, tenant, api, submit, pairs):
    await submit(**JON)
    other = capture.client(f"{tenant}-x", "operator")
    assert (await other.post("/v1/leads", json={"source": "web", **TYPO})).status_code == 201
    assert await pairs() == {}
    assert (await other.get("/v1/duplicates")).json()["items"] == []


async def test_a_distinct_pair_never_comes_back(api, submit, pairs):
    one, other = await submit(**JON), await submit(**TYPO)
    await decide(api, (await pairs())[frozenset({one, other})], "distinct")
    await submit(**JON, job_title="CTO", website="https://acme.example")
    assert await pairs() == {}


async def test_a_distinct_pair_does_not_come_back_when_they_were_merged_by_mistake(api, submit, pairs):
    one, other = await submit(**JON), await submit(**TYPO)
    await decide(api, (await pairs())[frozenset({one, other})], "distinct")
    merged = (await api.post(f"/v1/leads/{one}/merge", json={"alias_id": other})).json()
    await api.post(f"/v1/merges/{merged['merge_id']}/undo")
    assert await pairs() == {}


async def test_a_distinct_pair_does_not_come_back_for_the_lead_that_one_of_them_was_merged_into(api, submit, pairs):
    one, other = await submit(**JON), await submit(**TYPO)
    await decide(api, (await pairs())[frozenset({one, other})], "distinct")
    kept = await submit(**SWAPPED)
    assert set(await pairs()) == {frozenset({kept, one}), frozenset({kept, other})}
    await api.post(f"/v1/leads/{kept}/merge", json={"alias_id": one})
    assert await pairs() == {}


async def test_after_a_merge_its_pairs_are_those_of_the_kept_lead_each_once(api, submit, pairs):
    one, other, kept = await submit(**JON), await submit(**TYPO), await submit(**SWAPPED)
    found = await pairs()
    assert set(found) == {frozenset(two) for two in ((one, other), (one, kept), (other, kept))}
    merged = await decide(api, found[frozenset({one, kept})], "merge", keep=kept)
    assert set(await pairs()) == {frozenset({other, kept})}
    await api.post(f"/v1/merges/{merged['merge_id']}/undo")
    assert set(await pairs()) == set(found)


async def test_a_pair_is_withdrawn_when_a_person_corrects_the_name(api, submit, pairs):
    one, other = await submit(**JON), await submit(**TYPO)
    assert set(await pairs()) == {frozenset({one, other})}
    etag = (await api.get(f"/v1/leads/{other}")).headers["etag"]
    name = {"first_name": "Grace", "last_name": "Hopper"}
    assert (await api.patch(f"/v1/leads/{other}", json=name, headers={"If-Match": etag})).status_code == 200
    assert await pairs() == {}


async def test_a_pair_that_shares_a_phone_is_kept_whatever_the_names(api, submit, pairs):
    one = await submit(email="ada@x.example", phone="+12025550143", full_name="Ada King")
    other = await submit(email="eve@y.example", phone="+12025550143", full_name="Eve Stone")
    (pair,) = (await pairs()).values()
    assert set(pair["lead_ids"]) == {one, other}
    assert pair["score"] < 0.5
    assert {"same phone", "names differ"} <= set(pair["reasons"])


async def test_an_erased_lead_leaves_no_key_and_no_pair(capture, tenant, api, submit, pairs):
    one, other = await submit(**JON), await submit(**TYPO)
    assert len(await pairs()) == 1
    await api.delete(f"/v1/leads/{one}")
    # A search that began before the erasure may store what it read.
    async with capture.database.worker([tenant]) as work:
        await work.run("INSERT INTO blocking_key VALUES (:tenant, 1, :lead)", tenant=tenant, lead=one)
        await duplicates.insert(work, [pair_with(tenant, one, other)], work.now)
    assert await pairs() == {}
    async with capture.database.worker() as work:
        for table, column in (("blocking_key", "lead_id"), ("duplicate", "lead_a"), ("duplicate", "lead_b")):
            assert await work.fetch(f"SELECT tenant_id FROM {table} WHERE {column} = :lead", lead=one) == [], table


def pair_with(tenant, one, other):
    a, b = sorted((UUID(one), UUID(other)))
    return DuplicatePair(tenant, (a, b), 0.9, ("same name",))


async def test_a_lead_that_cannot_be_compared_is_put_off_then_set_aside_and_holds_up_nobody(
    capture, tenant, api, pairs, eventually, monkeypatch
):
    keys_of = use_cases.keys_of

    def fails_on_poison(profile):
        if "poison" in str(profile):
            raise ValueError("this message names a person")
        return keys_of(profile)

    monkeypatch.setattr(use_cases, "keys_of", fails_on_poison)
    leads = [{"source": "fair", **lead} for lead in (JON, POISON, TYPO)]
    answer = await api.post("/v1/leads/batch", json={"leads": leads})
    one, poison, other = (result["lead_id"] for result in answer.json()["results"])
    assert set(await pairs()) == {frozenset({one, other})}

    async def failed():
        return (await api.get("/v1/duplicate-searches")).json()["items"]

    async def again(attempts):
        async def has_failed_again():
            (search,) = await failed()
            return search if search["attempts"] == attempts else None

        async with capture.database.worker([tenant]) as work:
            await work.run("UPDATE failed_search SET due_at = now() - interval '1 hour' WHERE due_at IS NOT NULL")
        capture.service.wake("duplicates")
        return await eventually(has_failed_again)

    def wait(search):
        return (datetime.fromisoformat(search["next_try_on"]) - datetime.fromisoformat(search["failed_on"])).seconds

    (search,) = await failed()
    assert (search["lead_id"], search["state"], search["attempts"], wait(search)) == (poison, "waiting", 1, 60)
    assert "ValueError" in search["reason"] and "person" not in search["reason"]
    search = await again(2)
    assert (search["state"], wait(search)) == ("waiting", 600)
    search = await again(3)
    assert (search["state"], search["next_try_on"]) == ("set_aside", None)
    path = f"/v1/duplicate-searches/{poison}/retry"
    assert (await capture.client(f"{tenant}-x", "operator").post(path)).status_code == 404
    assert (await capture.client(tenant, "viewer").post(path)).status_code == 403
    monkeypatch.undo()
    assert (await api.post(path)).status_code == 202
    assert frozenset({poison, one}) in await pairs()
    assert await failed() == []


async def test_whoever_shares_a_mobile_is_known_again_however_many_share_it(api):
    people = [{"source": "shop", "phone": "+4915123456789", "full_name": f"Person{n} Name{n}"} for n in range(9)]
    leads = [(await api.post("/v1/leads", json=person)).json()["lead_id"] for person in people]
    again = [await api.post("/v1/leads", json=person) for person in people]
    assert [answer.status_code for answer in again] == [200] * len(people)
    assert [answer.json()["lead_id"] for answer in again] == leads
