"""A restore of outreach: nothing that has left since the backup leaves again, and who opted out since is left alone.

`leadflow read-back` runs with the consumers that have caught up, before the workers start.
"""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.outreach.context import keys_of
from services.outreach.reading_back import read_back
from services.outreach.use_cases import reading_back
from services.outreach.use_cases.reading_back import MAY_HAVE_LEFT, WAS_APPROVED, WAS_SENT, ReadBack
from shared.errors import Conflict
from shared.events import ContactOptedOut, Envelope, Received
from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.lag import has_read
from shared.testing.builders import ALead
from tests.integration.outreach.sequence_steps import template
from tests.integration.own_service import own_service


async def call(run, tenant, method, path, body=None, roles=("admin",), **more):
    async with run.client(tenant, *roles) as http:
        answer = await http.request(method, path, json=body, **more)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else {}


class Outreach:
    """The service as one tenant sees it."""

    def __init__(self, run, tenant, bus, eventually):
        self.run, self.tenant, self.bus, self.eventually = run, tenant, bus, eventually

    async def __call__(self, method, path, body=None, **more):
        return await call(self.run, self.tenant, method, path, body, **more)

    async def lead(self, name, **details):
        """A lead that this service knows, in stage engaged."""
        lead = ALead(self.bus, self.tenant)
        lead.captured(email=f"{name}.{uuid4().hex[:8]}@example.com", **details)
        lead.moved("engaged", rule="reply")
        self.bus.flush()

        async def known():
            async with self.run.database.worker() as work:
                row = await work.fetch_one(
                    "SELECT email FROM lead WHERE lead_id = :lead AND stage = 'engaged' AND version > 0", lead=lead.id
                )
            lead.address = row and row["email"]
            return row is not None

        await self.eventually(known)
        return lead

    async def draft(self, lead):
        body = {"lead_id": str(lead.id), "kind": "answer", "channel": "email", "subject": "Hi", "body": "Hello."}
        return await self("POST", "/v1/drafts", body)

    async def approve(self, draft):
        return await self("POST", f"/v1/drafts/{draft['draft_id']}/approve", {"sha256": draft["sha256"]})

    async def dispatches(self, lead):
        return (await self("GET", f"/v1/dispatches?lead_id={lead.id}"))["items"]

    async def reply(self, lead, text):
        raw = f"From: {lead.address}\r\nTo: sales@x.example\r\nSubject: Re: Hi\r\n"
        raw += f"Message-ID: <{uuid4()}@x.example>\r\n\r\n{text}\r\n"
        async with self.run.client(self.tenant, "service") as http:
            headers = {"Content-Type": "message/rfc822"}
            answer = await http.post("/v1/replies", content=raw.encode(), headers=headers)
        assert answer.json()["outcome"] == "matched", answer.text
        return answer.json()["reply_id"]


def shut():
    """A window that does not open today."""
    other = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(datetime.now(UTC) + timedelta(days=3)).weekday()]
    return {"days": [other], "start": "09:00", "end": "09:01"}


async def command(own, backend, folder, *words):
    """What a command prints that runs as in a pod of the service."""
    settings = {key: value for key, value in os.environ.items() if not key.startswith("LEADFLOW_")}
    settings |= {"LEADFLOW_DATA": str(folder), "LEADFLOW_OUTREACH_DATABASE_URL": own.url}
    settings |= {"LEADFLOW_KAFKA_BOOTSTRAP": backend.bootstrap, "LEADFLOW_OUTREACH_CONSUMER_GROUP": own.name}
    line = (sys.executable, "-m", "cli.main", *words)
    done = await asyncio.to_thread(subprocess.run, line, env=settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_after_a_restore_nothing_is_sent_again_and_opt_outs_hold(
    backend, start, bus, tenant, eventually, smtp, tmp_path
):
    began = datetime.now(UTC) - timedelta(seconds=1)
    sending = {"smtp_port": smtp.port, "poll_seconds": 0.1}
    async with own_service(backend, start, "outreach") as own:
        await own.rewind(began)
        outreach = Outreach(await own.start(**sending), tenant, bus, eventually)
        await outreach("PUT", "/v1/settings", {"window": shut(), "lead_spacing_minutes": 60})
        steps = [template("PT0S"), template("P30D", subject="Two")]
        sequence = await outreach("POST", "/v1/sequences", {"name": "Fair", "steps": steps, "review": "template"})
        path = f"/v1/sequences/{sequence['sequence_id']}"
        hashes = [step["template_sha256"] for step in sequence["steps"]]
        await outreach("POST", f"{path}/activate", {"template_sha256s": hashes})
        twice, pending, stepped = [await outreach.lead(name) for name in ("twice", "pending", "stepped")]
        stopped, mended, exited = [await outreach.lead(name) for name in ("stopped", "mended", "exited")]
        for _ in range(2):
            await outreach.approve(await outreach.draft(twice))
        draft, held = await outreach.draft(pending), await outreach.draft(twice)
        for lead in (stepped, exited):
            await outreach("POST", f"{path}/enrolments", {"lead_id": str(lead.id)})
        await own.stop()
        await own.back_up()

        outreach.run = await own.start(**sending)
        await outreach("DELETE", f"/v1/enrolments/{(await enrolment(outreach, exited))['enrolment_id']}")
        await outreach.approve(draft)
        await outreach("PUT", "/v1/settings", {"window": None})
        await outreach(
            "POST", f"/v1/enrolments/{(await enrolment(outreach, stepped))['enrolment_id']}/move", {"step": 1}
        )
        await outreach.reply(stopped, "Unsubscribe me, never write again.")
        wrong = await outreach.reply(mended, "Unsubscribe me, never write again.")
        await outreach("POST", f"/v1/replies/{wrong}/label", {"label": "question", "note": "It was no opt-out."})
        late = await outreach.lead("late")
        await outreach("POST", "/v1/suppressions", {"channel": "all", "address": late.address, "reason": "asked"})

        for type, count in (("message.sent", 3), ("sequence.exited", 1), ("contact.opted_out", 3)):
            await bus.read(type, tenant=tenant, count=count)
        await outreach.approve(held)  # it waits: another message to the lead has just left
        await bus.read("draft.decided", tenant=tenant, where=lambda seen: seen.data["draft_id"] == held["draft_id"])
        await own.stop()

        await own.restore()
        await own.rewind(began)
        outreach.run = await own.start(only="consumers")
        kafka, keys = Kafka(backend.bootstrap), await keys_of(outreach.run.database, "")

        async def caught_up():
            return await has_read(kafka, own.name, [event.type for event in READS["outreach"]], datetime.now(UTC))

        await eventually(caught_up, within=90)
        lines = (await command(own, backend, tmp_path, "read-back", "--since", began.isoformat())).splitlines()
        (line,) = [line for line in lines if line.startswith(f"{tenant}: ")]
        assert line.removeprefix(f"{tenant}: ") == (
            "paused 1 sequence (Fair); recorded as sent 1 message; will not take again 1 step; ended, because such a"
            " message was approved or sent, 2 drafts; entered again 2 opt-outs; ended 1 enrolment; refused, because"
            " nobody knows whether it left, 1 message."
        )
        again = await read_back(outreach.run.database, keys, kafka, own.name, began)
        assert again[tenant] == ReadBack(), "it finds nothing new"
        await own.stop()

        outreach.run = await own.start(**sending)
        found = {each["state"]: each for each in await outreach.dispatches(twice)}
        assert (set(found), found["refused"]["reason"]) == ({"sent", "refused"}, MAY_HAVE_LEFT)
        for ended, reason in ((draft, WAS_SENT), (held, WAS_APPROVED)):
            gone = await outreach("GET", f"/v1/drafts/{ended['draft_id']}")
            assert (gone["state"], gone["reason"]) == ("superseded", reason)
        await outreach("PUT", "/v1/settings", {"window": None, "lead_spacing_minutes": 0})
        await outreach("POST", f"{path}/activate", {"template_sha256s": []})
        await outreach(
            "POST", f"/v1/enrolments/{(await enrolment(outreach, stepped))['enrolment_id']}/move", {"step": 1}
        )

        async def gone_on():
            now = await enrolment(outreach, stepped)
            return {each["state"] for each in now["steps"]} == {"skipped"} and now["step"] == 2

        await eventually(gone_on, within=90)
        assert (await enrolment(outreach, exited))["state"] == "exited"
        for lead, closed in ((stopped, True), (late, True), (mended, False)):
            body = {"lead_id": str(lead.id), "kind": "answer", "channel": "email", "subject": "Hi", "body": "Hello."}
            async with outreach.run.client(tenant, "reviewer") as http:
                answer = await http.post("/v1/drafts", json=body)
            assert answer.status_code == (409 if closed else 201), answer.text
        await asyncio.sleep(1)
        sent = [mail["To"] for mail in smtp.mails()]
        assert {lead.address: sent.count(lead.address) for lead in (twice, pending, stepped)} == dict.fromkeys(
            (twice.address, pending.address, stepped.address), 1
        )
        await own.stop()
        await own.rewind(began)
        with pytest.raises(Conflict, match="have not caught up"):
            await read_back(outreach.run.database, keys, kafka, own.name, began)


@pytest.mark.parametrize("how", ["operator", "blocklist"])
async def test_who_shares_another_address_with_a_suppressed_lead_is_not_opted_out(office, tenant, how):
    """Only one address or domain of the lead was suppressed before the loss, and nobody knows which one."""
    phone = {"phone": "+4915112345678", "consent": {"sms": "granted"}}
    gone, other = await office.captured(tenant, **phone), await office.captured(tenant, **phone)
    draft = await office.draft(tenant, gone)
    event = ContactOptedOut(channel="all", how=how)
    envelope = Envelope(str(uuid4()), event.type, "urn:leadflow:outreach", datetime.now(UTC), tenant, str(gone))

    async def published(model):
        if model is ContactOptedOut:
            yield [Received(envelope, event, envelope.time)]

    found = [(await reading_back.read_back(office.database, office.context.keys, published))[tenant] for _ in range(2)]
    assert found == [ReadBack(opted_out=1), ReadBack()]
    await office.draft(tenant, other)
    body = {"lead_id": str(gone), "kind": "first", "channel": "sms", "body": "Hi"}
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post("/v1/drafts", json=body)).json()["detail"] == "the lead has opted out"
        assert (await http.get(f"/v1/drafts/{draft['draft_id']}")).json()["state"] == "superseded"
        assert (await http.get("/v1/suppressions")).json()["items"] == []


async def enrolment(outreach, lead):
    (found,) = (await outreach("GET", f"/v1/leads/{lead.id}/enrolments"))["items"]
    return await outreach("GET", f"/v1/enrolments/{found['enrolment_id']}")
