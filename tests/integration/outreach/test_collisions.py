"""What nobody repeats collides with other transactions, and is done all the same; all lock in one order."""

import asyncio
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from services.outreach.sending.rules import Outcome
from services.outreach.sending.use_cases.outcomes import record_outcome
from shared.db import retries
from tests.integration.outreach.meanwhile import waits_for_lock
from tests.integration.outreach.sequence_steps import (
    approve,
    dispatches,
    enrolled,
    enrolment,
    take_steps,
    text,
    written,
)
from tests.integration.outreach.test_opt_outs import reply, suppressions
from tests.integration.outreach.test_restored_enrolments import merged


@pytest.fixture
async def server(office):
    """A connection of an administrator, which no deadlock ends: the others lose."""
    connection = await asyncpg.connect(office.url)
    await connection.execute("SET deadlock_timeout = '60s'")
    yield connection
    await connection.close()


def link_of(mail) -> str:
    return urlsplit(mail["List-Unsubscribe"].strip("<>")).path


async def collides(server, tenant, asking, eventually):
    """What the request answers, after it lost a deadlock: it holds its addresses, and waits for the lead."""
    async with server.transaction():
        await server.execute("SELECT FROM lead WHERE tenant_id = $1 FOR UPDATE", tenant)
        task = asyncio.create_task(asking)
        await eventually(lambda: waits_for_lock(task, server))
        await server.execute("SELECT FROM address WHERE tenant_id = $1 FOR UPDATE", tenant)
        assert not task.done(), "it begins again, and waits until this transaction is over"
    return await task


async def test_a_click_on_unsubscribe_that_loses_a_deadlock_counts(office, tenant, reached, server, eventually):
    _, mail, _ = reached
    async with office.run.client() as http:
        asking = http.post(link_of(mail), data={"List-Unsubscribe": "One-Click"})
        assert (await collides(server, tenant, asking, eventually)).status_code == 200
    assert [row["how"] for row in await suppressions(office, tenant)] == ["unsubscribe"]


async def test_a_stop_by_sms_that_loses_a_deadlock_counts(office, tenant, reached, server, eventually):
    _, _, phone = reached
    async with office.client(tenant, "service") as http:
        body = {"from": phone, "to": "+12025550100", "body": "STOP", "message_sid": "SM1"}
        answer = await collides(server, tenant, http.post("/v1/sms/inbound", json=body), eventually)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "matched")
    assert [row["how"] for row in await suppressions(office, tenant)] == ["stop_word"]


async def test_a_status_report_that_loses_a_deadlock_counts(office, tenant, reached, server, eventually):
    lead, _, _ = reached
    await office.moved(tenant, lead, "qualified", revision=2)
    approved = await office.approved(tenant, lead, "follow_up", channel="sms", subject=None, body="Hi")
    await office.send()
    sid = "SM" + approved["dispatch_id"].replace("-", "")
    async with office.client(tenant, "service") as http:
        report = {"message_sid": sid, "status": "undelivered", "code": 21610}
        answer = await collides(server, tenant, http.post("/v1/sms/status", json=report), eventually)
    assert answer.status_code == 200, answer.text
    assert [row["how"] for row in await suppressions(office, tenant)] == ["stop_word"]


async def test_the_outcome_of_a_step_and_an_opt_out_wait_for_each_other_in_one_order(
    office, tenant, smtp, server, eventually, monkeypatch
):
    """Both lock the enrolment; whoever has it must not wait for the lead."""
    monkeypatch.setattr(retries, "ATTEMPTS", 1)
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S"), text("P1D")), lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    await office.send()
    await take_steps(office)
    office.advance(days=1, minutes=5)
    await take_steps(office)
    approved = await approve(office, tenant, lead)
    mail = smtp.mails()[-1]

    async def record() -> None:
        async with office.database.worker([tenant]) as work:
            await record_outcome(work, tenant, UUID(approved["dispatch_id"]), Outcome("sent"))

    await server.execute(
        "UPDATE dispatch SET state = 'sending', message_id = 'x@y', sending_at = now(), lease_until = now() + '1 min'"
        " WHERE tenant_id = $1 AND dispatch_id = $2",
        tenant,
        UUID(approved["dispatch_id"]),
    )
    async with office.run.client() as http:
        async with server.transaction():
            await server.execute("SELECT FROM enrolment WHERE tenant_id = $1 FOR UPDATE", tenant)
            recording = asyncio.create_task(record())
            await eventually(lambda: waits_for_lock(recording, server))
            clicking = asyncio.create_task(http.post(link_of(mail)))
            await asyncio.sleep(0.2)
        await recording
        assert (await clicking).status_code == 200
    assert {each["state"] for each in await dispatches(office, tenant, lead)} == {"sent"}
    assert (await enrolment(office, tenant, of))["state"] == "exited"


@pytest.mark.parametrize("what", ["an answer", "a click on unsubscribe"])
async def test_what_a_lead_says_while_it_is_merged_ends_what_is_under_way_for_the_kept_lead(
    office, tenant, reached, server, eventually, what
):
    alias, mail, _ = reached
    kept = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P3D")), kept)
    async with office.run.client() as http:
        async with server.transaction():
            await server.execute("SELECT FROM address WHERE tenant_id = $1 FOR UPDATE", tenant)
            if what == "an answer":
                saying = asyncio.create_task(reply(office, tenant, mail, "No thank you, we chose somebody else."))
            else:
                saying = asyncio.create_task(http.post(link_of(mail)))
            await eventually(lambda: waits_for_lock(saying, server))
            merging = asyncio.create_task(merged(office, tenant, kept, alias))
            await asyncio.wait([merging], timeout=0.5)  # it need not wait for what is said
        await asyncio.gather(saying, merging)
    assert (await enrolment(office, tenant, of))["state"] == "exited"
