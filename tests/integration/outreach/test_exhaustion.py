"""Used-up channels: checked whenever another channel closes; and on which channel a revived lead is contacted."""

import asyncpg
import pytest

from services.outreach.sending.workers import check_exhaustion
from tests.integration.outreach.test_composing import drafts

PHONE = "+4915112345678"


@pytest.fixture
async def tried_by_mail(office, tenant):
    """A lead whose e-mail is used up while SMS is open: nothing is published yet."""
    async with office.client(tenant, "admin") as http:
        await http.put("/v1/settings", json={"exhaust_after_messages": 1, "auto_drafts": {"follow_up": False}})
    lead = await office.captured(tenant, email="ada@example.com", phone=PHONE, consent={"sms": "granted"})
    await office.approved(tenant, lead)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="first-message")
    office.advance(days=15)
    await check_exhaustion(office.database)
    return lead


@pytest.mark.parametrize(
    ("happens", "at_once"),
    [
        ("the mode becomes email_only", True),
        ("consent for SMS is denied", False),
        ("the phone is suppressed", True),
        ("the phone does not work", True),
    ],
)
async def test_a_channel_that_closes_later_leads_to_the_event(office, tenant, tried_by_mail, bus, happens, at_once):
    assert bus.seen("outreach.exhausted", tenant=tenant) == []
    mode, channels = "blended", ["email", "sms"]
    match happens:
        case "the mode becomes email_only":
            mode, channels = "email_only", ["email"]
            async with office.client(tenant, "operator") as http:
                await http.put(f"/v1/leads/{tried_by_mail}/mode", json={"mode": "email_only"})
        case "consent for SMS is denied":
            details = {"email": "ada@example.com", "phone": PHONE, "consent": {"sms": "denied"}}
            await office.updated(tenant, tried_by_mail, **details)
        case "the phone is suppressed":
            async with office.client(tenant, "operator") as http:
                await http.post("/v1/suppressions", json={"channel": "sms", "address": PHONE})
        case "the phone does not work":
            channels = ["email"]
            await office.moved(tenant, tried_by_mail, "contacted", revision=2, rule="revived", from_="exhausted")
            sms = {"channel": "sms", "subject": None, "body": "Hi Ada"}
            await office.approved(tenant, tried_by_mail, "follow_up", **sms)
            await office.send(sms=Refusing())
    if not at_once:
        office.advance(days=1, minutes=1)
    for _ in range(2):
        await check_exhaustion(office.database)
    (event,) = await bus.read("outreach.exhausted", tenant=tenant)
    assert event.data == {"mode": mode, "channels": channels}


class Refusing:
    """A provider that knows no such number."""

    async def send(self, sms):
        from services.outreach.sending.rules import sms_outcome

        return sms_outcome(400, "21211", "not a valid number")


async def test_a_lead_exhausted_in_one_mode_can_be_exhausted_again_in_another(office, tenant, tried_by_mail, bus):
    """The mode sms_only revives the lead; when it is email_only again, its e-mail is as used up as before."""
    url = f"/v1/leads/{tried_by_mail}/mode"
    async with office.client(tenant, "operator") as http:
        for mode in ("email_only", "sms_only", "email_only"):
            await http.put(url, json={"mode": mode})
            office.advance(days=1, minutes=1)
            await check_exhaustion(office.database)
    events = await bus.read("outreach.exhausted", tenant=tenant, count=2)
    assert [event.data["mode"] for event in events] == ["email_only", "email_only"]


async def test_a_message_by_sms_does_not_postpone_the_next_check(office, tenant, tried_by_mail, bus):
    await office.moved(tenant, tried_by_mail, "contacted", revision=2, rule="revived", from_="exhausted")
    await office.approved(tenant, tried_by_mail, "follow_up", channel="sms", subject=None, body="Hi Ada")
    await office.send()
    async with office.client(tenant, "operator") as http:
        await http.put(f"/v1/leads/{tried_by_mail}/mode", json={"mode": "email_only"})
    office.advance(days=1, minutes=1)
    await check_exhaustion(office.database)
    assert len(await bus.read("outreach.exhausted", tenant=tenant)) == 1


async def test_the_follow_up_of_a_revived_lead_uses_the_channel_that_is_not_used_up(office, tenant, tried_by_mail):
    async with office.client(tenant, "admin") as http:
        await http.put("/v1/settings", json={"auto_drafts": {"follow_up": True}})
    await office.moved(tenant, tried_by_mail, "contacted", revision=2, rule="revived", from_="exhausted")
    await office.compose()
    assert [draft["channel"] for draft in await drafts(office, tenant, kind="follow_up")] == ["sms"]


async def test_a_mode_that_changed_details_announce_first_revives_as_any_other(office, tenant, tried_by_mail, bus):
    """The tenant's mode goes to all its leads page by page; whoever has new details before hears of it then."""
    async with office.client(tenant, "admin") as http:
        for version, mode in enumerate(("email_only", "sms_only", "email_only"), 2):
            await http.put("/v1/settings", json={"mode": mode})
            await office.updated(tenant, tried_by_mail, version, email="ada@example.com", phone=PHONE)
            office.advance(days=1, minutes=1)
            await check_exhaustion(office.database)
    assert len(await bus.read("outreach.exhausted", tenant=tenant, count=2)) == 2


async def _due(office, lead):
    connection = await asyncpg.connect(office.url)
    try:
        return await connection.fetchval("SELECT exhaust_due FROM lead WHERE lead_id = $1", lead)
    finally:
        await connection.close()


@pytest.mark.parametrize("into", ["contacted", "new"])
async def test_a_lead_that_a_person_takes_up_again_is_exhausted_again_once_as_much_was_tried(
    office, tenant, tried_by_mail, bus, into
):
    lead = tried_by_mail
    async with office.client(tenant, "operator") as http:
        await http.put(f"/v1/leads/{lead}/mode", json={"mode": "email_only"})
    await check_exhaustion(office.database)
    await office.moved(tenant, lead, "exhausted", revision=2, rule="used-up", from_="contacted")
    office.advance(days=2)
    await check_exhaustion(office.database)
    assert await _due(office, lead) is None, "nothing can move it, so nobody asks each day"
    await office.moved(tenant, lead, into, revision=3, rule="manual", from_="exhausted")
    if into == "new":
        await office.moved(tenant, lead, "contacted", revision=4, rule="first-message", from_="new")
    office.advance(days=20)
    await check_exhaustion(office.database)
    assert len(await bus.read("outreach.exhausted", tenant=tenant)) == 1, "what was sent before counts no more"
    await office.approved(tenant, lead, "answer")
    await office.send()
    office.advance(days=15)
    await check_exhaustion(office.database)
    assert len(await bus.read("outreach.exhausted", tenant=tenant, count=2)) == 2


async def test_a_lead_that_comes_back_to_a_stage_that_used_up_channels_end_is_checked(
    office, tenant, tried_by_mail, bus
):
    lead = tried_by_mail
    await office.moved(tenant, lead, "engaged", revision=2, rule="reply", from_="contacted")
    async with office.client(tenant, "operator") as http:
        await http.put(f"/v1/leads/{lead}/mode", json={"mode": "email_only"})
    office.advance(days=2)
    await check_exhaustion(office.database)
    assert await _due(office, lead) is None
    await office.moved(tenant, lead, "contacted", revision=3, rule="manual", from_="engaged")
    await check_exhaustion(office.database)
    assert len(await bus.read("outreach.exhausted", tenant=tenant)) == 1
