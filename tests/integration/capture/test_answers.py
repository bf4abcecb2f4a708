"""`submission.answered`: every `lead.submitted` whose tenant and id can be read gets one answer."""

from shared.testing.bus import Bus


def lead(**fields):
    return {"source": "shop", "email": "ada@acme.example", **fields}


async def answers(bus: Bus, tenant: str, count: int = 1):
    found = await bus.read("submission.answered", tenant=tenant, count=count)
    return {event.data["submission_id"]: event for event in found}


async def test_a_new_and_a_known_lead_are_answered_with_their_id(capture, bus, tenant):
    first = bus.publish("lead.submitted", lead(), tenant=tenant)
    (new,) = (await answers(bus, tenant)).values()
    second = bus.publish("lead.submitted", lead(company="Acme"), tenant=tenant)
    known = (await answers(bus, tenant, 2))[second]
    assert (new.data["submission_id"], new.data["outcome"]) == (first, "new")
    assert known.data["outcome"] == "known"
    assert known.data["reason"] == "known by its e-mail"
    assert new.data["lead_id"] == known.data["lead_id"] == new.lead_id == new.key
    assert known.headers["ce_causationid"] == second
    assert known.data["submission_source"] == new.data["submission_source"] != ""
    assert "warnings" not in known.data


async def test_an_answer_warns_as_http_does(capture, api, bus, tenant):
    doubtful = lead(country="Germanny", phone="call me", website="not a site", external_id="7")
    over_http = (await api.post("/v1/leads", json=doubtful)).json()["warnings"]
    id = bus.publish("lead.submitted", doubtful, tenant=tenant)
    answer = (await answers(bus, tenant))[id]
    assert answer.data["warnings"] == over_http
    assert [note["field"] for note in over_http] == ["website", "country", "phone"]
    assert "Germanny" not in str(answer.data)


async def test_what_http_refuses_is_refused_with_the_same_fields(capture, api, bus, tenant, eventually):
    refused = [
        lead(email="nonsense"),
        lead(source=" "),
        lead(first_name=5),
        lead(attributes={str(n): n for n in range(500)}),
        lead(consent={"email": "perhaps"}),
        lead(consent={"email": "granted", "at": "yesterday"}),
        lead(company="x" * 2_001),
        {"source": "shop"},
    ]
    fields = {}
    for data in refused:
        answer = await api.post("/v1/leads", json=data)
        assert answer.status_code == 422, data
        id = bus.publish("lead.submitted", data, tenant=tenant)
        fields[id] = [error["field"] for error in answer.json()["errors"]]
    found = await answers(bus, tenant, len(refused))
    assert {id: [note["field"] for note in found[id].data["warnings"]] for id in fields} == fields
    assert {event.data["outcome"] for event in found.values()} == {"refused"}
    assert not any("lead_id" in event.data or "ce_subject" in event.headers for event in found.values())
    assert all(event.data["reason"] and "nonsense" not in event.data["reason"] for event in found.values())

    async def letters():
        return len((await api.get("/v1/dead-letters")).json()["items"]) == len(refused)

    await eventually(letters)


async def test_a_record_that_cannot_be_read_is_answered_if_its_tenant_and_id_can(capture, bus, tenant, eventually):
    headers = {"ce_id": "1", "ce_tenantid": tenant, "ce_type": "lead.submitted", "ce_source": "urn:x", "ce_time": "now"}
    structured = {"content-type": "application/cloudevents+json"}
    bus.raw("lead.submitted", b"{", {**headers, "ce_id": "bad time"})
    bus.raw("lead.submitted", None, {**headers, "ce_id": "no value"})
    bus.raw("lead.submitted", b"{}", {"ce_id": "no source", "ce_tenantid": tenant})
    bus.raw("lead.submitted", b'{"id": "structured", "tenantid": "%s", "data": 5}' % tenant.encode(), structured)
    bus.raw("lead.submitted", b"{}", {**headers, "ce_id": "x" * 257})
    bus.raw("lead.submitted", b"{}", {**headers, "ce_id": ""})
    bus.raw("lead.submitted", b"{}", {**headers, "ce_id": "other", "ce_tenantid": "No Tenant"})
    bus.publish("lead.submitted", lead(), tenant=tenant, id="good")
    found = await answers(bus, tenant, 5)
    assert {id: event.data["outcome"] for id, event in found.items()} == {
        "bad time": "refused",
        "no value": "refused",
        "no source": "refused",
        "structured": "refused",
        "good": "new",
    }

    async def letters():
        async with capture.database.worker() as work:
            rows = await work.fetch("SELECT event_id FROM dead_letter WHERE tenant_id = :t", t=tenant)
        return len(rows) == 6

    await eventually(letters)


async def test_a_submission_is_answered_once_however_often_it_is_delivered(capture, bus, tenant):
    bus.publish("lead.submitted", lead(), tenant=tenant, id="taken")
    await bus.read("submission.answered", tenant=tenant)
    for _ in range(3):
        bus.publish("lead.submitted", lead(), tenant=tenant, id="taken")
        bus.publish("lead.submitted", lead(email="nonsense"), tenant=tenant, id="refused")
        # Its id was recorded above: whatever a repetition says changes nothing.
        bus.publish("lead.submitted", lead(email="nonsense"), tenant=tenant, id="taken")
    bus.publish("lead.submitted", lead(), tenant=tenant, id="last")
    await bus.read("submission.answered", tenant=tenant, count=3)
    seen = bus.seen("submission.answered", tenant=tenant)
    found = sorted((event.data["submission_id"], event.data["outcome"]) for event in seen)
    assert found == [("last", "known"), ("refused", "refused"), ("taken", "new")]


async def test_a_dead_letter_that_passes_when_it_is_replayed_is_answered_again(capture, api, bus, tenant, eventually):
    bus.publish("lead.submitted", lead(email=None, phone="0151 23456789"), tenant=tenant, id="later")
    await answers(bus, tenant)
    normaliser = capture.app.state.normaliser
    (letter,) = (await api.get("/v1/dead-letters")).json()["items"]
    before, normaliser._region = normaliser._region, "DE"  # an operator has set the default region since
    try:
        assert (await api.post(f"/v1/dead-letters/{letter['id']}/replay")).is_success
        found = await bus.read("submission.answered", tenant=tenant, count=2)
    finally:
        normaliser._region = before
    assert [event.data["outcome"] for event in found] == ["refused", "new"]
    assert len({event.id for event in found}) == 2
