"""`GET /v1/leads`: which lead has this external id, e-mail or phone?"""

import pytest

ADA = {"source": "web", "external_id": "7", "email": "ada@acme.example", "phone": "+4915123456789"}


async def found(api, **wanted):
    answer = await api.get("/v1/leads", params=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is None
    return [lead["lead_id"] for lead in answer.json()["items"]]


async def test_a_lead_is_found_by_whatever_identifies_it_in_any_spelling(api):
    lead = (await api.post("/v1/leads", json=ADA)).json()
    await api.post("/v1/leads", json={"source": "web", "external_id": "8", "email": "eve@acme.example"})
    for wanted in (
        {"source": "web", "external_id": "7"},
        {"email": " ADA@Acme.example"},
        {"phone": "+49 151 23456789"},
        {"phone": " 4915123456789"},
        {"source": "web", "email": "ada@acme.example"},
        {"source": "web", "external_id": "7", "email": "ada@acme.example", "phone": "+4915123456789"},
    ):
        assert await found(api, **wanted) == [lead["lead_id"]], wanted
    (item,) = (await api.get("/v1/leads", params={"email": ADA["email"]})).json()["items"]
    assert item == (await api.get(f"/v1/leads/{lead['lead_id']}")).json()


async def test_nobody_is_found_by_what_no_lead_or_only_another_lead_has(capture, api, tenant):
    await api.post("/v1/leads", json=ADA)
    await api.post("/v1/leads", json={"source": "web", "external_id": "8", "email": "eve@acme.example"})
    for wanted in (
        {"source": "fair", "external_id": "7"},
        {"source": "web", "external_id": "9"},
        {"email": "bob@acme.example"},
        {"email": "ada@acme.example", "source": "fair"},
        {"email": "ada@acme.example", "source": "web", "external_id": "8"},
    ):
        assert await found(api, **wanted) == [], wanted
    assert await found(capture.client(f"{tenant}-x", "viewer"), email=ADA["email"]) == []


@pytest.mark.parametrize(
    "wanted", [{}, {"source": "web"}, {"external_id": "7"}, {"email": "nonsense"}, {"phone": "0151 1"}, {"email": ""}]
)
async def test_a_question_that_no_lead_can_answer_is_refused(api, wanted):
    assert (await api.get("/v1/leads", params=wanted)).status_code == 422


async def test_what_an_alias_had_finds_the_kept_lead(api):
    ada = (await api.post("/v1/leads", json=ADA)).json()["lead_id"]
    eve = {"source": "fair", "external_id": "e", "email": "eve@acme.example", "phone": "+4915123456780"}
    alias = (await api.post("/v1/leads", json=eve)).json()["lead_id"]
    assert (await api.post(f"/v1/leads/{ada}/merge", json={"alias_id": alias})).status_code == 201
    for wanted in (
        {"source": "fair", "external_id": "e"},
        {"email": eve["email"]},
        {"phone": eve["phone"]},
        {"email": eve["email"], "phone": ADA["phone"]},
    ):
        assert await found(api, **wanted) == [ada], wanted


async def test_the_leads_that_share_a_phone_come_page_by_page(api):
    shared = {"source": "web", "phone": "+12025550143"}
    for name in "abcde":
        await api.post("/v1/leads", json=shared | {"email": f"{name}@acme.example"})
    emails, cursor = [], {}
    while cursor is not None:
        page = (await api.get("/v1/leads", params={"phone": shared["phone"], "limit": 2, **cursor})).json()
        emails += [lead["email"][0] for lead in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert emails == list("abcde")
