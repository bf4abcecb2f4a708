"""Evidence that a message left although the attempt was answered "not now": it is not sent a second time."""

from email.message import EmailMessage

import pytest

from services.outreach.twilio import signature
from tests.integration.outreach.test_bounces import dsn
from tests.integration.outreach.test_gateways import approved_sms, provider
from tests.integration.outreach.test_replies import answer_to, post_mail

__all__ = ["provider"]


async def report(office, tenant, approved, status: str, **more: str) -> str:
    """A provider's signed report on the message of a dispatch; the state of the dispatch afterwards."""
    form = {"MessageSid": "SMfirst", "MessageStatus": status, **more}
    path = f"/v1/sms/status?tenant={tenant}&dispatch={approved['dispatch_id']}"
    signed = {"X-Twilio-Signature": signature("sms-secret", f"http://outreach.example{path}", form)}
    async with office.run.client() as http:
        answer = await http.post(path, data=form, headers=signed)
    assert answer.status_code == 200, answer.text
    return answer.json()["state"]


@pytest.mark.parametrize("code", [408, 429, 503])
async def test_an_sms_that_was_delivered_although_the_provider_said_not_now_is_sent_once(
    office, tenant, provider, bus, code
):
    provider.answer = (code, {})
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "queued"
    assert await report(office, tenant, approved, "sent") == "sent"
    assert await report(office, tenant, approved, "delivered") == "sent"
    office.advance(hours=1)
    await office.send(sms=provider.gateway())
    assert len(provider.asked) == 1
    (sent,) = await bus.read("message.sent", tenant=tenant)
    assert sent.data["message_id"] == "SMfirst"


async def test_an_sms_that_could_not_be_delivered_although_the_provider_said_not_now_has_failed(
    office, tenant, provider, bus
):
    provider.answer = (503, {})
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    assert await report(office, tenant, approved, "undelivered", ErrorCode="30005") == "failed"
    assert await report(office, tenant, approved, "delivered") == "failed"
    office.advance(hours=1)
    await office.send(sms=provider.gateway())
    assert len(provider.asked) == 1
    (bounced,) = await bus.read("message.bounced", tenant=tenant)
    assert (bounced.data["code"], bounced.data["address_state"]) == ("30005", "invalid")


async def test_a_failure_of_an_earlier_attempt_leaves_the_one_under_way_to_its_sender(office, tenant, provider, bus):
    provider.answer = (503, {})
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    office.advance(hours=1)

    class Reporting:
        async def send(self, sms):
            assert await report(office, tenant, approved, "undelivered", ErrorCode="30008") == "sending"
            return await provider.gateway().send(sms)

    provider.answer = (201, {"sid": "SMsecond"})
    await office.send(sms=Reporting())
    async with office.client(tenant, "service") as http:
        status = {"message_sid": "SMsecond", "status": "delivered"}
        assert (await http.post("/v1/sms/status", json=status)).json()["state"] == "sent"
    (sent,) = await bus.read("message.sent", tenant=tenant)
    assert sent.data["message_id"] == "SMsecond"
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["note"] == "the provider says delivered"


async def refused_for_now(office, tenant, smtp, step: str = "data") -> tuple[dict, EmailMessage | None]:
    """A dispatch whose attempt was answered with 451 at that step, and the mail that arrived nevertheless."""
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.answers[step] = "451 4.3.0 try again later"
    await office.send()
    smtp.reset()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "queued"
    return approved, next(iter(smtp.to(approved["to"])), None)


EVIDENCE = {
    "our own copy": lambda mail: mail.as_bytes(),
    "a delivery report": lambda mail: dsn(mail, "4.4.7", action="delayed"),
    "a reply": lambda mail: answer_to(mail, "What does it cost?"),
}


@pytest.mark.parametrize("kind", EVIDENCE)
async def test_a_mail_that_left_although_the_server_said_not_now_is_sent_once(office, tenant, smtp, bus, kind):
    approved, mail = await refused_for_now(office, tenant, smtp)
    await post_mail(office, tenant, EVIDENCE[kind](mail))
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["note"]) == ("sent", f"known by {kind}")
    office.advance(hours=1)
    await office.send()
    assert len(smtp.to(approved["to"])) == 1
    (sent,) = await bus.read("message.sent", tenant=tenant)
    assert sent.data["message_id"] == dispatch["message_id"]


@pytest.mark.parametrize("kind", ["a mail of the lead", "a report that names the address"])
async def test_what_names_another_message_or_none_proves_nothing_of_one_that_was_not_accepted(
    office, tenant, smtp, kind
):
    approved, mail = await refused_for_now(office, tenant, smtp, "rcpt")
    assert mail is None
    other = {"To": approved["to"], "From": approved["from"], "Subject": "x", "Message-ID": "<other@x.example>"}
    if kind == "a mail of the lead":
        await post_mail(office, tenant, answer_to(other, "Hello!", threaded=False))
    else:
        await post_mail(office, tenant, dsn(other, "4.4.7", action="delayed"))
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "queued"


async def test_evidence_that_comes_while_it_is_sent_again_counts_once(office, tenant, smtp, bus):
    approved, mail = await refused_for_now(office, tenant, smtp)
    office.advance(hours=1)

    async def evidence() -> None:
        await post_mail(office, tenant, mail.as_bytes())

    smtp.on["rcpt"] = evidence
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["note"]) == ("sent", "known by our own copy")
    assert len(await bus.read("message.sent", tenant=tenant)) == 1
