"""Delivery reports and complaints: whom they blame, and what follows."""

import pytest

from tests.integration.outreach.test_bounces import dsn
from tests.integration.outreach.test_replies import post_mail, replies, sent

__all__ = ["sent"]

PLAIN = """From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: sales@acme.example
Subject: Mail delivery failed: returning message to sender
Message-ID: <{id}@mx.example>
Auto-Submitted: auto-replied

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {to}
    {why}
"""

ARF = """From: feedback@provider.example
To: abuse@acme.example
Subject: FW: offer
Message-ID: <{id}@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a complaint about a message.
--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider/1.0
Version: 1
{recipient}
--b
Content-Type: message/rfc822

From: sales@acme.example
{to}Message-ID: {message_id}
Subject: offer

Hello.
--b--
"""


async def bounced(bus, tenant, count=1):
    return await bus.read("message.bounced", tenant=tenant, count=count)


async def test_a_report_that_names_only_the_address_blames_the_last_message_to_it(office, tenant, sent, bus):
    _, mail, _ = sent
    raw = PLAIN.format(id="p1", to=mail["To"], why="550 5.1.1 User unknown").encode()
    assert (await post_mail(office, tenant, raw))["outcome"] == "bounce"
    (event,) = await bounced(bus, tenant)
    assert (event.data["severity"], event.data["address_state"], event.data["address"]) == (
        "hard",
        "invalid",
        mail["To"],
    )
    assert event.data["message_id"] == mail["Message-ID"].strip("<>")


@pytest.mark.parametrize(
    ("why", "state"),
    [
        ("552 5.2.2 Mailbox full", "soft"),
        ("550 5.7.1 Message rejected due to the reputation of your server", "valid"),
        ("451 4.7.1 Greylisted, try again later", "valid"),
        ("450 4.2.1 The mailbox is temporarily disabled", "soft"),
    ],
)
async def test_what_is_not_the_addresss_fault_does_not_make_it_invalid(office, tenant, sent, bus, why, state):
    _, mail, _ = sent
    await post_mail(office, tenant, PLAIN.format(id="p1", to=mail["To"], why=why).encode())
    (event,) = await bounced(bus, tenant)
    assert event.data["address_state"] == state


async def test_an_old_message_is_not_blamed_for_a_report_without_its_id(office, tenant, sent, bus):
    _, mail, _ = sent
    office.advance(days=15)
    raw = PLAIN.format(id="p1", to=mail["To"], why="550 5.1.1 User unknown").encode()
    assert (await post_mail(office, tenant, raw))["outcome"] == "bounce"
    assert bus.seen("message.bounced", tenant=tenant) == []


async def test_a_delayed_message_counts_for_nothing(office, tenant, sent, bus):
    _, mail, _ = sent
    raw = dsn(mail, "4.4.7", action="delayed")
    assert (await post_mail(office, tenant, raw))["outcome"] == "bounce"
    assert bus.seen("message.bounced", tenant=tenant) == []


@pytest.mark.parametrize("by", ["id", "recipient"])
@pytest.mark.parametrize("kind", ["abuse", "opt-out"])
async def test_a_complaint_closes_the_lead_like_a_blocklist(office, tenant, sent, bus, by, kind):
    lead, mail, _ = sent
    raw = ARF.format(
        id="c1",
        kind=kind,
        recipient=f"Original-Rcpt-To: {mail['To']}\n" if by == "recipient" else "",
        to=f"To: {mail['To']}\n" if by == "recipient" else "",
        message_id=mail["Message-ID"] if by == "id" else "<unknown@acme.example>",
    ).encode()
    assert (await post_mail(office, tenant, raw))["outcome"] == "complaint"
    assert (await post_mail(office, tenant, raw))["outcome"] == "duplicate"
    (event,) = await bus.read("contact.opted_out", tenant=tenant)
    assert (event.lead_id, event.data) == (str(lead), {"channel": "all", "how": "blocklist"})
    async with office.client(tenant, "viewer") as http:
        rows = (await http.get("/v1/suppressions")).json()["items"]
    assert {(row["channel"], row["how"]) for row in rows} == {("email", "blocklist"), ("sms", "blocklist")}
    (reply,) = await replies(office, tenant)
    async with office.client(tenant, "operator") as http:
        answer = await http.post(f"/v1/replies/{reply['reply_id']}/label", json={"label": "interested"})
    assert answer.status_code == 409


async def test_a_report_that_it_was_no_spam_closes_nobody(office, tenant, sent, bus):
    _, mail, _ = sent
    raw = ARF.format(id="c1", kind="not-spam", recipient="", to="", message_id=mail["Message-ID"]).encode()
    await post_mail(office, tenant, raw)
    assert bus.seen("contact.opted_out", tenant=tenant) == []


async def test_a_complaint_of_somebody_unknown_suppresses_the_address(office, tenant):
    raw = ARF.format(
        id="c1",
        kind="abuse",
        recipient="Original-Rcpt-To: nobody@lead.example\n",
        to="To: nobody@lead.example\n",
        message_id="<unknown@acme.example>",
    ).encode()
    assert (await post_mail(office, tenant, raw))["outcome"] == "complaint"
    async with office.client(tenant, "viewer") as http:
        (row,) = (await http.get("/v1/suppressions")).json()["items"]
    assert (row["channel"], row["how"]) == ("email", "blocklist")


async def test_one_report_may_blame_several_messages(office, tenant, smtp, bus):
    mails = []
    for _ in range(2):
        lead = await office.captured(tenant)
        approved = await office.approved(tenant, lead)
        await office.send()
        mails += smtp.to(approved["to"])
    raw = PLAIN.format(id="p1", to=mails[0]["To"], why="550 5.1.1 User unknown").encode()
    raw += f"  {mails[1]['To']}\n    550 5.1.1 User unknown\n".encode()
    await post_mail(office, tenant, raw)
    events = await bounced(bus, tenant, 2)
    assert {event.data["address"] for event in events} == {mail["To"] for mail in mails}
