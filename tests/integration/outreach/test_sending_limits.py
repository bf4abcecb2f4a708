"""Caps, spacing and windows delay a message; SMS needs consent; a fresh tenant has a mailbox."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


async def test_a_cap_and_spacing_hold_messages_back(office, tenant, smtp):
    async with office.client(tenant, "admin") as http:
        box = {"from": f"sales@{tenant}.leadflow.example", "per_day": 2, "spacing_seconds": 60}
        assert (await http.put("/v1/settings", json={"mailboxes": [box]})).status_code == 200
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(3)]

    def left() -> int:
        return sum(len(smtp.to(each["to"])) for each in approved)

    await office.send()
    assert left() == 1
    office.advance(seconds=61)
    await office.send()
    assert left() == 2
    office.advance(seconds=200)
    await office.send()
    assert left() == 2, "two a day"
    office.advance(days=1)
    await office.send()
    assert left() == 3


async def test_an_attempt_that_sent_nothing_does_not_count_for_the_day(office, tenant, smtp):
    async with office.client(tenant, "admin") as http:
        box = {"from": f"sales@{tenant}.leadflow.example", "per_day": 1}
        assert (await http.put("/v1/settings", json={"mailboxes": [box]})).status_code == 200
    first, second = [await office.approved(tenant, await office.captured(tenant)) for _ in range(2)]
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    office.advance(seconds=(noon - datetime.now(UTC)).total_seconds())
    smtp.answers["rcpt"] = "451 later"
    await office.send(limit=1)
    smtp.reset()
    office.advance(minutes=5)
    await office.send()
    states = [await office.dispatch(tenant, each["dispatch_id"]) for each in (first, second)]
    assert sorted(each["state"] for each in states) == ["queued", "sent"]
    (waits,) = [each for each in states if each["state"] == "queued"]
    assert waits["reason"] == "the mailbox has sent its 1 messages of today"


async def test_a_closed_window_waits_in_the_leads_time_zone(office, tenant, smtp):
    window = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "14:00", "end": "24:00"}
    async with office.client(tenant, "admin") as http:
        assert (await http.put("/v1/settings", json={"window": window})).status_code == 200
    approved = await office.approved(tenant, await office.captured(tenant, timezone="Asia/Tokyo"))
    now = datetime.now(ZoneInfo("Asia/Tokyo"))
    noon = datetime.combine(now.date() + timedelta(days=1), time(12), now.tzinfo)
    office.advance(seconds=(noon - now).total_seconds())
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("queued", "outside the sending window")
    office.advance(hours=2)
    await office.send()
    assert len(smtp.to(approved["to"])) == 1


async def test_an_sms_needs_consent_and_goes_by_the_provider(office, tenant, bus):
    import json

    lead = await office.captured(tenant, phone="+4915112345678")
    async with office.client(tenant, "reviewer") as http:
        body = {"lead_id": str(lead), "kind": "first", "channel": "sms", "body": "Hi Ada"}
        refused = await http.post("/v1/drafts", json=body)
        assert (refused.status_code, refused.json()["detail"]) == (409, "nobody gave consent for sms")
    await office.updated(tenant, lead, phone="+4915112345678", consent={"sms": "granted"})
    approved = await office.approved(tenant, lead, channel="sms", subject=None, body="Hi Ada")
    await office.send()
    lines = [json.loads(line) for line in office.sms_file.read_text().splitlines()]
    line = next(line for line in lines if approved["dispatch_id"].replace("-", "") in line["message_sid"])
    assert (line["to"], line["body"]) == ("+4915112345678", "Hi Ada")
    sent = (await bus.read("message.sent", tenant=tenant))[0]
    assert sent.data["channel"] == "sms"


async def test_a_mailbox_is_only_a_setting_away(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    assert approved["from"] == f"sales@{tenant}.leadflow.example"
    await office.send()
    assert smtp.to(approved["to"])[0]["From"] == approved["from"]
