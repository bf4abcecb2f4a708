"""What the database refuses of sequences, and what withstands repetition: restarts, races, two workers."""

import asyncio
import random
import sys
from contextvars import ContextVar
from datetime import timedelta

import pytest

from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.workers import expire_drafts
from services.outreach.sequences.store import enrolments
from services.outreach.sequences.use_cases import steps as step_cases
from shared.db.transaction import Transaction
from tests.integration.outreach.sequence_steps import (
    approve,
    dispatches,
    enrolled,
    enrolment,
    pending,
    replied,
    take_steps,
    template,
    text,
    written,
)
from tests.integration.outreach.test_guards import EACH_ROLE, REFUSED, as_app, as_owner, as_worker

_DISPATCH = """
    INSERT INTO dispatch (tenant_id, dispatch_id, draft_id, sha256, lead_id, kind, channel, address_hash, mailbox,
                          cause_at, due_at, created_at, template_scope, template_sha256, template_values)
    SELECT d.tenant_id, gen_random_uuid(), d.draft_id, d.sha256, d.lead_id, d.kind, d.channel, '\\x01', 'x@y.example',
           now(), now(), now(), s.sequence_id, t.sha256, '{}'
    FROM draft d
    JOIN enrolment_step s ON s.tenant_id = d.tenant_id AND s.draft_id = d.draft_id
    JOIN sequence_template t ON t.tenant_id = s.tenant_id AND t.sequence_id = s.sequence_id
    WHERE d.tenant_id = :tenant
"""


@EACH_ROLE
async def test_a_step_is_not_dispatched_without_the_approval_of_its_draft_or_template(office, tenant, as_role):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, text("PT0S")), lead)
    await take_steps(office)
    with pytest.raises(REFUSED):
        await as_role(office, tenant, _DISPATCH)
    plain = _DISPATCH.replace("s.sequence_id, t.sha256, '{}'", "NULL, NULL, NULL")
    with pytest.raises(REFUSED):
        await as_role(office, tenant, plain)
    assert await dispatches(office, tenant, lead) == []


@pytest.mark.parametrize("as_role", [as_worker, as_app, as_owner])
async def test_a_template_is_approved_by_people_only_and_for_good(office, tenant, as_role):
    sequence = await written(office, tenant, template(), active=False)
    approval = """
        INSERT INTO template_approval (tenant_id, scope_id, sha256, sequence_id, actor, at)
        VALUES (:tenant, CAST(:id AS uuid), :hash, CAST(:id AS uuid), :actor, now())
    """
    good = {"id": sequence["sequence_id"], "hash": sequence["steps"][0]["template_sha256"]}
    wrong = [("agent:composer", good["hash"]), ("human:eve", "0" * 64)]
    for actor, sha256 in [*wrong, *([("human:ann", good["hash"])] if as_role is as_worker else [])]:
        with pytest.raises(REFUSED):
            await as_role(office, tenant, approval, **good | {"hash": sha256}, actor=actor)
    await as_app(office, tenant, approval, **good, actor="human:ann")
    for statement in (
        "UPDATE template_approval SET actor = 'human:eve' WHERE tenant_id = :tenant",
        "DELETE FROM template_approval WHERE tenant_id = :tenant",
        "UPDATE sequence_template SET canonical = replace(canonical, 'is it', 'is') WHERE tenant_id = :tenant",
        "UPDATE sequence_version SET body = '{}' WHERE tenant_id = :tenant",
    ):
        with pytest.raises(REFUSED):
            await as_role(office, tenant, statement)


@EACH_ROLE
async def test_what_a_dispatch_of_a_step_sends_is_never_changed(office, tenant, as_role):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, template("PT0S"), text()), lead)
    await take_steps(office)
    for change in ("template_values = '{}'", "step = 2", "template_sha256 = NULL, template_scope = NULL"):
        with pytest.raises(REFUSED):
            await as_role(office, tenant, f"UPDATE dispatch SET {change} WHERE tenant_id = :tenant")


async def test_the_sender_refuses_a_text_that_is_not_the_template_filled_in(office, tenant, smtp):
    address = f"{tenant}@example.com"
    lead = await office.captured(tenant, email=address)
    await enrolled(office, tenant, await written(office, tenant, template("PT0S")), lead)
    await take_steps(office)
    admin = "ALTER TABLE dispatch {} TRIGGER dispatch_keeps_its_step"
    await as_owner(office, tenant, admin.format("DISABLE"))
    values = '{"company": "Evil Corp", "first_name": "Ada"}'
    await as_owner(office, tenant, f"UPDATE dispatch SET template_values = '{values}' WHERE tenant_id = :tenant")
    await as_owner(office, tenant, admin.format("ENABLE"))
    await office.send()
    (dispatch,) = await dispatches(office, tenant, lead)
    assert (dispatch["state"], dispatch["reason"]) == ("refused", "the text is not the template that was approved")
    assert smtp.to(address) == []


async def test_two_leads_with_one_address_get_a_step_once(office, tenant, smtp):
    address = f"{tenant}@example.com"
    leads = [await office.captured(tenant, email=address) for _ in range(3)]
    by_template = await written(office, tenant, template("PT0S"))
    by_review = await written(office, tenant, text("PT0S"))
    runs = [await enrolled(office, tenant, by_template, lead) for lead in leads[:2]]
    await asyncio.gather(take_steps(office), take_steps(office))
    await office.send()
    await take_steps(office)
    assert len(smtp.to(address)) == 1
    states = [(await enrolment(office, tenant, of))["steps"][0]["state"] for of in runs]
    assert sorted(states) == ["sent", "skipped"]
    for lead in leads[:2]:
        await enrolled(office, tenant, by_review, lead)
    await take_steps(office)
    await approve(office, tenant, leads[0])
    (draft,) = await pending(office, tenant, leads[1])
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
    assert (answer.status_code, "already" in answer.json()["detail"]) == (409, True)


async def test_of_two_drafts_for_one_address_and_step_a_bulk_approves_one(office, tenant):
    leads = [await office.captured(tenant, email=f"{tenant}@example.com") for _ in range(2)]
    sequence = await written(office, tenant, text("PT0S"))
    for lead in leads:
        await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    drafts = [draft for lead in leads for draft in await pending(office, tenant, lead)]
    items = [{"draft_id": draft["draft_id"], "sha256": draft["sha256"]} for draft in drafts]
    async with office.client(tenant, "reviewer") as http:
        results = (await http.post("/v1/drafts/bulk", json={"action": "approve", "items": items})).json()["results"]
    assert sorted(result["status"] for result in results) == [200, 409]
    assert len([draft for lead in leads for draft in await pending(office, tenant, lead)]) == 1, "not approved either"
    assert sum([len(await dispatches(office, tenant, lead)) for lead in leads]) == 1


async def test_a_step_that_was_moved_while_its_draft_is_reviewed_is_not_sent(office, tenant):
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, text("PT0S"), text("PT0S", subject="Two"))
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/enrolments/{of['enrolment_id']}/move", json={"step": 2})
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
        assert answer.status_code == 409
        await take_steps(office)
        await approve(office, tenant, lead)
        await office.send()
        await take_steps(office)
        assert [each["step"] for each in (await enrolment(office, tenant, of))["steps"]] == [1, 2]
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["sent"]


async def test_a_reply_at_the_moment_of_sending_is_crossed_and_nothing_follows(office, tenant, smtp):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, template("PT0S"), template("PT1H")), lead)
    await take_steps(office)
    smtp.on["data"] = lambda: replied(office, tenant, lead, "Yes, please send me the offer.")
    await office.send(timeout=60, limit=120)
    smtp.reset()
    (dispatch,) = await dispatches(office, tenant, lead)
    assert (dispatch["state"], dispatch["crossed"]) == ("sent", True)
    office.advance(hours=2)
    await take_steps(office)
    await office.send()
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["reason"], len(await dispatches(office, tenant, lead))) == ("exited", "reply", 1)
    assert [each["state"] for each in now["steps"]] == ["sent"]


class _Crash(Exception):
    """The process dies here."""


async def test_a_year_with_crashes_between_any_two_statements_sends_each_step_once(office, tenant, smtp, monkeypatch):
    """Random histories: whatever the worker does may end before any of its statements, and somebody starts it again."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    settings = office.context.settings
    sender = SenderAddresses(settings.mail_domain, settings.sms_from)
    sequence = await written(
        office,
        tenant,
        template("PT0S"),
        text("P30D", subject="Two"),
        template("P60D", subject="Three"),
        {"strategy": "last_word", "delay": "P60D"},
        if_expired="skip",
    )
    leads = [await office.captured(tenant) for _ in range(4)]
    runs = [await enrolled(office, tenant, sequence, lead) for lead in leads]
    left: ContextVar[list[int] | None] = ContextVar("left", default=None)
    originals = {name: getattr(Transaction, name) for name in ("run", "fetch", "fetch_one", "fetch_tuples")}

    def crashing(name):
        async def statement(self, *args, **more):
            if (statements := left.get()) is not None:
                if statements[0] == 0:
                    raise _Crash
                statements[0] -= 1
            return await originals[name](self, *args, **more)

        return statement

    for name in originals:
        monkeypatch.setattr(Transaction, name, crashing(name))

    async def look() -> None:
        async with office.database.worker() as work:
            due = await enrolments.due(work, 50)
        for due_tenant, enrolment_id in due:
            left.set([chance.choice([chance.randrange(60), 10_000])])
            try:
                async with office.database.worker([due_tenant]) as work:
                    await step_cases.advance(work, office.context.keys, sender, due_tenant, enrolment_id)
            except _Crash:
                pass
            left.set(None)

    for _ in range(40):
        office.advance(days=chance.randrange(1, 16), hours=chance.randrange(24))
        if chance.random() < 0.1:
            office.database.clock.offset -= timedelta(hours=30)  # a clock that is set back
        await asyncio.gather(look(), look())
        await office.compose()
        await expire_drafts(office.database)
        for number, lead in enumerate(leads):
            for _draft in await pending(office, tenant, lead):
                if chance.random() < 0.7:
                    await approve(office, tenant, lead)
            if chance.random() < 0.02:
                url = f"/v1/enrolments/{runs[number]['enrolment_id']}"
                async with office.client(tenant, "reviewer") as http:
                    await http.post(f"{url}/move", json={"step": chance.randrange(1, 5)})
        await office.send()
    await take_steps(office)
    for lead in leads:
        sent = [each for each in await dispatches(office, tenant, lead) if each["state"] == "sent"]
        steps = await as_rows(office, tenant, lead)
        assert len(steps) == len(set(steps)), f"a step was dispatched twice (seed {seed})"
        assert len(sent) >= 1, f"nothing was sent (seed {seed})"


async def test_killed_workers_lose_no_step_and_take_none_twice(office, tenant, smtp):
    """Two workers at once die before any statement, again and again, while steps are due."""
    steps = [template("PT0S"), text("PT0S", subject="Two"), template("PT0S", subject="Three")]
    sequence = await written(office, tenant, *steps)
    addresses = [f"{number}-{tenant}@example.com" for number in range(2)]
    leads = [await office.captured(tenant, email=address) for address in addresses]
    runs = [await enrolled(office, tenant, sequence, lead) for lead in leads]
    key = office.context.keys.secret.decode()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.outreach.crashing_steps", office.url, key),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    seed, killed = random.randrange(10**6), 0
    chance = random.Random(seed)
    try:
        assert await worker.stdout.readline() == b"ready\n"
        for number in range(30):
            budgets = [chance.randrange(1, 40) if number < 6 else 0 for _ in range(2)]
            worker.stdin.write(f"{budgets[0]} {budgets[1]}\n".encode())
            killed += int(await worker.stdout.readline())
            for lead in leads:
                if await pending(office, tenant, lead):
                    await approve(office, tenant, lead)
            await office.send()
            states = {(await enrolment(office, tenant, of))["state"] for of in runs}
            if states == {"done"}:
                break
    finally:
        worker.stdin.close()
        await worker.wait()
    assert states == {"done"}, f"a step was lost (seed {seed})"
    assert killed > 2, f"nothing was put to the test (seed {seed})"
    for lead, address, of in zip(leads, addresses, runs, strict=True):
        assert await as_rows(office, tenant, lead) == [(number, "email") for number in (1, 2, 3)], f"seed {seed}"
        assert len(smtp.to(address)) == 3, f"seed {seed}"
        taken = (await enrolment(office, tenant, of))["steps"]
        assert [(each["step"], each["attempt"], each["state"]) for each in taken] == [
            (1, 0, "sent"),
            (2, 0, "sent"),
            (3, 0, "sent"),
        ], f"seed {seed}"


async def as_rows(office, tenant, lead):
    async with office.database.worker() as work:
        rows = await work.fetch(
            "SELECT step, channel FROM dispatch WHERE tenant_id = :t AND lead_id = :l ORDER BY created_at",
            t=tenant,
            l=lead,
        )
    return [(row["step"], row["channel"]) for row in rows]


async def test_a_look_for_due_steps_reads_the_due_ones_only(office, tenant):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    filler = """
        INSERT INTO enrolment (tenant_id, enrolment_id, lead_id, sequence_id, version, step, anchor_at, planned_at,
                               due_at, cause, cause_id, enrolled_by, created_at)
        SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), sequence_id, 1, 1, now(), now(),
               now() + interval '100 years', 'manual', n::text, 'human:ann', now()
        FROM enrolment, generate_series(1, 20000) AS n WHERE tenant_id = :tenant
    """
    await as_owner(office, tenant, filler)
    await as_owner(office, tenant, "ANALYZE enrolment")
    office.advance(days=2)
    try:
        async with office.database.worker() as work:
            plan = await enrolments.explain_due(work, 50)
        assert "enrolment_due_in_turn" in plan and "Seq Scan" not in plan, plan
        assert "Rows Removed by Filter" not in plan, plan
    finally:
        await as_owner(
            office, tenant, "DELETE FROM enrolment WHERE tenant_id = :tenant AND due_at > now() + interval '90 years'"
        )
