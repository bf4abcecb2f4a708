"""Bounces: delivery reports and SMS status reports that change the state of an address."""

from tests.integration.outreach.test_replies import post_mail, sent

__all__ = ["sent"]

DSN = """From: MAILER-DAEMON@mx.example
To: sales@acme.example
Subject: Undelivered
Message-ID: <{id}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {to}
Action: {action}
Status: {status}

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
"""


def dsn(mail, status: str, *, action: str = "failed", id: str = "d1") -> bytes:
    return DSN.format(to=mail["To"], status=status, message_id=mail["Message-ID"], action=action, id=id).encode()


async def test_an_sms_status_sets_the_state_of_the_number(office, tenant, bus):
    lead = await office.captured(tenant, phone="+4915112345679", consent={"sms": "granted"})
    approved = await office.approved(tenant, lead, channel="sms", subject=None, body="Hi")
    await office.send()
    sid = "SM" + approved["dispatch_id"].replace("-", "")
    async with office.client(tenant, "service") as http:
        for _ in range(2):
            status = {"message_sid": sid, "status": "undelivered", "code": 30005}
            assert (await http.post("/v1/sms/status", json=status)).status_code == 200
        assert (await http.post("/v1/sms/status", json={**status, "message_sid": "SMx"})).status_code == 404
    (bounced,) = await bus.read("message.bounced", tenant=tenant)
    assert (bounced.data["severity"], bounced.data["address_state"], bounced.data["code"]) == (
        "hard",
        "invalid",
        "30005",
    )


async def test_a_number_that_does_not_work_is_closed_for_every_lead_that_has_it(office, tenant, bus):
    phone = {"phone": "+4915112345681", "consent": {"sms": "granted"}}
    lead, other = await office.captured(tenant, **phone), await office.captured(tenant, **phone)
    text = {"channel": "sms", "subject": None, "body": "Hi"}
    approved = await office.approved(tenant, lead, **text)
    waiting = await office.draft(tenant, other, **text)
    await office.send()
    async with office.client(tenant, "service") as http:
        sid = "SM" + approved["dispatch_id"].replace("-", "")
        for _ in range(2):
            await http.post("/v1/sms/status", json={"message_sid": sid, "status": "undelivered", "code": 30005})
        bounced = await bus.read("message.bounced", tenant=tenant, count=2)
        assert (await http.get(f"/v1/drafts/{waiting['draft_id']}")).json()["state"] == "superseded"
    assert {(each.lead_id, each.data["address_state"]) for each in bounced} == {
        (str(lead), "invalid"),
        (str(other), "invalid"),
    }


async def test_a_message_has_one_final_status_and_a_late_report_is_refused(office, tenant, bus):
    """A signed report has no time in it: whoever has seen one could repeat it to close or reopen a number."""
    phone = "+4915112345680"
    lead = await office.captured(tenant, phone=phone, consent={"sms": "granted"})
    sids = []
    for _ in range(3):
        approved = await office.approved(tenant, lead, channel="sms", subject=None, body="Hi")
        await office.send()
        sids.append("SM" + approved["dispatch_id"].replace("-", ""))

    async def report(sid: str, status: str, code: int | None = None) -> int:
        async with office.client(tenant, "service") as http:
            body = {"message_sid": sid, "status": status, "code": code}
            return (await http.post("/v1/sms/status", json=body)).status_code

    assert await report(sids[0], "delivered") == 200
    assert await report(sids[1], "undelivered", 30003) == 200  # soft: unreachable
    assert await report(sids[1], "failed", 30005) == 200, "answered, and nothing changes"
    assert await report(sids[0], "failed", 30005) == 200
    office.advance(days=8)
    assert await report(sids[2], "failed", 30005) == 409
    (bounced,) = await bus.read("message.bounced", tenant=tenant)
    assert (bounced.data["code"], bounced.data["severity"]) == ("30003", "soft")


async def test_a_hard_bounce_closes_the_address_and_a_later_one_of_it_changes_nothing(office, tenant, sent, bus):
    lead, mail, _ = sent
    assert (await post_mail(office, tenant, dsn(mail, "5.1.1")))["outcome"] == "bounce"
    (event,) = await bus.read("message.bounced", tenant=tenant)
    assert event.data | {"detail": 0} == {
        "message_id": mail["Message-ID"].strip("<>"),
        "channel": "email",
        "severity": "hard",
        "code": "5.1.1",
        "address": mail["To"],
        "address_state": "invalid",
        "detail": 0,
    }
    async with office.client(tenant, "reviewer") as http:
        body = {"lead_id": str(lead), "kind": "answer", "channel": "email", "subject": "s", "body": "b"}
        assert (await http.post("/v1/drafts", json=body)).json()["detail"] == "the email address does not work"


async def test_five_soft_bounces_in_fourteen_days_close_it_too(office, tenant, sent, bus):
    _, mail, _ = sent
    for n in range(5):
        await post_mail(office, tenant, dsn(mail, "5.2.2", id=f"d{n}"))
        office.advance(days=1)
    states = [event.data["address_state"] for event in await bus.read("message.bounced", tenant=tenant, count=5)]
    assert states == ["soft"] * 4 + ["invalid"]


async def test_a_delay_does_not_bounce(office, tenant, sent, bus):
    _, mail, _ = sent
    assert (await post_mail(office, tenant, dsn(mail, "4.4.1", action="delayed")))["outcome"] == "bounce"
    await post_mail(office, tenant, dsn(mail, "5.1.1", id="later"))
    assert len(await bus.read("message.bounced", tenant=tenant)) == 1
