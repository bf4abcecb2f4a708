"""Addresses in internationalised domains: capture keeps `bücher.de`, and mail has `xn--bcher-kva.de`. Both are one."""

from uuid import uuid4

import pytest

from tests.integration.outreach.test_bounces import DSN
from tests.integration.outreach.test_opt_outs import why_not
from tests.integration.outreach.test_replies import answer_to, post_mail
from tests.integration.outreach.test_sending_domains import allow, set_mailbox


@pytest.fixture
async def lead(office, tenant):
    return await office.captured(tenant, email="ada@bücher.de")


@pytest.fixture
async def mail(office, tenant, lead, smtp):
    """A message that the lead received, as its mail program shows it."""
    await office.approved(tenant, lead)
    arrived = len(smtp.arrived)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="first-message")
    (mail,) = smtp.mails()[arrived:]
    assert mail["To"] == "ada@xn--bcher-kva.de"
    return mail


async def test_a_fresh_mail_that_asks_for_silence_closes_the_lead(office, tenant, lead, mail):
    raw = answer_to(mail, "Please unsubscribe me.", id=f"{uuid4()}@x", threaded=False)
    assert (await post_mail(office, tenant, raw))["outcome"] == "matched"
    assert await why_not(office, tenant, lead) == "the lead has opted out"


async def test_a_delivery_report_by_the_address_alone_closes_the_address(office, tenant, lead, mail, bus):
    report = DSN.format(to=mail["To"], status="5.1.1", message_id="<unknown@mx.example>", action="failed", id="d7")
    assert (await post_mail(office, tenant, report.encode()))["outcome"] == "bounce"
    (bounced,) = await bus.read("message.bounced", tenant=tenant)
    assert (bounced.lead_id, bounced.data["address_state"]) == (str(lead), "invalid")


@pytest.mark.parametrize(
    "target",
    [
        {"address": "ada@xn--bcher-kva.de"},
        {"address": "Ada@BÜCHER.de"},
        {"address": "Ada Lovelace <ada@bücher.de>"},
        {"address": "mailto:ada@bücher.de"},
        {"domain": "xn--bcher-kva.de"},
        {"domain": "bücher.de"},
        {"domain": "@Bücher.DE"},
    ],
)
async def test_a_suppression_in_either_spelling_closes_the_lead(office, tenant, lead, target):
    await office.moved(tenant, lead, "contacted", rule="first-message")
    async with office.client(tenant, "operator") as http:
        answer = await http.post("/v1/suppressions", json={"channel": "all", **target})
    assert answer.status_code == 201, answer.text
    closed = "the address is suppressed (blocklist)" if "domain" in target else "the lead has opted out"
    assert await why_not(office, tenant, lead) == closed


@pytest.mark.parametrize(
    "target",
    [{"address": "ada@"}, {"address": "@x.example"}, {"address": "ada@x..example"}, {"address": "a@b@x.example"}]
    + [
        {"domain": domain}
        for domain in ("bücher", "-.de", "a b.de", "bücher..de", "ada@bücher.de", "x <ada@bücher.de>")
    ],
)
async def test_what_is_no_address_and_no_domain_is_refused(office, tenant, target):
    async with office.client(tenant, "operator") as http:
        answer = await http.post("/v1/suppressions", json={"channel": "all", **target})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] in ("address", "domain")


async def test_our_own_copy_is_known_by_a_mailbox_in_either_spelling(office, tenant, mail):
    domain = f"bücher-{tenant}.de"
    await allow(office, tenant, domain)
    assert (await set_mailbox(office, tenant, f"sales@{domain}")).status_code == 200
    own = f"sales@{domain.encode('idna').decode()}"
    copy = answer_to(mail, "Hello", id=f"{uuid4()}@x", threaded=False, sender=own)
    assert (await post_mail(office, tenant, copy))["outcome"] == "own_copy"


async def test_an_erasure_takes_unmatched_mail_of_either_spelling(office, tenant, lead):
    first = await office.captured(tenant, email="ada@bücher.de")  # two leads with one address: mail fits neither
    raw = b"From: ada@xn--bcher-kva.de\r\nTo: x@y.example\r\nSubject: hi\r\nMessage-ID: <%s@z>\r\n\r\nWell?\r\n"
    assert (await post_mail(office, tenant, raw % uuid4().hex.encode()))["outcome"] == "unmatched"
    for each in (lead, first):
        await office.publish(tenant, each, "lead.erased", {"lead_id": str(each)})
    async with office.client(tenant, "viewer") as http:
        assert (await http.get("/v1/replies")).json()["items"] == []
