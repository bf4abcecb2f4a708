"""What people and programs really send: text like code, nesting, two people at one address, other spellings."""

import json

import pytest

from tests.integration.capture.test_leads import ADA

JSON = {"Content-Type": "application/json"}


def nested(depth):
    deep = 1
    for _ in range(depth):
        deep = [deep]
    return deep


async def test_six_characters_that_look_like_a_zero_are_text_on_every_way_in(api, bus, tenant):
    path = "C:\\u0000dir"
    leads = [{"source": "web", "email": f"{n}@x.example", "company": path} for n in range(3)]
    results = (await api.post("/v1/leads/batch", json={"leads": leads})).json()["results"]
    assert [result["status"] for result in results] == [201, 201, 201]
    lead = await api.post("/v1/leads", json=ADA | {"company": path, "attributes": {path: path}})
    assert (lead.status_code, lead.json()["company"], lead.json()["attributes"]) == (201, path, {path: path})
    bus.publish("lead.submitted", {"source": "crm", "email": "k@x.example", "company": path}, tenant=tenant)
    captured = await bus.read("lead.captured", tenant=tenant, count=5)
    assert {event.data["company"] for event in captured} == {path}


@pytest.mark.parametrize("depth", [40, 200, 254, 400])
async def test_a_lead_that_is_nested_too_deeply_costs_that_lead_alone(api, depth):
    deep = ADA | {"email": "deep@x.example", "attributes": {"a": nested(depth)}}
    single = await api.post("/v1/leads", json=deep)
    assert (single.status_code, single.json()["errors"][0]["field"]) == (422, "attributes")
    results = (await api.post("/v1/leads/batch", json={"leads": [deep, ADA]})).json()["results"]
    assert [result["status"] for result in results] == [422, 201]
    assert results[0]["errors"][0]["field"] == "attributes"
    lead = await api.get(f"/v1/leads/{results[1]['lead_id']}")
    edit = {"attributes": {"a": nested(depth)}, "not_known": nested(depth)}
    edited = await api.patch(lead.request.url.path, json=edit, headers={"If-Match": lead.headers["ETag"]})
    assert (edited.status_code, edited.json()["errors"][0]["field"]) == (422, "attributes")
    done = {"lead_id": results[1]["lead_id"], "kind": "visit", "properties": {"a": nested(depth)}}
    engagement = await api.post("/v1/engagements", json=done)
    assert (engagement.status_code, engagement.json()["errors"][0]["field"]) == (422, "properties")


async def test_free_fields_of_the_largest_size_are_taken_as_any_program_writes_them(api):
    """Most JSON writers escape what is not ASCII: six characters for one, twelve for an emoji."""
    largest = {name: {f"x{n}": "\N{GRINNING FACE}" * 1_900 for n in range(33)} for name in ("attributes", "properties")}
    lead = await api.post("/v1/leads", content=json.dumps(ADA | {"attributes": largest["attributes"]}), headers=JSON)
    assert (lead.status_code, lead.json()["attributes"]) == (201, largest["attributes"])
    done = {"lead_id": lead.json()["lead_id"], "kind": "visit", "properties": largest["properties"]}
    assert (await api.post("/v1/engagements", content=json.dumps(done), headers=JSON)).status_code == 201
    edit, match = json.dumps({"attributes": largest["attributes"]}), {"If-Match": lead.headers["ETag"]}
    assert (await api.patch(f"/v1/leads/{done['lead_id']}", content=edit, headers=JSON | match)).status_code == 200


async def test_a_body_deeper_than_any_reader_is_malformed_or_refused_and_no_defect(api):
    for body in (b"[" * 100_000, b'{"leads": ' + b"[" * 900 + b"]" * 900 + b"}"):
        answer = await api.post("/v1/leads/batch", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422)


async def test_another_person_behind_one_address_is_not_taken_silently(api, bus, tenant):
    first = {"source": "web", "email": "info@acme.example", "first_name": "Ada", "last_name": "King", "company": "Acme"}
    lead = (await api.post("/v1/leads", json=first)).json()
    other = first | {"first_name": "Bob", "last_name": "Miller", "attributes": {"plan": "pro"}}
    answer = await api.post("/v1/leads", json=other)
    assert (answer.status_code, answer.json()["lead_id"]) == (200, lead["lead_id"])
    assert "another name" in answer.json()["warnings"][0]["message"]
    batch = (await api.post("/v1/leads/batch", json={"leads": [first, first]})).json()["results"]
    assert [bool(result.get("warnings")) for result in batch] == [True, False]
    events = await bus.read("lead.updated", tenant=tenant, count=2)
    assert events[0].data["before"] == {"first_name": "Ada", "last_name": "King"}
    assert events[1].data["before"] == {"first_name": "Bob", "last_name": "Miller"}


async def test_an_edit_says_what_was_there_before(api, bus, tenant):
    body = ADA | {"job_title": "Owner", "attributes": {"plan": "pro", "seats": 3}}
    lead = await api.post("/v1/leads", json=body | {"consent": {"email": "granted"}})
    edit = {"job_title": None, "attributes": {"plan": "basic", "new": 1}, "consent": {"email": "denied"}}
    path = f"/v1/leads/{lead.json()['lead_id']}"
    assert (await api.patch(path, json=edit, headers={"If-Match": lead.headers["ETag"]})).status_code == 200
    (event,) = await bus.read("lead.updated", tenant=tenant)
    assert event.data["before"] == {
        "job_title": "Owner",
        "attributes": {"plan": "pro"},
        "consent": {"email": "granted"},
    }


async def test_an_argentine_phone_with_and_without_its_nine_is_one_person(api):
    first = {"source": "web", "phone": "+54 9 11 6677 3399", "first_name": "Ana", "last_name": "Paz"}
    one = await api.post("/v1/leads", json=first)
    other = await api.post("/v1/leads", json=first | {"phone": "+54 11 6677 3399"})
    assert (one.status_code, other.status_code) == (201, 200)
    assert other.json()["lead_id"] == one.json()["lead_id"]
    with_email = first | {"phone": "+54 11 6677 3399", "email": "ana@x.example"}
    two = await api.post("/v1/leads", json=with_email | {"first_name": "Eva", "last_name": "Sol"})
    assert two.status_code == 201
    (pair,) = (await api.get("/v1/duplicates")).json()["items"]
    assert set(pair["lead_ids"]) == {one.json()["lead_id"], two.json()["lead_id"]}


async def test_an_idempotency_key_compares_what_bodies_say(api):
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    one = await api.post("/v1/leads", content=b'{"source": "web", "email": "a@x.example"}', headers=headers)
    same = await api.post("/v1/leads", content=b'{"email":"a@x.example",\n"source":"web"}', headers=headers)
    other = await api.post("/v1/leads", content=b'{"email":"b@x.example","source":"web"}', headers=headers)
    assert (one.status_code, same.status_code, other.status_code) == (201, 201, 422)
    assert same.json() == one.json()


async def test_the_limits_in_the_schema_are_the_real_ones(api):
    schemas = (await api.get("/openapi.json")).json()["components"]["schemas"]["LeadIn"]["properties"]
    for name in ("source", "external_id", "company"):
        part = schemas[name] if "maxLength" in schemas[name] else schemas[name]["anyOf"][0]
        longest = ADA | {name: "x" * part["maxLength"]}
        assert (await api.post("/v1/leads", json=longest)).status_code in (200, 201), name
        too_long = await api.post("/v1/leads", json=ADA | {name: "x" * (part["maxLength"] + 1)})
        assert (too_long.status_code, too_long.json()["errors"][0]["field"]) == (422, name)
