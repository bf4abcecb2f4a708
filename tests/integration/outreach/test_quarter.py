"""A quarter of a year on the real system: outreach and stages on real Kafka and Postgres, with the clocks moved.

The clocks begin in the past, because an event ahead of the broker's own clock is refused.
"""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from shared.testing.builders import ALead
from tests.integration.outreach.sequence_steps import text

PAST = timedelta(days=130)


class Quarter:
    """Both services, their clocks, and what a sales team does with them."""

    def __init__(self, outreach, stages, smtp, bus, tenant, eventually) -> None:
        self.outreach, self.stages, self.smtp, self.bus = outreach, stages, smtp, bus
        self.tenant, self.eventually = tenant, eventually
        for run in (outreach, stages):
            run.database.clock.offset = -PAST

    def now(self) -> datetime:
        return datetime.now(UTC) + self.outreach.database.clock.offset

    def advance(self, **parts: float) -> None:
        for run in (self.outreach, self.stages):
            run.database.clock.advance(**parts)

    async def captured(self, **details) -> ALead:
        lead = ALead(self.bus, self.tenant)
        lead.captured(time=self.now(), **details)
        self.bus.flush()
        await self.stage(lead, "new")
        async with self.outreach.client(self.tenant, "viewer") as http:
            await self.eventually(lambda: known(http, lead))
        return lead

    async def stage(self, lead: ALead, stage: str) -> dict:
        async with self.stages.client(self.tenant, "viewer") as http:

            async def there() -> dict | None:
                answer = await http.get(f"/v1/leads/{lead.id}")
                shown = answer.json()
                return shown if answer.status_code == 200 and shown["stage"] == stage else None

            return await self.eventually(there, 120)

    async def move(self, lead: ALead, stage: str) -> None:
        async with self.stages.client(self.tenant, "reviewer") as http:
            answer = await http.put(f"/v1/leads/{lead.id}/stage", json={"stage": stage})
        assert answer.status_code == 200, answer.text

    async def enrolment(self, lead: ALead, state: str, *, step: int | None = None) -> dict:
        async with self.outreach.client(self.tenant, "viewer") as http:

            async def there() -> dict | None:
                items = (await http.get(f"/v1/leads/{lead.id}/enrolments")).json()["items"]
                fits = items and items[0]["state"] == state and step in (None, items[0]["step"])
                return items[0] if fits else None

            return await self.eventually(there, 120)

    async def approve(self, lead: ALead, kind: str) -> dict:
        async with self.outreach.client(self.tenant, "reviewer") as http:

            async def there() -> list:
                params = {"state": "pending", "lead_id": str(lead.id), "kind": kind}
                return (await http.get("/v1/drafts", params=params)).json()["items"]

            (draft,) = await self.eventually(there, 120)
            url = f"/v1/drafts/{draft['draft_id']}/approve"
            assert (await http.post(url, json={"sha256": draft["sha256"]})).status_code == 200
        return dict(draft)

    async def mail(self, address: str, count: int) -> EmailMessage:
        async def there() -> list:
            return self.smtp.to(address) if len(self.smtp.to(address)) == count else []

        return (await self.eventually(there, 120))[-1]

    async def answer(self, mail: EmailMessage, words: str, *, automatic: bool = False) -> None:
        reply = EmailMessage()
        reply["From"], reply["To"] = mail["To"], mail["From"]
        reply["Subject"] = f"Automatic reply: {mail['Subject']}" if automatic else f"Re: {mail['Subject']}"
        reply["Message-ID"] = f"<{abs(hash(words))}.{self.tenant}@x.example>"
        reply["In-Reply-To"] = mail["Message-ID"]
        if automatic:
            reply["Auto-Submitted"] = "auto-replied"
        reply.set_content(words)
        async with self.outreach.client(self.tenant, "service") as http:
            answer = await http.post("/v1/replies", content=bytes(reply), headers={"Content-Type": "message/rfc822"})
        assert answer.json()["outcome"] == "matched", answer.text

    async def sequence(self, *steps: dict, **more) -> str:
        """A sequence of these steps, switched on with all templates approved."""
        async with self.outreach.client(self.tenant, "admin") as http:
            made = (await http.post("/v1/sequences", json={"name": "Quarter", "steps": steps, **more})).json()
            hashes = [step["template_sha256"] for step in made["steps"]]
            url = f"/v1/sequences/{made['sequence_id']}/activate"
            assert (await http.post(url, json={"template_sha256s": hashes})).status_code == 200
        return str(made["sequence_id"])

    async def settings(self, **given) -> None:
        async with self.outreach.client(self.tenant, "admin") as http:
            assert (await http.put("/v1/settings", json=given)).status_code == 200


async def known(http, lead: ALead) -> bool:
    return (await http.get(f"/v1/leads/{lead.id}/mode")).status_code == 200


@pytest.fixture(scope="module")
async def both(start, smtp, tmp_path_factory):
    sms = tmp_path_factory.mktemp("sms") / "sms.jsonl"
    outreach = await start("outreach", smtp_port=smtp.port, sms_file=sms, poll_seconds=0.1)
    return outreach, await start("stages", only=None, pool_size=5)


@pytest.fixture
async def quarter(both, smtp, bus, tenant, eventually):
    smtp.reset()
    return Quarter(*both, smtp, bus, tenant, eventually)


async def test_nurture_check_in_absence_return_reply_meeting_won(quarter, bus, tenant):
    q, address = quarter, f"grace.{quarter.tenant}@navy.example"
    steps = [text("P30D", subject="Checking in"), text("P30D", template=True, subject="Something useful")]
    steps += [text("P30D", subject="A last word")]
    await q.settings(nurture_sequence_id=await q.sequence(*steps))
    lead = await q.captured(email=address, first_name="Grace", company="Navy")
    await q.move(lead, "nurture")
    of = await q.enrolment(lead, "active", step=1)
    assert of["cause"] == "nurture"
    q.advance(days=30, minutes=1)
    await q.approve(lead, "sequence")
    first = await q.mail(address, 1)
    back = q.now() + timedelta(days=12)
    await q.answer(first, f"I am out of the office. I am back on {back:%d %B %Y}.", automatic=True)
    paused = await q.enrolment(lead, "paused")
    assert paused["paused_until"][:10] == back.date().isoformat()
    q.advance(days=12, hours=12)
    await q.enrolment(lead, "active", step=2)
    q.advance(days=18)
    second = await q.mail(address, 2)
    assert second["Subject"] == "Something useful"
    await q.answer(second, "Yes, that is interesting. Can we talk next week?")
    assert (await q.enrolment(lead, "exited"))["reason"] == "reply"
    await q.stage(lead, "engaged")
    starts = q.now() + timedelta(days=5)
    meeting = {
        "meeting_id": "m-1",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
    }
    lead.publish("meeting.booked", meeting, time=q.now())
    bus.flush()
    await q.stage(lead, "scheduled")
    q.advance(days=6)
    await q.stage(lead, "meeting_completed")
    await q.move(lead, "won")
    await q.stage(lead, "won")
    sent = await bus.read("message.sent", tenant=tenant, count=2)
    assert [(each.data["kind"], each.data["step"]) for each in sent] == [("sequence", 1), ("sequence", 2)]
    assert len(q.smtp.to(address)) == 2


async def test_used_up_exhausted_mode_changed_revived_follow_up_drafted(quarter, bus, tenant):
    q, address = quarter, f"ada.{quarter.tenant}@engines.example"
    await q.settings(mode="email_only")
    sequence = await q.sequence(text("PT0S", template=True), text("P3D", template=True, subject="Again"))
    phone = {"phone": "+4915112345678", "consent": {"sms": "granted"}}
    lead = await q.captured(email=address, first_name="Ada", company="Engines", **phone)
    async with q.outreach.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/sequences/{sequence}/enrolments", json={"lead_id": str(lead.id)})
        assert answer.status_code == 201, answer.text
    await q.mail(address, 1)
    await q.stage(lead, "contacted")
    await q.enrolment(lead, "active", step=2)
    q.advance(days=3, minutes=1)
    await q.mail(address, 2)
    assert (await q.enrolment(lead, "done"))["reason"] == "done"
    q.advance(days=15)
    await q.stage(lead, "exhausted")
    async with q.outreach.client(tenant, "operator") as http:
        assert (await http.put(f"/v1/leads/{lead.id}/mode", json={"mode": "blended"})).status_code == 200
    await q.stage(lead, "contacted")
    draft = await q.approve(lead, "follow_up")
    assert draft["channel"] == "sms"
    (exhausted,) = await bus.read("outreach.exhausted", tenant=tenant)
    assert exhausted.data["channels"] == ["email"]
