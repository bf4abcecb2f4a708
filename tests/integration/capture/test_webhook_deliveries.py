"""Webhooks over HTTP: deliveries become leads and meetings, and what becomes none is kept and replayed."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from services.capture.use_cases import webhooks as use_cases
from tests.unit.capture.webhook_samples import CALENDLY, FACEBOOK_LEAD, FACEBOOK_NOTIFICATION

CONTACT = {"contact": {"mail": "Ada@Acme.example", "name": "Ada King"}}


@pytest.fixture
def sender(capture):
    return capture.client(None)


async def a_webhook(admin, **more):
    body = {"name": "CRM", "source": "crm", "mapping": {"email": "contact.mail", "full_name": "contact.name"}, **more}
    answer = await admin.post("/v1/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def found(api, email="ada@acme.example"):
    return (await api.get("/v1/leads", params={"email": email})).json()["items"]


async def test_a_delivery_is_a_lead_by_the_mapping(admin, sender, api, bus, tenant):
    webhook = await a_webhook(admin)
    assert webhook["mapping"] == {"email": "contact.mail", "full_name": "contact.name"}
    path = f"/v1/webhooks/{webhook['token']}"
    answer = await sender.post(path, json=CONTACT)
    assert (answer.status_code, answer.json()) == (200, {"taken": 1, "kept": 0, "ignored": 0})
    (captured,) = await bus.read("lead.captured", tenant=tenant)
    assert (captured.data["email"], captured.data["source"]) == ("ada@acme.example", "crm")
    form = await sender.post(path, data={"contact": "x"})
    assert form.status_code == 202
    assert (await sender.get(path)).status_code == 404
    for token in ("x", "A" * 60):
        assert (await sender.post(f"/v1/webhooks/{token}", json=CONTACT)).status_code == 404


async def test_a_delivery_of_many_items_may_be_larger_than_a_request_of_one(admin, sender):
    webhook = await a_webhook(admin, items="people", mapping={"email": "mail", "attributes.note": "note"})
    people = [{"mail": f"{n}@acme.example", "note": "x" * 3_000} for n in range(100)]
    answer = await sender.post(f"/v1/webhooks/{webhook['token']}", json={"people": people})
    assert (answer.status_code, answer.json()) == (200, {"taken": 100, "kept": 0, "ignored": 0})


async def test_a_signed_webhook_takes_only_what_its_sender_signed(admin, sender, api):
    webhook = await a_webhook(admin, signature={"header": "X-Signature", "prefix": "sha256="})
    path, secret = f"/v1/webhooks/{webhook['token']}", webhook["secret"]
    (listed,) = (await admin.get("/v1/webhooks")).json()["items"]
    assert "secret" not in listed and secret not in str(listed) and listed["has_secret"]
    body = b'{ "contact": {"mail":"ada@acme.example"} }'
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    for wrong in ({}, {"X-Signature": "sha256=00"}, {"X-Signature": f"sha1={mac}"}):
        refused = await sender.post(path, content=body, headers=wrong)
        assert refused.status_code == 403, wrong
    assert await found(api) == []
    taken = await sender.post(path, content=body, headers={"X-Signature": f"sha256={mac}"})
    assert (taken.status_code, len(await found(api))) == (200, 1)
    changed = await admin.patch(path, json={"secret": "a new secret"})
    assert changed.status_code == 200 and "secret" not in changed.json()
    assert (await sender.post(path, content=body, headers={"X-Signature": f"sha256={mac}"})).status_code == 403


async def test_what_makes_no_lead_is_kept_and_replayed_once_the_mapping_is_corrected(admin, sender, api, bus, tenant):
    webhook = await a_webhook(admin, mapping={"email": "contact.email"})
    path = f"/v1/webhooks/{webhook['token']}"
    for body in (json.dumps(CONTACT).encode(), b"no json", b""):
        answer = await sender.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["kept"]) == (202, 1), body
    kept = (await api.get(f"{path}/deliveries")).json()["items"]
    assert [item["errors"][0]["field"] for item in kept] == ["body", "body", "email"]
    assert "acme" not in str(kept)
    whole = (await api.get(f"{path}/deliveries/{kept[2]['id']}")).json()
    assert json.loads(whole["body"]) == CONTACT
    still = await api.post(f"{path}/deliveries/{kept[2]['id']}/replay")
    assert (still.status_code, still.json()["state"]) == (200, "kept")
    (listed,) = (await admin.get("/v1/webhooks")).json()["items"]
    assert listed["kept"] == 3
    assert (await admin.patch(path, json={"mapping": {"email": "contact.mail"}})).status_code == 200
    assert (await api.post(f"{path}/replay")).json() == {"taken": 1, "kept": 2, "next_cursor": None}
    (captured,) = await bus.read("lead.captured", tenant=tenant)
    (passed,) = (await api.get(f"{path}/deliveries", params={"state": "replayed"})).json()["items"]
    assert passed["lead_id"] == captured.lead_id
    assert captured.headers["ce_time"] == passed["received_on"].replace("+00:00", "Z"), "it counts when it arrived"
    assert (await api.post(f"{path}/deliveries/{passed['id']}/replay")).status_code == 409
    assert (await api.get(f"{path}/deliveries/{passed['id']}")).json()["body"] is None


async def test_each_item_of_a_body_is_taken_kept_or_ignored_by_itself(admin, sender, api):
    mapping = {"email": "mail", "external_id": "id"}
    webhook = await a_webhook(admin, mapping=mapping, items="people", when="kind=='lead'")
    people = [{"kind": "lead", "id": n, "mail": f"{n}@acme.example"} for n in range(5)]
    people += [{"kind": "lead", "mail": "nonsense"}, {"kind": "robot", "mail": "r@acme.example"}]
    path = f"/v1/webhooks/{webhook['token']}"
    answer = await sender.post(path, json={"people": people})
    assert (answer.status_code, answer.json()) == (202, {"taken": 5, "kept": 1, "ignored": 1})
    assert len(await found(api, "3@acme.example")) == 1
    assert await found(api, "r@acme.example") == []
    (kept,) = (await api.get(f"{path}/deliveries")).json()["items"]
    assert (kept["whole"], kept["errors"][0]["field"]) == (False, "email")


async def test_calendly_books_and_cancels_a_meeting_of_the_lead(admin, sender, bus, tenant):
    webhook = await a_webhook(admin, preset="calendly", signature=None, mapping={"company": "payload.company"})
    path = f"/v1/webhooks/{webhook['token']}"
    assert (await sender.post(path, json=CALENDLY)).json()["taken"] == 1
    (captured,) = await bus.read("lead.captured", tenant=tenant)
    (booked,) = await bus.read("meeting.booked", tenant=tenant)
    assert booked.lead_id == captured.lead_id
    assert booked.data["meeting_id"] == CALENDLY["payload"]["scheduled_event"]["uri"]
    assert booked.data["starts_at"] == "2096-03-18T13:00:00Z"
    await sender.post(path, json=CALENDLY | {"event": "invitee.canceled"})
    (cancelled,) = await bus.read("meeting.cancelled", tenant=tenant)
    assert cancelled.data == {"meeting_id": booked.data["meeting_id"]}
    late = {**CALENDLY["payload"], "scheduled_event": {**CALENDLY["payload"]["scheduled_event"], "end_time": "x"}}
    assert (await sender.post(path, json=CALENDLY | {"payload": late})).json()["kept"] == 1


async def test_a_booking_that_is_sent_again_is_known_and_does_not_outlive_its_cancellation(admin, sender, bus, tenant):
    """Whoever got no answer sends again, perhaps after the person has cancelled."""
    webhook = await a_webhook(admin, preset="calendly", signature=None, mapping={})
    path = f"/v1/webhooks/{webhook['token']}"
    made = datetime.now(UTC) - timedelta(minutes=3)
    booking = CALENDLY | {"created_at": made.isoformat()}
    await sender.post(path, json=booking)
    await sender.post(path, json=booking | {"event": "invitee.canceled"})
    await sender.post(path, json=booking)
    await sender.post(path, json=booking | {"created_at": "2026-03-02T12:00:00.000000Z"})
    first, again, old = await bus.read("meeting.booked", tenant=tenant, count=3)
    (cancelled,) = await bus.read("meeting.cancelled", tenant=tenant)
    assert again.headers["ce_id"] == first.headers["ce_id"] != old.headers["ce_id"]
    assert datetime.fromisoformat(first.headers["ce_time"]) == made
    assert first.headers["ce_time"] < cancelled.headers["ce_time"] < old.headers["ce_time"], "an old one counts now"


async def test_no_body_and_no_mapping_keeps_the_service_busy(admin, sender, api):
    for items in ("[@,@][]|" * 200 + "@", "(" * 900 + "@" + ")" * 900, "join(to_string(@), @)"):
        body = {"name": "x", "source": "x", "mapping": {"email": "a"}, "items": items}
        refused = await admin.post("/v1/webhooks", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "items")
    webhook = await a_webhook(admin, mapping={"email": "mail"}, items="people")
    path = f"/v1/webhooks/{webhook['token']}"
    many = await sender.post(path, json={"people": [0] * 100_002})
    assert (many.status_code, many.json()["kept"]) == (202, 1)
    people = [{"mail": f"p{n}@acme.example", "padding": "x" * 100} for n in range(1_000)]
    assert (await sender.post(path, json={"people": people})).json() == {"taken": 1_000, "kept": 0, "ignored": 0}
    assert len(await found(api, "p999@acme.example")) == 1


async def test_a_test_shows_the_lead_that_a_body_would_make_and_stores_nothing(admin, api, capture, tenant):
    webhook = await a_webhook(admin, preset="facebook_lead_ads", mapping={})
    path = f"/v1/webhooks/{webhook['token']}/test"
    (item,) = (await admin.post(path, json=FACEBOOK_LEAD)).json()["items"]
    assert item["outcome"] == "taken"
    assert (item["lead"]["email"], item["lead"]["external_id"]) == ("ada@acme.example", "1000000000000001")
    (item,) = (await admin.post(path, json=FACEBOOK_NOTIFICATION)).json()["items"]
    assert (item["outcome"], item["lead"], item["errors"][0]["field"]) == ("kept", None, "email")
    assert await found(api) == []
    assert (await capture.client(f"{tenant}-x", "admin").post(path, json={})).status_code == 404
    assert (await capture.client(tenant, "operator").post(path, json={})).status_code == 403


async def test_meta_and_linkedin_verify_the_address_before_they_send(admin, sender):
    meta = await a_webhook(admin, preset="facebook_lead_ads", verify_token="meaty", secret="app-secret")
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "meaty"}
    answer = await sender.get(f"/v1/webhooks/{meta['token']}", params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    wrong = await sender.get(f"/v1/webhooks/{meta['token']}", params=query | {"hub.verify_token": "x"})
    assert wrong.status_code == 403
    linkedin = await a_webhook(admin, preset="linkedin_lead_gen_forms", secret="client-secret")
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    answer = await sender.get(f"/v1/webhooks/{linkedin['token']}", params={"challengeCode": code})
    expected = hmac.new(b"client-secret", code.encode(), hashlib.sha256).hexdigest()
    assert answer.json() == {"challengeCode": code, "challengeResponse": expected}
    plain = await a_webhook(admin, mapping={"email": "email"})
    refused = await admin.patch(f"/v1/webhooks/{plain['token']}", json={"challenge": "linkedin"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "secret")
    edited = await admin.patch(f"/v1/webhooks/{plain['token']}", json={"challenge": "facebook"})
    assert edited.status_code == 200 and edited.json()["settings"]["verify_token"]


async def test_a_webhook_that_cannot_work_is_refused_by_field(admin, capture, tenant):
    for body, field in (
        ({"mapping": {"email": "a["}}, "mapping.email"),
        ({"mapping": {"mail": "a", "phone": "b"}}, "mapping"),
        ({"mapping": {}}, "mapping"),
        ({"mapping": {"email": "a"}, "colour": 1}, "colour"),
        ({"preset": "fax"}, "preset"),
        ({"mapping": {"email": "a"}, "signature": {"header": "X", "algorithm": "md5"}}, "signature.algorithm"),
    ):
        answer = await admin.post("/v1/webhooks", json={"name": "x", "source": "x", **body})
        assert answer.status_code == 422, body
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    for role in ("viewer", "service"):
        assert (await capture.client(tenant, role).get("/v1/webhook-presets")).json()["items"]
    for role in ("operator", "service"):
        assert (await capture.client(tenant, role).get("/v1/webhooks")).status_code == 403, "its token is a credential"


async def test_erasure_forgets_kept_deliveries_of_the_person(capture, admin, sender, api, tenant):
    webhook = await a_webhook(admin, mapping={"email": "other"})
    path = f"/v1/webhooks/{webhook['token']}"
    await sender.post(path, json=CONTACT)
    await sender.post(path, json={"contact": {"mail": "eve@acme.example"}})
    lead = (await api.post("/v1/leads", json={"source": "web", "email": "ada@acme.example"})).json()
    assert (await api.delete(f"/v1/leads/{lead['lead_id']}")).status_code == 204
    (left,) = (await api.get(f"{path}/deliveries")).json()["items"]
    assert "eve@acme.example" in (await api.get(f"{path}/deliveries/{left['id']}")).text


async def test_all_kept_deliveries_are_replayed_page_by_page_however_many_stay_kept(admin, sender, api, monkeypatch):
    monkeypatch.setattr(use_cases, "_REPLAYED_AT_ONCE", 2)
    path = f"/v1/webhooks/{(await a_webhook(admin))['token']}"
    for body in [{"never": n} for n in range(4)] + [{"person": {"mail": f"{n}@acme.example"}} for n in range(3)]:
        assert (await sender.post(path, json=body)).status_code == 202
    await admin.patch(path, json={"mapping": {"email": "person.mail"}})
    pages, query = [], {}
    while not pages or query["cursor"]:
        pages.append((await api.post(f"{path}/replay", params=query)).json())
        query = {"cursor": pages[-1].pop("next_cursor")}
    assert pages == [{"taken": 0, "kept": 2}, {"taken": 0, "kept": 2}, {"taken": 2, "kept": 0}, {"taken": 1, "kept": 0}]
    assert (await api.post(f"{path}/replay", params={"cursor": "nonsense"})).status_code == 422
