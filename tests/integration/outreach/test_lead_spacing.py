"""The least time between two messages to one lead: the later waits and says why, and none waits for ever."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from services.outreach.sending.rules import LEAD_SPACING

PHONE = {"phone": "+4915112345678", "consent": {"sms": "granted"}}


@pytest.fixture
async def spaced(office, tenant):
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json={"lead_spacing_minutes": 30})
    assert answer.status_code == 200, answer.text


async def two_approved(office, tenant) -> list[dict]:
    """An e-mail and an SMS to one lead."""
    lead = await office.captured(tenant, **PHONE)
    await office.moved(tenant, lead, "engaged", rule="reply")
    mail = await office.approved(tenant, lead, "answer")
    return [mail, await office.approved(tenant, lead, "answer", channel="sms", subject=None, body="Hi Ada")]


async def dispatches(office, tenant, approved) -> list[dict]:
    return [await office.dispatch(tenant, each["dispatch_id"]) for each in approved]


async def test_the_later_message_waits_and_says_why(office, tenant, spaced):
    approved = await two_approved(office, tenant)
    await office.send()
    first, second = sorted(await dispatches(office, tenant, approved), key=lambda each: each["state"] != "sent")
    assert (first["state"], second["state"], second["reason"]) == ("sent", "queued", LEAD_SPACING)
    waits = datetime.fromisoformat(second["due_at"]) - datetime.fromisoformat(first["sending_at"])
    assert waits == timedelta(minutes=30)
    office.advance(minutes=29)
    await office.send()
    assert (await office.dispatch(tenant, second["dispatch_id"]))["state"] == "queued"
    office.advance(minutes=2)
    await office.send()
    assert (await office.dispatch(tenant, second["dispatch_id"]))["state"] == "sent"


async def test_ten_senders_at_once_send_one_message_to_the_lead(office, tenant, spaced):
    for _ in range(3):
        approved = await two_approved(office, tenant)
        senders = [office.sender() for _ in range(10)]
        while sum(await asyncio.gather(*(sender.step(office.database) for sender in senders))):
            pass
        states = Counter(each["state"] for each in await dispatches(office, tenant, approved))
        assert states == {"sent": 1, "queued": 1}


async def test_a_message_that_waits_is_not_overtaken_by_newer_ones(office, tenant, spaced):
    lead = await office.captured(tenant, **PHONE)
    await office.moved(tenant, lead, "engaged", rule="reply")
    await office.approved(tenant, lead, "answer")
    await office.send()
    waiting = await office.approved(tenant, lead, "answer")
    await office.send()
    office.advance(minutes=31)
    newer = [await office.approved(tenant, lead, "answer")]
    newer.append(await office.approved(tenant, lead, "answer", channel="sms", subject=None, body="Hi"))
    await office.send()
    states = [each["state"] for each in await dispatches(office, tenant, [waiting, *newer])]
    assert states == ["sent", "queued", "queued"]
    dues = sorted(each["due_at"] for each in await dispatches(office, tenant, newer))
    assert datetime.fromisoformat(dues[1]) - datetime.fromisoformat(dues[0]) >= timedelta(minutes=30)
    for _ in newer:
        office.advance(minutes=31)
        await office.send()
    assert {each["state"] for each in await dispatches(office, tenant, newer)} == {"sent"}


async def test_without_the_setting_both_leave_at_once_and_with_it_taken_back_too(office, tenant, spaced):
    approved = await two_approved(office, tenant)
    await office.send()
    async with office.client(tenant, "admin") as http:
        assert (await http.put("/v1/settings", json={"lead_spacing_minutes": 0})).status_code == 200
    await office.send()
    assert {each["state"] for each in await dispatches(office, tenant, approved)} == {"sent"}


async def test_a_message_to_another_lead_is_not_delayed(office, tenant, spaced):
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(2)]
    await office.send()
    assert {each["state"] for each in await dispatches(office, tenant, approved)} == {"sent"}
