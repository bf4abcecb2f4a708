"""The gateways against servers that behave in every way: SMTP with TLS and login, and a provider of SMS."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from fastapi import FastAPI, Request, Response
from uvicorn import Config, Server

from deploy.local.ports import free_port
from services.outreach.sending.gateways import OutboundMail, Smtp, TwilioSms
from services.outreach.sending.workers import expire_leases
from services.outreach.twilio import signature
from tests.integration.outreach.test_sending import start_crashing_sender
from tests.serving import serving


class Provider:
    """A small provider with Twilio's interface."""

    def __init__(self) -> None:
        self.port = free_port()
        self.asked: list[dict[str, str]] = []
        self.answer = (201, {"sid": "SMprovider", "status": "queued"})
        self.on_accepted: Callable[[], object] = lambda: None
        app = FastAPI()

        @app.post("/2010-04-01/Accounts/AC1/Messages.json")
        async def messages(request: Request) -> Response:
            self.asked.append({str(name): str(value) for name, value in (await request.form()).items()})
            self.on_accepted()
            status, content = self.answer
            if status == 0:
                await asyncio.sleep(2)
            return Response(json.dumps(content), status or 200, media_type="application/json")

        self.server = Server(Config(app, host="127.0.0.1", port=self.port, log_level="critical"))

    def gateway(self) -> TwilioSms:
        return TwilioSms(f"http://127.0.0.1:{self.port}", "AC1", "token", timeout=0.5)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    async with serving(made.server):
        yield made


async def approved_sms(office, tenant) -> dict:
    lead = await office.captured(tenant, phone="+4915112345678", consent={"sms": "granted"})
    return await office.approved(tenant, lead, channel="sms", subject=None, body="Hi Ada")


async def test_a_provider_accepts_the_message_and_later_reports_its_delivery(office, tenant, provider, bus):
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    (form,) = provider.asked
    assert (form["To"], form["Body"]) == ("+4915112345678", "Hi Ada")
    assert f"tenant={tenant}&dispatch={approved['dispatch_id']}" in form["StatusCallback"]
    (sent,) = await bus.read("message.sent", tenant=tenant)
    assert sent.data["message_id"] == "SMprovider"
    async with office.client(tenant, "service") as http:
        status = {"message_sid": "SMprovider", "status": "delivered"}
        assert (await http.post("/v1/sms/status", json=status)).json()["state"] == "sent"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((429, {}), "queued"),
        ((503, {}), "queued"),
        ((401, {"code": 20003, "message": "authenticate"}), "queued"),
        ((404, {}), "queued"),
        ((400, {"code": 21211, "message": "invalid number"}), "failed"),
        ((400, {"code": 21602, "message": "no body"}), "failed"),
        ((500, {}), "unknown"),
        ((0, {}), "unknown"),
        ((201, {"no": "sid"}), "unknown"),
    ],
)
async def test_each_answer_of_the_provider_has_its_outcome(office, tenant, provider, answer, state):
    provider.answer = answer
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == state
    if answer[1].get("code") != 21211:
        async with office.database.worker() as work:
            rows = await work.fetch("SELECT state FROM address WHERE tenant_id = :t AND channel = 'sms'", t=tenant)
        assert [row["state"] for row in rows] == ["valid"], "the failure was not about the number"
    if state != "queued":
        office.advance(hours=2)
        await office.send(sms=provider.gateway())
        assert len(provider.asked) == 1


@pytest.mark.parametrize("point", ["accepted by the provider", "answered, not recorded", "recorded, not committed"])
async def test_a_sender_that_dies_with_an_sms_on_its_way_never_sends_it_twice(office, tenant, smtp, provider, point):
    approved = await approved_sms(office, tenant)
    child = await start_crashing_sender(office, smtp.port, point, f"http://127.0.0.1:{provider.port}")
    if point == "accepted by the provider":
        provider.on_accepted = child.kill
    assert await asyncio.wait_for(child.wait(), 60) == -signal.SIGKILL
    await office.lease_runs_out()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "unknown"
    for _ in range(3):
        await office.send(sms=provider.gateway())
        office.advance(hours=20)
        await expire_leases(office.database)
    assert len(provider.asked) == 1
    async with office.client(tenant, "operator") as http:
        body = {"outcome": "sent", "note": "it is in the provider's log"}
        answer = await http.post(f"/v1/dispatches/{approved['dispatch_id']}/resolve", json=body)
    assert answer.json()["state"] == "sent"


async def test_a_carriers_opt_out_closes_the_lead(office, tenant, provider, bus):
    provider.answer = (400, {"code": 21610, "message": "unsubscribed recipient"})
    await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    (out,) = await bus.read("contact.opted_out", tenant=tenant)
    assert out.data == {"channel": "sms", "how": "stop_word"}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((201, {"sid": "SM\0provider", "message": "queued"}), "sent"),
        ((201, {"sid": "SM" + "".join(map(chr, range(0x4E00, 0x8E00)))}), "sent"),
        ((429, {"code": "2\0", "message": "too\0much \ud800"}), "queued"),
        ((400, {"code": 21602, "message": "\udfff"}), "failed"),
    ],
)
async def test_an_answer_of_the_provider_that_cannot_be_stored_has_its_outcome(office, tenant, provider, answer, state):
    provider.answer = answer
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == state


async def test_no_connection_to_the_provider_is_provably_not_sent(office, tenant):
    approved = await approved_sms(office, tenant)
    await office.send(sms=TwilioSms("http://127.0.0.1:1", "AC1", "token", timeout=0.5))
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "queued"


async def test_a_status_report_decides_a_message_of_unknown_outcome(office, tenant, provider, bus):
    provider.answer = (500, {})
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    form = {"MessageSid": "SMlate", "MessageStatus": "sent"}
    path = f"/v1/sms/status?tenant={tenant}&dispatch={approved['dispatch_id']}"
    signed = {"X-Twilio-Signature": signature("sms-secret", f"http://outreach.example{path}", form)}
    async with office.run.client() as http:
        assert (await http.post(path, data=form, headers=signed)).status_code == 200
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"
    assert (await bus.read("message.sent", tenant=tenant))[0].data["message_id"] == "SMlate"


async def test_only_the_provider_and_the_tenants_own_machines_report_on_an_sms(office, tenant, provider):
    provider.answer = (500, {})
    approved = await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    form = {"MessageSid": "SMlate", "MessageStatus": "failed", "ErrorCode": "21211"}
    own = f"/v1/sms/status?tenant={tenant}&dispatch={approved['dispatch_id']}"
    foreign = own.replace(f"tenant={tenant}", "tenant=somebody-else")

    def signed(path: str, token: str = "sms-secret") -> dict[str, str]:
        return {"X-Twilio-Signature": signature(token, f"http://outreach.example{path}", form)}

    async with office.run.client() as http:
        for path, headers, code in (
            (own, {}, 401),
            (own, {"X-Twilio-Signature": ""}, 401),
            (own, {"X-Twilio-Signature": "ünsigned".encode()}, 401),
            (own, signed(own, "another secret"), 401),
            (own, signed(foreign), 401),
            (own, signed(own.partition("?")[0]), 401),
            (foreign, signed(own), 401),
            (foreign, signed(foreign), 404),
        ):
            assert (await http.post(path, data=form, headers=headers)).status_code == code, (path, headers)
        assert (await http.post(own, data={**form, "ErrorCode": "30003"}, headers=signed(own))).status_code == 401
        report = {"message_sid": approved["dispatch_id"], "status": "failed", "code": 21211}
        assert (await http.post("/v1/sms/status", json=report)).status_code == 401
    for owner, role, code in ((tenant, "viewer", 403), (tenant, "reviewer", 403), ("somebody-else", "service", 404)):
        async with office.client(owner, role) as http:
            reference = {**report, "message_sid": f"SM{approved['dispatch_id'].replace('-', '')}"}
            assert (await http.post("/v1/sms/status", json=reference)).status_code == code
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "unknown"


@pytest.mark.parametrize("code", ["30008", ""])
async def test_a_later_failure_that_is_not_about_the_number_publishes_no_bounce(office, tenant, provider, bus, code):
    await approved_sms(office, tenant)
    await office.send(sms=provider.gateway())
    async with office.client(tenant, "service") as http:
        status = {"message_sid": "SMprovider", "status": "undelivered", "code": code}
        assert (await http.post("/v1/sms/status", json=status)).json()["state"] == "sent"
    await bus.read("message.sent", tenant=tenant)
    assert bus.seen("message.bounced", tenant=tenant) == []


@pytest.mark.parametrize("step", ["rcpt", "data"])
async def test_a_refused_recipient_bounces_hard_and_closes_the_address(office, tenant, smtp, bus, step):
    lead = await office.captured(tenant)
    approved = await office.approved(tenant, lead)
    smtp.answers[step] = "550 5.1.1 refused: no such user"
    await office.send()
    (bounced,) = await bus.read("message.bounced", tenant=tenant)
    assert (bounced.data["severity"], bounced.data["address_state"]) == ("hard", "invalid")
    assert bounced.data["address"] == approved["to"]
    assert bus.seen("message.sent", tenant=tenant) == []


class Keeper:
    def __init__(self) -> None:
        self.kept: list[bytes] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.kept.append(envelope.content)
        return "250 kept"


@pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::DeprecationWarning"
)  # of the test's server, on login without TLS
@pytest.mark.parametrize(("password", "state"), [("right", "sent"), ("wrong", "queued")])
async def test_a_login_is_made_and_a_refused_one_is_provably_not_sent(password, state):
    keeper = Keeper()

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"right")

    def serve():
        return SMTP(
            keeper, authenticator=authenticate, auth_require_tls=False, auth_required=True, hostname="localhost"
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = Smtp("127.0.0.1", port, user="sales", password=password, timeout=3)
    outcome = await gateway.send(
        OutboundMail("sales@acme.example", "ada@example.com", b"Subject: x\r\n\r\nhi\r\n.dot\r\n")
    )
    server.close()
    assert outcome.state == state
    assert keeper.kept == ([b"Subject: x\r\n\r\nhi\r\n.dot\r\n"] if state == "sent" else [])


async def test_starttls_that_the_server_lacks_sends_nothing_in_the_clear(smtp):
    before = len(smtp.arrived)
    gateway = Smtp("127.0.0.1", smtp.port, starttls=True, timeout=3)
    outcome = await gateway.send(OutboundMail("sales@acme.example", "ada@example.com", b"Subject: x\r\n\r\nhi\r\n"))
    assert outcome.state == "queued"
    assert len(smtp.arrived) == before


async def test_a_server_that_accepts_and_says_nothing_is_not_sent():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        gateway = Smtp("127.0.0.1", silent.getsockname()[1], timeout=0.3)
        outcome = await gateway.send(OutboundMail("sales@acme.example", "ada@example.com", b"x"))
    assert outcome.state == "queued"
