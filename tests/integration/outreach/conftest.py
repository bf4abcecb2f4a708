"""Fixtures of outreach's tests: a real SMTP server that misbehaves on request, and the service run step by step.

`office` is the service with its own database and the API only. Tests hand events to its reader and call each worker's
step themselves, so that they decide what happens between two steps. `outreach` is the whole service.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from aiosmtpd.smtp import SMTP

from deploy.databases import create_database
from deploy.migrate import upgrade
from services.outreach.consumers import Reader
from services.outreach.drafts import workers as draft_workers
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.composer import Composer
from services.outreach.replies.workers import ImapReader
from services.outreach.sending import workers as sending_workers
from services.outreach.sending.gateways import FileSms, Smtp
from services.outreach.settings import ImapAccount
from shared.events import CATALOGUE, Received
from shared.events.envelope import Envelope
from shared.ids import uuid7
from shared.testing.running import Running, start_service
from tests.integration.outreach.dovecot import servers_to_try
from tests.integration.outreach.imap_server import PASSWORD, USER, ImapServer, Line
from tests.integration.outreach.smtp_mailbox import Mailbox


@pytest.fixture(scope="session")
async def smtp() -> AsyncIterator[Mailbox]:
    """A real SMTP server."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, enable_SMTPUTF8=True, hostname="localhost"), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


@pytest.fixture(scope="module")
async def outreach(start, smtp, tmp_path_factory) -> Running:
    """The whole service with its consumers and workers."""
    sms = tmp_path_factory.mktemp("sms") / "sms.jsonl"
    return await start("outreach", smtp_port=smtp.port, sms_file=sms, poll_seconds=0.1)


class Office:
    """The service with its own database; nothing happens unless the test asks for it."""

    def __init__(self, run: Running, smtp: Mailbox, sms_file: Path) -> None:
        self.run = run
        self.smtp = smtp
        self.sms_file = sms_file
        self.context = run.app.state.outreach
        self.reader = Reader(self.context)
        self.database = run.database

    def client(self, tenant: str, *roles: str, subject: str = "ann", **headers: str) -> Any:
        return self.run.client(tenant, *roles, subject=subject, **headers)

    async def publish(
        self,
        tenant: str,
        lead_id: UUID,
        type: str,
        data: dict[str, Any],
        *,
        time: datetime | None = None,
        id: str | None = None,
    ) -> str:
        """Publish an event to the service: hand it to the reader, as the consumer would."""
        at = time or datetime.now(UTC) + self.database.clock.offset
        event = CATALOGUE[type].model_validate_json(orjson.dumps(data))
        envelope = Envelope(id or str(uuid4()), type, "urn:test", at, tenant, str(lead_id))
        async with self.database.worker([tenant]) as work:
            await self.reader.handle(work, [Received(envelope, event, at)])
        return envelope.id

    async def captured(self, tenant: str, **details: Any) -> UUID:
        """Publish lead.captured; the new lead's id."""
        lead_id = uuid7()
        contact = {"email": f"ada.{uuid4().hex[:8]}@example.com", "first_name": "Ada", "company": "Analytical Ltd"}
        data = {"lead_id": str(lead_id), "source": "web", "created_on": _now(self), "version": 1, **contact, **details}
        await self.publish(tenant, lead_id, "lead.captured", data)
        return lead_id

    async def updated(self, tenant: str, lead_id: UUID, version: int = 2, **details: Any) -> None:
        data = {"lead_id": str(lead_id), "source": "web", "created_on": _now(self), "changed": [], "version": version}
        await self.publish(tenant, lead_id, "lead.updated", {**data, **details})

    async def moved(
        self, tenant: str, lead_id: UUID, to: str, *, revision: int = 1, rule: str = "manual", **more: Any
    ) -> str:
        """Publish stage.changed; the event's id."""
        time = more.pop("time", None)
        at = (time or datetime.now(UTC) + self.database.clock.offset).isoformat()
        data = {
            "from": more.pop("from_", "new"),
            "to": to,
            "from_status": "new",
            "status": "new",
            "rule": rule,
            "actor": "human:ann",
            "occurred_at": at,
            "recorded_at": at,
            "revision": revision,
            "journey": {"contacted": False},
            **more,
        }
        return await self.publish(tenant, lead_id, "stage.changed", data, time=time)

    async def compose(self, composer: Composer | None = None) -> int:
        """Let the composer write the drafts that are due."""
        settings = self.context.settings
        due = draft_workers.CompositionWorker(
            composer or Composer(None, 0), SenderAddresses(settings.mail_domain, settings.sms_from), 30
        )
        return await due.step(self.database)

    def sender(self, **more: Any) -> sending_workers.Sender:
        timeout = more.pop("timeout", 3)
        answer_timeout = more.pop("answer_timeout", timeout)
        mailer = more.pop("mailer", Smtp("127.0.0.1", self.smtp.port, timeout=timeout, answer_timeout=answer_timeout))
        sms = more.pop("sms", FileSms(self.sms_file))
        return sending_workers.Sender(
            self.context, mailer, sms, "http://outreach.example", more.pop("limit", 5), **more
        )

    async def send(self, **more: Any) -> int:
        """Let the sender send until nothing is due; how many dispatches it processed."""
        sender, done = self.sender(**more), 0
        while await sender.step(self.database):
            done += 1
        return done

    def advance(self, **parts: float) -> None:
        self.database.clock.advance(**parts)

    async def draft(self, tenant: str, lead_id: UUID, kind: str = "first", **more: Any) -> dict[str, Any]:
        """A pending draft with a text by a person."""
        body = {
            "lead_id": str(lead_id),
            "kind": kind,
            "channel": "email",
            "subject": "A question",
            "body": "Dear Ada,\n\nis it?\n",
        }
        async with self.client(tenant, "reviewer") as http:
            answer = await http.post("/v1/drafts", json={**body, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def approved(
        self, tenant: str, lead_id: UUID, kind: str = "first", *, acknowledge: bool = False, **more: Any
    ) -> dict[str, Any]:
        """A draft that a human has approved; with its `dispatch_id`. `acknowledge`: also what nothing supports."""
        draft = await self.draft(tenant, lead_id, kind, **more)
        decision = {"sha256": draft["sha256"], "acknowledge_unsupported": acknowledge}
        async with self.client(tenant, "reviewer") as http:
            answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json=decision)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def dispatch(self, tenant: str, dispatch_id: str) -> dict[str, Any]:
        async with self.client(tenant, "viewer") as http:
            return dict((await http.get(f"/v1/dispatches/{dispatch_id}")).json())

    async def lease_runs_out(self) -> None:
        """Let the leases of all dispatches in `sending` end in the past, and expire them."""
        async with self.database.worker() as work:
            rows = await work.fetch("SELECT DISTINCT tenant_id FROM dispatch WHERE state = 'sending'")
        async with self.database.worker([row["tenant_id"] for row in rows]) as work:
            await work.run(
                "UPDATE dispatch SET lease_until = clock_timestamp() - CAST(:past AS interval) WHERE state = 'sending'",
                past=timedelta(seconds=1),
            )
        await sending_workers.expire_leases(self.database)


def _now(office: Office) -> str:
    return (datetime.now(UTC) + office.database.clock.offset).isoformat()


@pytest.fixture(scope="session")
async def _office(backend, smtp, tmp_path_factory) -> AsyncIterator[Office]:
    await create_database(backend.admin_url, "outreach")
    url = backend.admin_url.rsplit("/", 1)[0] + "/leadflow_outreach_office"
    admin = await asyncpg.connect(backend.admin_url)
    await admin.execute("DROP DATABASE IF EXISTS leadflow_outreach_office WITH (FORCE)")  # of a run that was killed
    await admin.execute("CREATE DATABASE leadflow_outreach_office ENCODING 'UTF8' TEMPLATE template0")
    await admin.close()
    await upgrade("outreach", url)
    settings = {**backend.settings("outreach"), "database_url": url, "smtp_port": smtp.port, "sms_token": "sms-secret"}
    settings |= {"public_url": "http://outreach.example", "pool_size": 20}
    run = await start_service("outreach", backend.identity.sign_token, only="api", **settings)
    office = Office(run, smtp, tmp_path_factory.mktemp("office") / "sms.jsonl")
    office.url = url  # type: ignore[attr-defined]
    yield office
    await run.stop()


@pytest.fixture
async def office(_office, smtp) -> AsyncIterator[Office]:
    """The service step by step, with an SMTP server that behaves and a clock that shows the present."""
    smtp.reset()
    _office.database.clock.offset = timedelta(0)
    yield _office
    smtp.reset()
    _office.database.clock.offset = timedelta(0)
    # What is left to do, now or once a later test advances the clock, is not done: it would go before its own.
    async with _office.database.worker() as work:
        rows = await work.fetch(
            """SELECT tenant_id FROM dispatch WHERE state IN ('queued', 'sending')
            UNION SELECT tenant_id FROM composition WHERE state = 'queued'
            UNION SELECT tenant_id FROM lead WHERE nurture_due IS NOT NULL
            """
        )
    async with _office.database.worker([row["tenant_id"] for row in rows]) as work:
        await work.run("UPDATE dispatch SET state = 'refused', reason = 'the test is over' WHERE state = 'queued'")
        await work.run("UPDATE composition SET state = 'dropped' WHERE state = 'queued'")
        await work.run("UPDATE lead SET nurture_due = NULL WHERE nurture_due IS NOT NULL")


@pytest.fixture
async def reached(office, tenant, smtp) -> tuple[UUID, EmailMessage, str]:
    """A lead with two addresses that a first message was sent to; no drafts are requested automatically."""
    async with office.client(tenant, "admin") as http:
        await http.put("/v1/settings", json={"auto_drafts": {"answer": False, "follow_up": False}})
    phone = f"+4915{uuid4().int % 10**9:09d}"
    lead = await office.captured(tenant, phone=phone, consent={"sms": "granted"})
    approved = await office.approved(tenant, lead)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="first-message")
    (mail,) = smtp.to(approved["to"])
    return lead, mail, phone


@pytest.fixture(scope="module", params=servers_to_try(), ids=lambda made: made.__name__)
async def imap_server(request) -> AsyncIterator[ImapServer]:
    running = request.param()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def line(imap_server) -> AsyncIterator[Line]:
    between = Line(imap_server)
    await between.start()
    yield between
    await between.stop()


@pytest.fixture
async def folder(imap_server) -> str:
    name = f"f{uuid4().hex[:8]}"
    await imap_server.call(lambda client: client.create_folder(name))
    return name


@pytest.fixture
async def reader(office, tenant, folder, line) -> AsyncIterator[Callable[..., ImapReader]]:
    """`reader()`: a process that reads the account `leads`. Nothing happens unless the test asks for a step."""
    made: list[ImapReader] = []

    def make(**more: Any) -> ImapReader:
        details: dict[str, Any] = {"name": f"leads-{tenant}", "tenant": tenant, "folder": folder, "security": "none"}
        details |= {"host": "127.0.0.1", "port": line.port, "user": USER, "password": PASSWORD}
        reading = ImapReader(office.context, ImapAccount(**{**details, **more}))
        reading.pauses = reading.login_pauses = (0.05, 0.1)
        reading.look_seconds = 0.2
        made.append(reading)
        return reading

    yield make
    await asyncio.gather(*(reading.close() for reading in made))


@pytest.fixture
def settings(office, monkeypatch):
    """Set settings of the service for this test."""

    def change(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setattr(office.context.settings, name, value)

    return change
