"""Suppression, the unsubscribe link, modes, settings, channels that are used up."""

from collections import Counter
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.outreach.sending.workers import check_exhaustion
from services.outreach.suppression.workers import close_domain_leads
from services.outreach.workers import announce_tenant_modes


async def test_one_click_unsubscribes_and_opening_the_page_changes_nothing(office, tenant, smtp, bus):
    lead = await office.captured(tenant)
    approved = await office.approved(tenant, lead)
    await office.send()
    link = urlsplit(smtp.to(approved["to"])[0]["List-Unsubscribe"].strip("<>")).path
    async with office.run.client() as http:
        page = await http.get(link)
        assert (page.status_code, "<form" in page.text) == (200, True)
        head = await http.head(link)
        assert (head.status_code, head.content) == (200, b"")
        assert bus.seen("contact.opted_out", tenant=tenant) == []
        for _ in range(2):
            done = await http.post(link, data={"List-Unsubscribe": "One-Click"})
            assert done.status_code == 200
        for broken in (link[:-1], link + "x", "/v1/unsubscribe/x"):
            assert (await http.get(broken)).status_code == 404
            assert (await http.post(broken)).status_code == 404
    (event,) = await bus.read("contact.opted_out", tenant=tenant)
    assert event.data == {"channel": "email", "how": "unsubscribe"}
    async with office.client(tenant, "viewer") as http:
        (row,) = (await http.get("/v1/suppressions")).json()["items"]
    assert (row["how"], row["channel"]) == ("unsubscribe", "email")


async def test_the_link_works_after_the_lead_was_erased(office, tenant, smtp):
    lead = await office.captured(tenant)
    approved = await office.approved(tenant, lead)
    await office.send()
    link = urlsplit(smtp.to(approved["to"])[0]["List-Unsubscribe"].strip("<>")).path
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    async with office.run.client() as http:
        assert (await http.post(link)).status_code == 200
    recaptured = await office.captured(tenant, email=approved["to"])
    async with office.client(tenant, "reviewer") as http:
        body = {"lead_id": str(recaptured), "kind": "first", "channel": "email"}
        assert (await http.post("/v1/drafts", json=body)).json()["detail"] == "the lead has opted out"


async def test_an_operator_suppresses_one_channel_or_all(office, tenant, bus):
    one = await office.captured(tenant, email="one@x.example")
    both = await office.captured(tenant, email="both@x.example")
    async with office.client(tenant, "operator") as http:
        assert (
            await http.post("/v1/suppressions", json={"channel": "email", "address": "One@X.example"})
        ).status_code == 201
        assert (
            await http.post("/v1/suppressions", json={"channel": "all", "address": "both@x.example"})
        ).status_code == 201
        for wrong in (
            {},
            {"address": "a@b.example", "domain": "b.example"},
            {"channel": "sms", "address": "a@b.example"},
        ):
            assert (await http.post("/v1/suppressions", json=wrong)).status_code == 422
        assert (await http.post("/v1/suppressions", json={"channel": "sms", "address": "12"})).status_code == 422
    events = await bus.read("contact.opted_out", tenant=tenant, count=2)
    assert {(event.lead_id, event.data["channel"], event.data["how"]) for event in events} == {
        (str(one), "email", "operator"),
        (str(both), "all", "operator"),
    }
    async with office.client(tenant, "reviewer") as http:
        assert (
            await http.post("/v1/suppressions", json={"channel": "all", "address": "c@d.example"})
        ).status_code == 403


async def test_a_domain_is_the_blocklist_for_live_and_later_leads(office, tenant, bus):
    live = await office.captured(tenant, email="ada@blocked.example")
    approved = await office.approved(tenant, live)
    async with office.client(tenant, "operator") as http:
        assert (await http.post("/v1/suppressions", json={"domain": "blocked.example"})).status_code == 201
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "refused"
    while await close_domain_leads(office.database):
        pass
    later = await office.captured(tenant, email="eve@blocked.example")
    events = await bus.read("contact.opted_out", tenant=tenant, count=2)
    assert {(event.lead_id, event.data["how"]) for event in events} == {
        (str(live), "blocklist"),
        (str(later), "blocklist"),
    }


async def test_a_mode_is_announced_once_for_each_lead_that_it_concerns(office, tenant, bus):
    own, plain = await office.captured(tenant), await office.captured(tenant)
    async with office.client(tenant, "operator") as http:
        answer = await http.put(f"/v1/leads/{own}/mode", json={"mode": "sms_only"})
        assert answer.json() == {"lead_id": str(own), "mode": "sms_only", "own": True}
        assert (await http.put(f"/v1/leads/{own}/mode", json={"mode": "carrier pigeon"})).status_code == 422
    async with office.client(tenant, "admin") as http:
        assert (await http.put("/v1/settings", json={"mode": "email_only"})).json()["mode"] == "email_only"
    while await announce_tenant_modes(office.database):
        pass
    later = await office.captured(tenant)
    events = await bus.read("outreach.mode_changed", tenant=tenant, count=3)
    assert {(event.lead_id, event.data["mode"], event.data["previous"]) for event in events} == {
        (str(own), "sms_only", "blended"),
        (str(plain), "email_only", "blended"),
        (str(later), "email_only", "blended"),
    }
    async with office.client(tenant, "reviewer") as http:
        refused = await http.post("/v1/drafts", json={"lead_id": str(own), "kind": "first", "channel": "email"})
    assert refused.json()["detail"] == "outreach mode sms_only does not use email"


async def test_settings_keep_what_is_left_out_and_refuse_nonsense(office, tenant):
    async with office.client(tenant, "admin") as http:
        fresh = await http.get("/v1/settings")
        assert fresh.json()["window"] is None
        assert fresh.json()["mailboxes"][0]["from"] == f"sales@{tenant}.leadflow.example"
        saved = await http.put(
            "/v1/settings", json={"draft_ttl_hours": 24}, headers={"If-Match": fresh.headers["etag"]}
        )
        assert (saved.json()["draft_ttl_hours"], saved.json()["react_within_hours"]) == (24, 48)
        stale = await http.put(
            "/v1/settings", json={"draft_ttl_hours": 25}, headers={"If-Match": fresh.headers["etag"]}
        )
        assert stale.status_code == 412
        for kind in ("first", "nurture"):
            kinds = (await http.put("/v1/settings", json={"auto_drafts": {kind: False}})).json()["auto_drafts"]
        assert kinds == {"first": False, "follow_up": True, "answer": True, "nurture": False}
        repeated = await http.put("/v1/settings", json=(await http.get("/v1/settings")).json())
        assert repeated.status_code == 200, "what was read can be written back"
        for wrong in (
            {"mode": "x"},
            {"colour": "red"},
            {"draft_ttl_hours": 0},
            {"window": {"days": [], "start": "09:00", "end": "17:00"}},
            {"window": {"days": ["mon"], "start": "18:00", "end": "17:00"}},
            {"mailboxes": [{"from": "a@b.example\nBcc: x@y"}]},
        ):
            assert (await http.put("/v1/settings", json=wrong)).status_code == 422, wrong
    async with office.client(tenant, "operator") as http:
        assert (await http.put("/v1/settings", json={})).status_code == 403


@pytest.fixture
async def four_sent(office, tenant):
    """A lead that four messages went out to."""
    async with office.client(tenant, "admin") as http:
        await http.put("/v1/settings", json={"auto_drafts": {"follow_up": False}})
    lead = await office.captured(tenant)
    await office.approved(tenant, lead)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="revived")
    for _ in range(3):
        await office.approved(tenant, lead, "follow_up")
        await office.send()
    return lead


async def test_four_messages_and_fourteen_silent_days_use_a_channel_up(office, tenant, four_sent, bus):
    office.advance(days=13, hours=23)
    await check_exhaustion(office.database)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []
    office.advance(hours=2)
    for _ in range(2):
        await check_exhaustion(office.database)
    (event,) = await bus.read("outreach.exhausted", tenant=tenant)
    assert event.data == {"mode": "blended", "channels": ["email"]}
    assert event.lead_id == str(four_sent)


async def test_a_reply_keeps_the_channel_open(office, tenant, four_sent, bus, smtp):
    from tests.integration.outreach.test_replies import answer_to, post_mail

    async with office.client(tenant, "viewer") as http:
        draft = (await http.get("/v1/drafts", params={"lead_id": str(four_sent)})).json()["items"][0]
    office.advance(days=10)
    await post_mail(office, tenant, answer_to(smtp.to(draft["to"])[0], "Let me think about the goats."))
    office.advance(days=10)
    await check_exhaustion(office.database)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []


async def test_three_messages_use_nothing_up(office, tenant, bus):
    lead = await office.captured(tenant)
    await office.approved(tenant, lead)
    await office.send()
    office.advance(days=60)
    await check_exhaustion(office.database)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []


@pytest.mark.parametrize("by", ["the lead", "an operator"])
async def test_everyone_with_a_shared_address_is_opted_out_however_many_they_are(office, tenant, smtp, bus, by):
    lead = await office.captured(tenant, email=f"desk@{tenant}.example")
    approved = await office.approved(tenant, lead)
    await office.send()
    server = await asyncpg.connect(office.url)
    await server.execute(
        "INSERT INTO lead SELECT (jsonb_populate_record(l, jsonb_build_object('lead_id', gen_random_uuid()))).*"
        " FROM lead l, generate_series(1, 1100) WHERE l.lead_id = $1",
        lead,
    )
    if by == "the lead":
        async with office.run.client() as http:
            link = urlsplit(smtp.to(approved["to"])[0]["List-Unsubscribe"].strip("<>")).path
            assert (await http.post(link)).status_code == 200
    else:
        async with office.client(tenant, "operator") as http:
            body = {"channel": "all", "address": approved["to"]}
            assert (await http.post("/v1/suppressions", json=body)).status_code == 201
    left = "SELECT count(*) FROM lead WHERE tenant_id = $1 AND NOT opted_out_for_good"
    assert await server.fetchval(left, tenant) == 0
    await server.close()
    events = await bus.read("contact.opted_out", tenant=tenant, count=1_101)
    hows = Counter(event.data["how"] for event in events)
    assert hows == ({"unsubscribe": 1, "blocklist": 1_100} if by == "the lead" else {"operator": 1_101})
