"""Several people, or a person and a batch of events, write at the same time: nothing is lost, and nothing fails."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson
import pytest

from services.outreach.drafts.schemas import Bulk
from services.outreach.drafts.use_cases import bulk, requests, review
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.replies.use_cases.labelling import label_reply
from services.outreach.use_cases.erasure import erase
from services.outreach.use_cases.modes import announce_page, set_lead_mode
from services.outreach.workers import announce_tenant_modes
from shared.events import CATALOGUE, Received
from shared.events.envelope import Envelope
from shared.ids import uuid7
from tests.integration.outreach.meanwhile import waits_for_lock
from tests.integration.outreach.sequence_steps import text, written
from tests.integration.outreach.test_opt_outs import label, reply
from tests.persons import places

ADA = ("ada.", "ada@", "dear ada", "analytical")
"""What is found of her wherever it stands; her first name alone may stand in an id."""


async def while_locked(office, eventually, tenant, table, write):
    """What a writer answers that began while another one had the rows of the tenant, and changed them before."""
    server = await asyncpg.connect(office.url)
    async with office.database.worker([tenant]) as work:
        await work.run(f"SELECT FROM {table} WHERE tenant_id = :tenant FOR UPDATE", tenant=tenant)
        tasks = [asyncio.create_task(each()) for each in write]
        await eventually(lambda: waits_for_lock(tasks[0], server))
    await server.close()
    return await asyncio.gather(*tasks)


@pytest.mark.parametrize("fresh", [True, False])
async def test_settings_that_two_people_save_at_once_are_all_saved(office, tenant, eventually, fresh):
    changes = [{"draft_ttl_hours": 24}, {"exhaust_after_days": 3}, {"exhaust_after_messages": 7}]
    async with office.client(tenant, "admin") as http:
        if not fresh:
            await http.put("/v1/settings", json={"react_within_hours": 12})

        async def save(change, **headers):
            return (await http.put("/v1/settings", json=change, headers=headers)).status_code

        writers = [lambda change=change: save(change) for change in changes]
        assert await while_locked(office, eventually, tenant, "settings", writers) == [200, 200, 200]
        saved = (await http.get("/v1/settings")).json()
        assert [saved[name] for change in changes for name in change] == [24, 3, 7]
        version = (await http.get("/v1/settings")).headers["etag"]
        stale = [lambda change=change: save(change, **{"If-Match": version}) for change in changes]
        assert sorted(await while_locked(office, eventually, tenant, "settings", stale)) == [200, 412, 412]


async def test_a_sequence_that_several_people_write_at_once_gets_a_version_from_each(office, tenant, eventually):
    sequence = await written(office, tenant, text("PT0S"))
    url = f"/v1/sequences/{sequence['sequence_id']}"
    async with office.client(tenant, "admin", "reviewer") as http:

        async def save(name, **headers):
            return (await http.put(url, json={"name": name, "steps": [text("P1D")]}, headers=headers)).status_code

        writers = [lambda name=name: save(name) for name in ("One", "Two", "Three")]
        assert await while_locked(office, eventually, tenant, "sequence", writers) == [200, 200, 200]
        now = await http.get(url)
        assert now.json()["newest_version"] == 4
        stale = [lambda: save("Four", **{"If-Match": now.headers["etag"]}) for _ in range(3)]
        assert sorted(await while_locked(office, eventually, tenant, "sequence", stale)) == [200, 412, 412]


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_mode_that_changes_while_leads_arrive_is_announced_to_them(office, tenant, bus, eventually, fresh):
    if not fresh:
        await office.captured(tenant)
    lead = uuid7()

    async def change_mode():
        async with office.client(tenant, "admin") as http:
            assert (await http.put("/v1/settings", json={"mode": "email_only"})).status_code == 200
        while await announce_tenant_modes(office.database):
            pass

    now = datetime.now(UTC).isoformat()
    data = {"lead_id": str(lead), "source": "web", "created_on": now, "version": 1, "email": "ada@example.com"}
    envelope = Envelope(str(uuid7()), "lead.captured", "urn:test", datetime.now(UTC), tenant, str(lead))
    server = await asyncpg.connect(office.url)
    async with office.database.worker([tenant]) as work:
        captured = CATALOGUE["lead.captured"].model_validate_json(orjson.dumps(data))
        await office.reader.handle(work, [Received(envelope, captured, envelope.time)])
        changing = asyncio.create_task(change_mode())
        await eventually(lambda: waits_for_lock(changing, server))
    await changing
    await server.close()
    while await announce_tenant_modes(office.database):
        pass
    events = await bus.read("outreach.mode_changed", tenant=tenant)
    assert str(lead) in {event.lead_id for event in events}


@pytest.mark.parametrize("what", ["a draft", "a request to the agent"])
async def test_nothing_is_written_about_a_lead_that_is_being_erased(office, tenant, eventually, what):
    lead = await office.captured(tenant)
    body = {"lead_id": str(lead), "kind": "first", "channel": "email"}
    body |= {"subject": "Ada", "body": "Dear Ada"} if what == "a draft" else {"instruction": "Ask Ada"}
    server = await asyncpg.connect(office.url)
    async with office.client(tenant, "reviewer") as http:
        async with office.database.worker([tenant]) as work:
            await erase(work, tenant, lead)
            writing = asyncio.create_task(http.post("/v1/drafts", json=body))
            await eventually(lambda: waits_for_lock(writing, server))
        assert (await writing).status_code == 404
    assert await places(office.url, tenant, ADA) == set()
    await server.close()


async def test_what_is_being_written_about_a_lead_goes_with_it(office, tenant, eventually):
    lead = await office.captured(tenant)
    server = await asyncpg.connect(office.url)
    async with office.database.tenant(tenant) as work:
        request = requests.DraftRequest(tenant, "human:ann", lead, "first", "email")
        sender = SenderAddresses("leadflow.example", None)
        await requests.add_draft(work, request, sender, "Ada", "Dear Ada")
        erasing = asyncio.create_task(office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)}))
        await eventually(lambda: waits_for_lock(erasing, server))
    await erasing
    assert await places(office.url, tenant, ADA) == set()
    await server.close()


@pytest.mark.parametrize("at_once", [False, True])
async def test_an_approval_that_an_erasure_waits_for_goes_with_the_lead(office, tenant, smtp, eventually, at_once):
    lead = await office.captured(tenant, email=f"ada@{tenant}.example")
    draft = await office.draft(tenant, lead)
    draft_id, sha256 = UUID(draft["draft_id"]), draft["sha256"]
    server = await asyncpg.connect(office.url)
    async with office.database.tenant(tenant) as work:
        if at_once:
            items = [{"draft_id": draft_id, "sha256": sha256}]
            approving = Bulk.model_validate({"action": "approve", "items": items})
            (done,) = await bulk.act_on_all(work, office.context.keys, tenant, "human:ann", approving)
            assert done["status"] == 200
        else:
            await review.approve(work, office.context.keys, tenant, draft_id, "human:ann", sha256)
        erasing = asyncio.create_task(office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)}))
        await eventually(lambda: waits_for_lock(erasing, server))
    await erasing
    await office.send()
    assert smtp.to(f"ada@{tenant}.example") == []
    assert await places(office.url, tenant, ADA) == set()
    await server.close()


async def test_an_approval_that_waits_for_an_erasure_finds_no_draft(office, tenant, eventually):
    lead = await office.captured(tenant)
    draft = await office.draft(tenant, lead)
    item = {"draft_id": draft["draft_id"], "sha256": draft["sha256"]}
    server = await asyncpg.connect(office.url)
    async with office.client(tenant, "reviewer") as http:
        url = f"/v1/drafts/{draft['draft_id']}/approve"
        many = {"action": "approve", "items": [item]}
        async with office.database.worker([tenant]) as work:
            await erase(work, tenant, lead)
            one = asyncio.create_task(http.post(url, json={"sha256": draft["sha256"]}))
            await eventually(lambda: waits_for_lock(one, server))
            several = asyncio.create_task(http.post("/v1/drafts/bulk", json=many))
        assert (await one).status_code == 404
        assert [result["status"] for result in (await several).json()["results"]] == [404]
    assert await places(office.url, tenant, ADA) == set()
    await server.close()


@pytest.mark.parametrize("what", ["a text", "an instruction", "an enrolment", "a suppression", "an earlier address"])
async def test_no_repeated_request_is_answered_with_a_person_that_was_erased(office, tenant, what):
    address, key = f"ada@{tenant}.example", {"Idempotency-Key": "k"}
    lead = await office.captured(tenant, email=address)
    body = {"lead_id": str(lead), "kind": "first", "channel": "email"}
    if what == "a text":
        path, body = "/v1/drafts", body | {"subject": "Ada", "body": "Dear Ada"}
    elif what == "an instruction":
        path, body = "/v1/drafts", body | {"instruction": "Dear Ada is what she likes"}
    elif what == "an enrolment":
        sequence = await written(office, tenant, text("P3D"))
        path = f"/v1/sequences/{sequence['sequence_id']}/enrolments"
        body = {"lead_id": str(lead), "note": "Dear Ada asked for it"}
    else:
        if what == "an earlier address":
            await office.approved(tenant, lead)
        path, body = "/v1/suppressions", {"channel": "email", "address": address, "reason": "Dear Ada asked for it"}
    async with office.client(tenant, "operator", "reviewer") as http:
        assert (await http.post(path, json=body, headers=key)).is_success
        if what == "an earlier address":
            await office.updated(tenant, lead, email="new@x.example")
        assert ("idempotency", "body") in await places(office.url, tenant, (*ADA, str(lead)))
        await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
        assert ("idempotency", "body") not in await places(office.url, tenant, (*ADA, str(lead)))


async def test_of_two_labels_at_the_same_moment_the_one_that_is_stored_last_counts(office, tenant, reached, bus):
    _, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "What does it cost?")
    async with office.database.tenant(tenant) as work:  # begins first
        await label(office, tenant, reply_id, "declined")
        await label_reply(work, office.context.keys, tenant, UUID(reply_id), "interested", "human:ann", None, False)
    events = await bus.read("reply.received", tenant=tenant, count=3)
    assert max(events, key=lambda each: each.data["labelled_at"]).data["label"] == "interested"
    async with office.client(tenant, "viewer") as http:
        (stored,) = (await http.get("/v1/replies")).json()["items"]
    assert stored["label"] == "interested"


@pytest.mark.parametrize("who", ["a person", "the tenant's mode", "new contact details"])
async def test_of_two_modes_at_the_same_moment_the_one_that_is_stored_last_is_announced_last(office, tenant, bus, who):
    lead = await office.captured(tenant)
    async with office.database.worker([tenant]) as work, office.client(tenant, "operator", "admin") as http:
        first = {"mode": "sms_only"} if who == "a person" else {"mode": None}
        assert (await http.put(f"/v1/leads/{lead}/mode", json={"mode": "sms_only"})).status_code == 200
        assert (await http.put(f"/v1/leads/{lead}/mode", json=first)).status_code == 200
        if who == "a person":
            await set_lead_mode(work, tenant, lead, "email_only")
        else:
            assert (await http.put("/v1/settings", json={"mode": "email_only"})).status_code == 200
            if who == "the tenant's mode":
                assert await announce_page(work, tenant) == 1
            else:
                now = work.now
                data = {"lead_id": str(lead), "source": "web", "created_on": now.isoformat(), "version": 2}
                updated = CATALOGUE["lead.updated"].model_validate_json(
                    orjson.dumps(data | {"changed": ["email"], "email": "new@x.example"})
                )
                envelope = Envelope(str(uuid7()), "lead.updated", "urn:test", now, tenant, str(lead))
                await office.reader.handle(work, [Received(envelope, updated, now)])
    count = 2 if who == "a person" else 3
    events = await bus.read("outreach.mode_changed", tenant=tenant, count=count)
    assert max(events, key=lambda each: each.time).data["mode"] == "email_only"
