"""Inbound messages are received however they are written, and match their lead also after a merge."""

from uuid import uuid4

import pytest

from tests.integration.outreach.test_opt_outs import merge
from tests.integration.outreach.test_replies import post_mail, replies


def a_mail(**headers: bytes) -> bytes:
    made = {"From": b"Ada <ada@lead.example>", "Subject": b"Hello", "Message-ID": b"<1@x>", **headers}
    return b"".join(name.encode() + b": " + value + b"\r\n" for name, value in made.items()) + b"\r\nGoats.\r\n"


@pytest.mark.parametrize("subject", [b"a\x00b", b"=?utf-8?q?a=00b?=", b"=?utf-8?b?YQBi?=", b"a\xffb"])
async def test_a_mail_is_received_whatever_its_headers_hold(office, tenant, subject):
    raw = a_mail(Subject=subject, From=subject + b" <ada@lead.example>", **{"Message-ID": b"<" + subject + b"@x>"})
    assert (await post_mail(office, tenant, raw))["outcome"] == "unmatched"
    (reply,) = await replies(office, tenant)
    assert (reply["sender"], reply["text"]) == ("ada@lead.example", "Goats.")
    assert reply["subject"].startswith("a") and reply["subject"].endswith("b")


async def test_a_delivery_report_is_received_whatever_it_holds(office, tenant):
    raw = a_mail(**{"Content-Type": b'multipart/report; report-type=delivery-status; boundary="b"'}).replace(
        b"Goats.",
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        b"Final-Recipient: rfc822; a\x00\xff@x\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; =?utf-8?q?a=00b?=\xff\r\n\r\n--b\r\n"
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <q\x00\xff@x>\r\n--b--",
    )
    assert (await post_mail(office, tenant, raw))["outcome"] == "bounce"


async def test_an_sms_is_received_whatever_its_adapter_adds_and_its_body_holds(office, tenant):
    body = {"from": "+4915100000001", "to": "+12025550100", "body": "a\u0000b", "message_sid": "SM1", "segments": 1}
    async with office.client(tenant, "service") as http:
        answer = await http.post("/v1/sms/inbound", json=body)
        assert (answer.status_code, answer.json()["outcome"]) == (202, "unmatched")
        status = {"message_sid": "SMx", "status": "sent", "price": "0.1"}
        assert (await http.post("/v1/sms/status", json=status)).status_code == 404
    assert (await replies(office, tenant))[0]["text"] == "ab"


async def test_a_phone_that_merged_leads_share_belongs_to_the_one_that_was_kept(office, tenant):
    phone = f"+4915{uuid4().int % 10**9:09d}"
    kept, alias = await office.captured(tenant, phone=phone), await office.captured(tenant, phone=phone)
    body = {"from": phone, "to": "+12025550100", "body": "Goats.", "message_sid": "SM1"}
    async with office.client(tenant, "service") as http:
        assert (await http.post("/v1/sms/inbound", json=body)).json()["outcome"] == "unmatched"
        await merge(office, tenant, kept, alias)
        again = await http.post("/v1/sms/inbound", json={**body, "message_sid": "SM2"})
    assert again.json()["outcome"] == "matched"
    for name in (kept, alias):
        (reply,) = await replies(office, tenant, lead_id=str(name))
        assert (reply["reply_id"], reply["lead_id"]) == (again.json()["reply_id"], str(kept))
    await merge(office, tenant, kept, alias, version=2, undone=True)
    assert await replies(office, tenant, lead_id=str(alias)) == []


async def test_replies_of_the_other_lead_are_listed_under_the_kept_one(office, tenant):
    phone = f"+4915{uuid4().int % 10**9:09d}"
    alias, kept = await office.captured(tenant, phone=phone), await office.captured(tenant)
    body = {"from": phone, "to": "+12025550100", "body": "Goats.", "message_sid": "SM1"}
    async with office.client(tenant, "service") as http:
        received = (await http.post("/v1/sms/inbound", json=body)).json()
    await merge(office, tenant, kept, alias)
    assert [reply["reply_id"] for reply in await replies(office, tenant, lead_id=str(kept))] == [received["reply_id"]]
