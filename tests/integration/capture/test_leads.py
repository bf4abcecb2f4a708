"""Leads over HTTP, on the real broker and database."""

import asyncio
from uuid import uuid4

import pytest

ADA = {"source": "web", "email": "Ada@Acme.example", "first_name": "Ada", "company": "Acme"}


def row_filter(lead_id):
    return lambda seen: seen.data.get("lead_id") == lead_id


async def test_a_new_lead_is_normalised_stored_and_published(api, bus, tenant):
    answer = await api.post(
        "/v1/leads", json=ADA | {"phone": "0151 23456789", "country": "Germany", "external_id": "7"}
    )
    assert answer.status_code == 201
    lead = answer.json()
    assert (lead["email"], lead["phone"], lead["country"]) == ("ada@acme.example", "+4915123456789", "DE")
    assert lead["consent"] == {"email": "unknown", "sms": "unknown"}
    assert answer.headers["etag"] == '"1"'
    (event,) = await bus.read("lead.captured", tenant=tenant)
    assert event.lead_id == event.key == lead["lead_id"] == event.data["lead_id"]
    assert event.headers["ce_source"] == "urn:leadflow:capture"
    assert event.headers["ce_sequence"] == "1"
    assert {name: event.data[name] for name in ("source", "email", "phone", "external_id", "company", "version")} == {
        "source": "web",
        "email": "ada@acme.example",
        "phone": "+4915123456789",
        "external_id": "7",
        "company": "Acme",
        "version": 1,
    }
    read = await api.get(f"/v1/leads/{lead['lead_id']}")
    assert read.json() == lead | {"aliases": []}


async def test_a_repeated_external_id_is_the_same_lead_and_publishes_nothing(api, bus, tenant):
    first = await api.post("/v1/leads", json=ADA | {"external_id": "7"})
    again = await api.post("/v1/leads", json=ADA | {"external_id": "7"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["lead_id"] == again.json()["lead_id"]
    changed = await api.post("/v1/leads", json={"source": "web", "external_id": "7", "email": "ada@new.example"})
    assert (changed.status_code, changed.json()["email"], changed.json()["version"]) == (200, "ada@new.example", 2)
    (update,) = await bus.read("lead.updated", tenant=tenant)
    assert (update.data["changed"], update.data["version"], update.data["company"]) == (["email"], 2, "Acme")
    assert len(bus.seen("lead.captured", tenant=tenant)) == 1


async def test_a_known_email_or_mobile_phone_updates_the_lead(api):
    first = (await api.post("/v1/leads", json=ADA)).json()
    by_mail = await api.post(
        "/v1/leads", json={"source": "fair", "email": "ADA@acme.example", "phone": "+4915123456789"}
    )
    by_phone = await api.post("/v1/leads", json={"source": "call", "phone": "+49 151 23456789", "first_name": "Ada"})
    assert [by_mail.status_code, by_phone.status_code] == [200, 200]
    assert {by_mail.json()["lead_id"], by_phone.json()["lead_id"]} == {first["lead_id"]}
    assert by_phone.json()["source"] == "web"


async def test_bad_content_is_refused_by_field_and_malformed_json_at_once(api):
    bad = await api.post("/v1/leads", json={"source": "web", "email": "nonsense", "attributes": {"secret": "x"}})
    assert bad.status_code == 422
    assert [error["field"] for error in bad.json()["errors"]] == ["email"]
    assert "nonsense" not in bad.text
    assert (await api.post("/v1/leads", json={"email": "a@b.example"})).status_code == 422
    assert (await api.post("/v1/leads", json={"source": "web"})).status_code == 422
    malformed = await api.post("/v1/leads", content=b"{", headers={"Content-Type": "application/json"})
    assert malformed.status_code == 400


async def test_a_bad_phone_beside_a_good_email_is_left_out_with_a_warning(api):
    answer = await api.post("/v1/leads", json=ADA | {"phone": "call me"})
    assert answer.status_code == 201
    assert "phone" not in answer.json()
    assert [warning["field"] for warning in answer.json()["warnings"]] == ["phone"]


async def test_characters_that_the_database_refuses_are_removed(api):
    answer = await api.post(
        "/v1/leads", json=ADA | {"last_name": "L\u0000o", "attributes": {"a\u0000": ["\u0000b", 2**80]}}
    )
    assert answer.status_code == 201
    assert answer.json()["last_name"] == "Lo"
    assert answer.json()["attributes"] == {"a": ["b", str(2**80)]}


async def test_a_batch_answers_for_each_lead_in_order(api):
    known = (await api.post("/v1/leads", json=ADA)).json()
    leads = [
        {"source": "web", "email": "one@x.example"},
        {"source": "web", "email": "nonsense"},
        ADA,
        "no object",
        {"source": "web", "email": "one@x.example", "company": "One"},
        {"source": "web", "email": "two@x.example", "phone": "nonsense"},
        {"source": "web", "email": 5},
    ]
    answer = await api.post("/v1/leads/batch", json={"leads": leads})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, 422, 200, 422, 200, 201, 422]
    assert results[2]["lead_id"] == known["lead_id"]
    assert results[0]["lead_id"] == results[4]["lead_id"] != results[5]["lead_id"]
    assert results[1]["errors"][0]["field"] == "email"
    assert results[5]["warnings"][0]["field"] == "phone"
    assert (await api.get(f"/v1/leads/{results[0]['lead_id']}")).json()["company"] == "One"


async def test_a_batch_has_at_most_a_thousand_leads(api, bus, tenant):
    leads = [{"source": "web", "external_id": str(n), "email": f"{n}@x.example"} for n in range(1_001)]
    assert (await api.post("/v1/leads/batch", json={"leads": leads})).status_code == 422
    results = (await api.post("/v1/leads/batch", json={"leads": leads[:1_000]})).json()["results"]
    assert [result["status"] for result in results] == [201] * 1_000
    again = (await api.post("/v1/leads/batch", json={"leads": leads[:1_000]})).json()["results"]
    assert [r["status"] for r in again] == [200] * 1_000
    assert [r["lead_id"] for r in again] == [r["lead_id"] for r in results]
    assert len(await bus.read("lead.captured", tenant=tenant, count=1_000)) == 1_000


async def test_an_idempotency_key_answers_the_same_and_refuses_another_body(api, bus, tenant):
    headers = {"Idempotency-Key": "k1"}
    first = await api.post("/v1/leads", json=ADA, headers=headers)
    again = await api.post("/v1/leads", json=ADA, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await api.post("/v1/leads", json=ADA | {"company": "Other"}, headers=headers)
    assert other.status_code == 422


async def test_an_edit_needs_the_present_etag(api, bus, tenant):
    lead = (await api.post("/v1/leads", json=ADA)).json()
    path = f"/v1/leads/{lead['lead_id']}"
    assert (await api.patch(path, json={"company": "New"})).status_code == 428
    assert (await api.patch(path, json={"company": "New"}, headers={"If-Match": '"9"'})).status_code == 412
    done = await api.patch(path, json={"company": "New", "first_name": None}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["company"], done.headers["etag"]) == (200, "New", '"2"')
    assert "first_name" not in done.json()
    (update,) = await bus.read("lead.updated", tenant=tenant)
    assert update.data["changed"] == ["company", "first_name"]
    later = await api.post("/v1/leads", json=ADA | {"job_title": "CTO"})
    assert (later.json()["company"], later.json()["job_title"]) == ("New", "CTO")
    assert "first_name" not in later.json()


async def test_an_edit_with_a_bad_value_or_another_lead_s_email_is_refused(api):
    lead = (await api.post("/v1/leads", json=ADA)).json()
    await api.post("/v1/leads", json={"source": "web", "email": "eve@acme.example"})
    path, headers = f"/v1/leads/{lead['lead_id']}", {"If-Match": '"1"'}
    assert (await api.patch(path, json={"email": "eve@acme.example"}, headers=headers)).status_code == 409
    for body in ({"email": None}, {"email": "x"}, {"phone": "123"}, {"owner": "bob"}, {"company": 5}):
        assert (await api.patch(path, json=body, headers=headers)).status_code == 422, body
    assert (await api.patch(f"/v1/leads/{uuid4()}", json={}, headers=headers)).status_code == 404
    whole = await api.patch(path, json=lead, headers=headers)
    assert (whole.status_code, whole.json()["version"]) == (200, 1)


async def test_unknown_fields_of_an_edit_are_ignored(api):
    answer = await api.post("/v1/leads", json=ADA | {"phone": "call me"})
    lead = answer.json()
    assert lead["warnings"]
    path, headers = f"/v1/leads/{lead['lead_id']}", {"If-Match": answer.headers["etag"]}
    done = await api.patch(path, json=lead | {"company": "New", "shoe_size": 9}, headers=headers)
    assert (done.status_code, done.json()["company"]) == (200, "New"), done.text


async def test_a_national_number_in_an_edit_is_read_with_the_country_of_the_lead(api):
    lead = (await api.post("/v1/leads", json=ADA | {"country": "DE"})).json()
    done = await api.patch(f"/v1/leads/{lead['lead_id']}", json={"phone": "0151 23456789"}, headers={"If-Match": '"1"'})
    assert done.json()["phone"] == "+4915123456789"


async def test_concurrent_requests_with_the_same_new_email_make_one_lead(api, bus, tenant):
    for round in range(5):
        answers = await asyncio.gather(
            *(api.post("/v1/leads", json={"source": f"s{n}", "email": f"race{round}@x.example"}) for n in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["lead_id"] for answer in answers}) == 1
    assert len(await bus.read("lead.captured", tenant=tenant, count=5)) == 5


async def test_concurrent_requests_with_the_same_new_mobile_phone_make_one_lead(api):
    answers = await asyncio.gather(
        *(api.post("/v1/leads", json={"source": f"s{n}", "phone": "+4915123456789"}) for n in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]


@pytest.mark.parametrize(
    "known_by",
    [
        lambda n: {"external_id": str(n), "email": f"{n}@x.example"},
        lambda n: {"email": f"{n}@x.example"},
        lambda n: {"phone": f"+4915123456{n:03d}"},
    ],
    ids=["external id", "email", "phone"],
)
async def test_concurrent_batches_in_opposite_order_make_each_lead_once(api, bus, tenant, known_by):
    leads = [{"source": "web", **known_by(n)} for n in range(200)]
    batches = [leads, leads[::-1], leads[100:] + leads[:100], leads]
    answers = await asyncio.gather(*(api.post("/v1/leads/batch", json={"leads": batch}) for batch in batches))
    assert [answer.status_code for answer in answers] == [200] * 4
    statuses = [result["status"] for answer in answers for result in answer.json()["results"]]
    assert (statuses.count(201), statuses.count(200)) == (200, 600)
    assert len(await bus.read("lead.captured", tenant=tenant, count=200)) == 200


async def test_the_same_phone_with_another_email_is_a_pair_for_review(api):
    ada = (await api.post("/v1/leads", json=ADA | {"phone": "+12025550143"})).json()
    eve = (
        await api.post("/v1/leads", json={"source": "web", "email": "eve@x.example", "phone": "+12025550143"})
    ).json()
    (pair,) = (await api.get("/v1/duplicates")).json()["items"]
    assert pair["lead_ids"] == [ada["lead_id"], eve["lead_id"]]
    assert pair["reasons"] == ["same phone", "e-mails differ", "companies differ"]
    path = f"/v1/duplicates/{pair['id']}/decision"
    assert (await api.post(path, json={"decision": "perhaps"})).status_code == 422
    assert (await api.post(path, json={"decision": "distinct"})).status_code == 200
    assert (await api.post(path, json={"decision": "merge"})).status_code == 409
    assert (await api.get("/v1/duplicates")).json() == {"items": [], "next_cursor": None}


async def test_engagement_is_published_for_a_known_lead(api, bus, tenant):
    lead = (await api.post("/v1/leads", json=ADA)).json()
    body = {"lead_id": lead["lead_id"], "kind": "visit", "url": "https://acme.example/pricing", "properties": {"s": 3}}
    answer = await api.post("/v1/engagements", json=body | {"occurred_at": "2026-01-02T03:04:05+02:00"})
    assert answer.status_code == 201
    (event,) = await bus.read("engagement.recorded", tenant=tenant)
    assert (event.id, event.lead_id) == (answer.json()["event_id"], lead["lead_id"])
    assert event.headers["ce_time"] == "2026-01-02T01:04:05Z"
    assert event.data == {"kind": "visit", "url": "https://acme.example/pricing", "properties": {"s": 3}}
    assert (await api.post("/v1/engagements", json=body | {"lead_id": str(uuid4())})).status_code == 404
    assert (await api.post("/v1/engagements", json=body | {"kind": ""})).status_code == 422
    for at in (
        "2126-01-01T00:00:00Z",
        "1999-12-31T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ):
        answer = await api.post("/v1/engagements", json=body | {"occurred_at": at})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "occurred_at"), at


async def test_a_time_of_consent_that_is_none_affects_no_other_lead_of_a_batch(api):
    times = ["0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "1999-12-31T00:00:00Z"]
    submitted = [
        {"source": "w", "email": f"{n}@x.example", "consent": {"email": "granted", "at": at}}
        for n, at in enumerate(times)
    ]
    answer = await api.post("/v1/leads/batch", json={"leads": submitted})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [422, 201, 201, 422]
    assert [result["errors"][0]["field"] for result in results if "errors" in result] == ["consent.at"] * 2


async def test_the_attributes_of_a_lead_are_bounded_in_all(api):
    lead = (await api.post("/v1/leads", json=ADA | {"attributes": {f"a{n}": n for n in range(190)}})).json()
    more = {"a0": "changed", **{f"b{n}": n for n in range(20)}}
    answer = (await api.post("/v1/leads", json=ADA | {"attributes": more})).json()
    assert len(answer["attributes"]) == 200 and answer["attributes"]["a0"] == "changed"
    assert "b10, b11" in answer["warnings"][0]["message"]
    path = f"/v1/leads/{lead['lead_id']}"
    refused = await api.patch(path, json={"attributes": {"c": 1}}, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "attributes")
    cleared = await api.patch(path, json={"attributes": {"a1": None}}, headers={"If-Match": "*"})
    assert cleared.status_code == 200, cleared.text
    added = await api.patch(path, json={"attributes": {"c": 1}}, headers={"If-Match": "*"})
    assert added.status_code == 200, added.text


async def test_a_kind_of_engagement_may_be_the_tenant_s_own(api, bus, tenant):
    lead = (await api.post("/v1/leads", json=ADA)).json()
    body = {"lead_id": lead["lead_id"], "kind": " Demo  request "}
    assert (await api.post("/v1/engagements", json=body)).status_code == 201
    (event,) = await bus.read("engagement.recorded", tenant=tenant)
    assert event.data == {"kind": "Demo request"}
    for kind in (" ", "\0", "x" * 101, 5, None):
        assert (await api.post("/v1/engagements", json=body | {"kind": kind})).status_code == 422, kind


async def test_an_engagement_is_published_without_the_characters_that_consumers_refuse(api, bus, tenant):
    lead = (await api.post("/v1/leads", json=ADA)).json()
    body = (
        b'{"lead_id": "%s", "kind": "vis\\u0000it", "page": "/pri\\u0000cing", "url": "\\u0000",'
        b' "properties": {"a\\u0000": ["\\ud800b", {"c": "\\u0000"}], "n": 1e3, "big": %d}}'
    ) % (lead["lead_id"].encode(), 2**80)
    answer = await api.post("/v1/engagements", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    (event,) = await bus.read("engagement.recorded", tenant=tenant)
    assert event.data == {
        "kind": "visit",
        "page": "/pricing",
        "properties": {"a": ["b", {"c": ""}], "n": 1000.0, "big": str(2**80)},
    }


async def test_each_role_may_do_what_the_contract_lists(capture, tenant):
    service = capture.client(tenant, "service")
    lead = (await service.post("/v1/leads", json=ADA)).json()
    path = f"/v1/leads/{lead['lead_id']}"
    assert (await service.get(path)).status_code == 200
    assert (await service.delete(path)).status_code == 403
    assert (await capture.client(tenant, "reviewer").post("/v1/leads", json=ADA)).status_code == 403
    assert (await capture.client(tenant, "viewer").get(path)).status_code == 200
    assert (await capture.client(None).get(path)).status_code == 401


async def test_another_tenant_sees_nothing_of_a_lead(capture, api, tenant):
    lead = (await api.post("/v1/leads", json=ADA | {"external_id": "7"})).json()
    other = capture.client(f"{tenant}-x", "operator")
    path = f"/v1/leads/{lead['lead_id']}"
    assert (await other.get(path)).status_code == 404
    assert (await other.patch(path, json={"company": "X"}, headers={"If-Match": "*"})).status_code == 404
    assert (await other.delete(path)).status_code == 404
    assert (await other.post("/v1/leads", json=ADA | {"external_id": "7"})).status_code == 201
