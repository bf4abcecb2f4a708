"""Messages that wait: none is due at once again, each keeps its turn, and bulk does not delay an answer."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.drafts.store import compositions
from services.outreach.sending.rules import SPACING
from tests.integration.outreach.sequence_steps import (
    dispatches,
    enrolled,
    replied,
    take_steps,
    template,
    written,
)
from tests.integration.outreach.test_composing import drafts


async def steps(office, most: int) -> int:
    """Let a sender look at up to so many dispatches that are due; how many it looked at."""
    sender = office.sender()
    for done in range(most):
        if not await sender.step(office.database):
            return done
    return most


async def test_a_message_whose_pause_is_over_waits_for_its_paused_sequence_without_being_due(office, tenant):
    sequence = await written(office, tenant, template("PT0S"), review="template")
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    async with office.client(tenant, "operator") as http:
        paused = await http.post(f"/v1/enrolments/{of['enrolment_id']}/pause", json={"until": until})
    async with office.client(tenant, "reviewer") as http:
        whole = await http.post(f"/v1/sequences/{sequence['sequence_id']}/pause")
    assert (paused.status_code, whole.status_code) == (200, 200)
    office.advance(days=5)
    assert await steps(office, 5) == 1
    (waiting,) = await dispatches(office, tenant, lead)
    assert (waiting["state"], waiting["reason"]) == ("queued", "its sequence is paused")
    assert datetime.fromisoformat(waiting["due_at"]) > datetime.now(UTC) + timedelta(days=5)


async def test_a_message_whose_turn_comes_a_moment_early_does_not_lose_it(office, tenant):
    async with office.client(tenant, "admin") as http:
        box = {"from": f"sales@{tenant}.leadflow.example", "spacing_seconds": 60}
        assert (await http.put("/v1/settings", json={"mailboxes": [box]})).status_code == 200
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(4)]
    await office.send()
    async with office.database.worker([tenant]) as work:
        await work.run(
            "UPDATE mailbox SET last_at = last_at + CAST(:late AS interval) WHERE tenant_id = :tenant",
            late=timedelta(seconds=5),
            tenant=tenant,
        )
    found = [await office.dispatch(tenant, each["dispatch_id"]) for each in approved]
    turns = sorted((each for each in found if each["state"] == "queued"), key=lambda each: each["due_at"])
    assert {each["reason"] for each in turns} == {SPACING}
    now = datetime.now(UTC) + office.database.clock.offset
    office.advance(seconds=(datetime.fromisoformat(turns[0]["due_at"]) - now).total_seconds() + 0.1)
    assert await steps(office, 1) == 1
    first = await office.dispatch(tenant, turns[0]["dispatch_id"])
    assert first["state"] == "queued"
    assert timedelta(0) < datetime.fromisoformat(first["due_at"]) - datetime.fromisoformat(turns[0]["due_at"])
    assert first["due_at"] < turns[1]["due_at"], "it waits for the mailbox, and not behind the others"
    office.advance(seconds=5)
    await office.send()
    assert (await office.dispatch(tenant, first["dispatch_id"]))["state"] == "sent"


@pytest.mark.parametrize("known", ["new", "exhausted"])
async def test_an_answer_is_sent_before_the_stage_that_its_reply_leads_to_is_known(office, tenant, smtp, known):
    lead = await office.captured(tenant)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    if known != "new":
        await office.moved(tenant, lead, known, rule="used-up", time=earlier)
    await replied(office, tenant, lead, "Yes, I am interested. What does it cost?")
    await office.compose()
    (draft,) = await drafts(office, tenant, kind="answer", state="pending")
    if known != "new":
        await office.moved(tenant, lead, known, from_=known, rule="used-up", time=earlier, revision=2)
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
    assert answer.status_code == 200, answer.text
    await office.send()
    assert len(smtp.to(draft["to"])) == 1


async def test_an_answer_is_written_before_the_bulk_of_any_tenant_and_tenants_take_turns(office, tenant):
    bulk, small = f"{tenant}-bulk", f"{tenant}-small"
    for _ in range(12):
        await office.moved(bulk, await office.captured(bulk), "qualified")
    await office.moved(small, await office.captured(small), "qualified")
    asked = await office.captured(bulk)
    await office.moved(bulk, asked, "engaged")
    async with office.client(bulk, "reviewer") as http:
        body = {"lead_id": str(asked), "kind": "answer"}
        assert (await http.post("/v1/drafts", json=body)).status_code == 202
    async with office.database.worker() as work:
        due = await compositions.due(work, 3)
        found = [(await compositions.get(work, row["tenant_id"], row["draft_id"])) for row in due]
    first, *others = [(row["tenant_id"], row["kind"]) for row in found if row]
    assert (first, sorted(others)) == ((bulk, "answer"), [(bulk, "follow_up"), (small, "follow_up")])
    while await office.compose():
        pass


async def test_an_answer_is_sent_before_the_bulk_of_any_tenant_and_no_tenant_waits_behind_it(office, tenant, smtp):
    bulk, small = f"{tenant}-bulk", f"{tenant}-small"
    many = [await office.approved(bulk, await office.captured(bulk)) for _ in range(25)]
    asked = await office.captured(bulk)
    await office.moved(bulk, asked, "engaged")
    answer = await office.approved(bulk, asked, "answer")
    other = await office.approved(small, await office.captured(small))
    assert await steps(office, 1) == 1
    assert len(smtp.to(answer["to"])) == 1
    before = 0
    while not smtp.to(other["to"]):
        assert await steps(office, 1) == 1
        before += 1
    assert before < len(many), "each look takes one of the tenants, whatever the others have"
