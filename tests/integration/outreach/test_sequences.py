"""Sequences: the way of an enrolment from step to step, what interrupts it, and who has to approve."""

from datetime import datetime, timedelta

import pytest

from shared.ids import uuid7
from tests.integration.outreach.sequence_steps import (
    activated,
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


async def test_each_step_makes_a_draft_and_the_next_delay_counts_from_its_leaving(office, tenant, bus):
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, text("PT0S"), text("P3D", subject="Again"))
    of = await enrolled(office, tenant, sequence, lead)
    assert (of["state"], of["step"], of["paused_until"]) == ("active", 1, None)
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    assert (draft["subject"], draft["body"]) == ("A question for Analytical Ltd", "Hi Ada, is it?\n")
    assert draft["made_from"]["step"] == 1
    office.advance(days=4)
    await approve(office, tenant, lead)
    await office.send()
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"]) == ("active", 2)
    (dispatch,) = await dispatches(office, tenant, lead)
    left = datetime.fromisoformat(dispatch["sent_at"])
    assert datetime.fromisoformat(now["next_at"]) == left + timedelta(days=3)
    office.advance(days=3)
    await take_steps(office)
    await approve(office, tenant, lead)
    await office.send()
    await take_steps(office)
    assert (await enrolment(office, tenant, of))["state"] == "done"
    sent = await bus.read("message.sent", tenant=tenant, count=2)
    assert [(each.data["kind"], each.data["sequence_id"], each.data["step"]) for each in sent] == [
        ("sequence", sequence["sequence_id"], 1),
        ("sequence", sequence["sequence_id"], 2),
    ]
    (begun,) = await bus.read("sequence.enrolled", tenant=tenant)
    (ended,) = await bus.read("sequence.exited", tenant=tenant)
    assert begun.data["enrolment_id"] == ended.data["enrolment_id"] == of["enrolment_id"]
    assert (begun.data["reason"], ended.data["reason"]) == ("a person enrolled the lead", "done")


async def test_an_approved_template_is_sent_without_another_approval(office, tenant, smtp, bus):
    address = f"{tenant}@example.com"
    lead = await office.captured(tenant, email=address)
    of = await enrolled(office, tenant, await written(office, tenant, template("PT0S")), lead)
    await take_steps(office)
    assert await pending(office, tenant, lead) == []
    await office.send()
    await take_steps(office)
    (mail,) = smtp.to(address)
    assert mail["Subject"] == "A question for Analytical Ltd"
    assert mail.get_body(("plain",)).get_content().strip() == "Hi Ada, is it?"
    assert (await enrolment(office, tenant, of))["state"] == "done"
    (sent,) = await bus.read("message.sent", tenant=tenant)
    assert sent.data["step"] == 1


async def test_a_sequence_cannot_be_activated_before_its_templates_are_approved(office, tenant):
    sequence = await written(office, tenant, template(), active=False)
    url = f"/v1/sequences/{sequence['sequence_id']}"
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(f"{url}/activate")).status_code == 409
        answer = await http.post(f"{url}/activate", json={"template_sha256s": ["0" * 64]})
        assert answer.status_code == 409
        answer = await http.post(f"{url}/enrolments", json={"lead_id": str(await office.captured(tenant))})
        assert (answer.status_code, "inactive" in answer.json()["detail"]) == (409, True)
    async with office.client(tenant, "viewer") as http:
        assert (await http.post(f"{url}/activate")).status_code == 403
    async with office.client(tenant, "reviewer", "service") as http:
        hashes = [sequence["steps"][0]["template_sha256"]]
        assert (await http.post(f"{url}/activate", json={"template_sha256s": hashes})).status_code == 403
    assert (await activated(office, tenant, sequence))["state"] == "active"


async def test_with_review_first_the_later_templates_are_approved_with_the_first_draft(office, tenant):
    lead = await office.captured(tenant)
    steps = [text("PT0S"), text("P1D", subject="Second"), text("P1D", subject="Third")]
    of = await enrolled(office, tenant, await written(office, tenant, *steps, review="first"), lead)
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    shown = draft["made_from"]["approves_templates"]
    assert [each["subject"] for each in shown] == ["Second", "Third"]
    await approve(office, tenant, lead)
    for _ in range(3):
        await office.send()
        await take_steps(office)
        office.advance(days=1)
        await take_steps(office)
    assert await pending(office, tenant, lead) == []
    assert (await enrolment(office, tenant, of))["state"] == "done"
    assert len(await dispatches(office, tenant, lead)) == 3


async def test_a_second_enrolment_is_refused_while_one_runs(office, tenant):
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, text())
    url = f"/v1/sequences/{sequence['sequence_id']}/enrolments"
    async with office.client(tenant, "reviewer", **{"Idempotency-Key": "one"}) as http:
        first = await http.post(url, json={"lead_id": str(lead)})
        again = await http.post(url, json={"lead_id": str(lead)})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["enrolment_id"] == again.json()["enrolment_id"]
    async with office.client(tenant, "reviewer") as http:
        second = await http.post(url, json={"lead_id": str(lead)})
        assert (second.status_code, "already" in second.json()["detail"]) == (409, True)
        assert (await http.post(url, json={"lead_id": str(uuid7())})).status_code == 404


@pytest.mark.parametrize(
    ("said", "reason"),
    [("Yes, please send me the offer.", "reply"), ("Please remove me from your list.", "opted_out")],
)
async def test_a_reply_ends_the_enrolment_and_nothing_of_it_is_sent_any_more(office, tenant, bus, said, reason):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S"), text()), lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    await replied(office, tenant, lead, said)
    await office.send()
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["reason"], now["next_at"]) == ("exited", reason, None)
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["refused"]
    (exited,) = await bus.read("sequence.exited", tenant=tenant)
    (reply,) = await bus.read("reply.received", tenant=tenant)
    assert exited.data["reason"] == reason
    if reason == "reply":
        assert exited.headers["ce_causationid"] == reply.headers["ce_id"]
    office.advance(days=30)
    await take_steps(office)
    assert await pending(office, tenant, lead) == []


async def test_an_out_of_office_reply_pauses_until_the_return_date(office, tenant):
    lead = await office.captured(tenant, country="JP")
    of = await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    back = (datetime.now().astimezone() + timedelta(days=10)).date()
    await replied(office, tenant, lead, f"I am out of the office. I am back on {back:%d %B %Y}.", "Out of office")
    now = await enrolment(office, tenant, of)
    assert now["state"] == "paused"
    until = datetime.fromisoformat(now["paused_until"])
    assert (until.date(), until.hour) == (back, 0)  # nine o'clock in Tokyo
    office.advance(days=5)
    await take_steps(office)
    assert await pending(office, tenant, lead) == []
    office.advance(days=7)
    await take_steps(office)
    assert len(await pending(office, tenant, lead)) == 1
    assert [each["change"] for each in (await enrolment(office, tenant, of))["history"]] == [
        "enrolled",
        "paused",
        "resumed",
    ]


async def test_an_uncertain_reply_pauses_until_it_is_labelled(office, tenant):
    leads = [await office.captured(tenant) for _ in range(3)]
    sequence = await written(office, tenant, text("P1D"))
    runs = [await enrolled(office, tenant, sequence, lead) for lead in leads]
    ids = [(await replied(office, tenant, lead, "Hm, blue."))["reply_id"] for lead in leads]
    assert {(await enrolment(office, tenant, of))["state"] for of in runs} == {"paused"}
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/replies/{ids[0]}/label", json={"label": "auto_reply"})
        await http.post(f"/v1/replies/{ids[1]}/label", json={"label": "interested"})
    assert [(await enrolment(office, tenant, of))["state"] for of in runs] == ["active", "exited", "paused"]
    office.advance(days=3, minutes=1)
    await take_steps(office)
    assert (await enrolment(office, tenant, runs[2]))["state"] == "active"


@pytest.mark.parametrize(
    ("stage", "reason"),
    [("scheduled", "meeting"), ("won", "won"), ("lost", "disqualified"), ("exhausted", "exhausted")],
)
async def test_a_stage_ends_the_enrolment(office, tenant, bus, stage, reason):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S")), lead)
    await take_steps(office)
    event = await office.moved(tenant, lead, stage)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["reason"]) == ("exited", reason)
    assert await pending(office, tenant, lead) == []
    (exited,) = await bus.read("sequence.exited", tenant=tenant)
    assert exited.headers["ce_causationid"] == event


async def test_people_pause_resume_move_and_end_an_enrolment(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P1D"), text(subject="Two")), lead)
    url = f"/v1/enrolments/{of['enrolment_id']}"
    async with office.client(tenant, "reviewer") as http:
        paused = (await http.post(f"{url}/pause", json={"note": "on holiday"})).json()
        assert (paused["state"], paused["reason"]) == ("paused", "on holiday")
        office.advance(days=9)
        await take_steps(office)
        assert await pending(office, tenant, lead) == []
        assert (await http.post(f"{url}/resume")).json()["state"] == "active"
        await take_steps(office)
        assert len(await pending(office, tenant, lead)) == 1
        moved = (await http.post(f"{url}/move", json={"step": 2, "note": "skip it"})).json()
        assert moved["step"] == 2
        assert await pending(office, tenant, lead) == []
        assert (await http.post(f"{url}/move", json={"step": 9})).status_code == 422
        ended = (await http.delete(url, params={"note": "enough"})).json()
        assert (ended["state"], ended["reason"]) == ("exited", "manual")
        assert (await http.post(f"{url}/pause")).status_code == 409
    assert [(each["change"], each["actor"], each["note"]) for each in ended["history"]] == [
        ("enrolled", "human:ann", None),
        ("paused", "human:ann", "on holiday"),
        ("resumed", "human:ann", None),
        ("moved", "human:ann", "skip it"),
        ("exited", "human:ann", "enough"),
    ]
    async with office.client("somebody-else", "admin") as http:
        assert (await http.get(url)).status_code == 404
        assert (await http.delete(url)).status_code == 404


@pytest.mark.parametrize(
    ("rule", "state", "step"), [("skip", "active", 2), ("exit", "exited", 1), ("ask_again", "active", 1)]
)
async def test_a_rejected_draft_follows_the_rule_of_the_sequence(office, tenant, rule, state, step):
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, text("PT0S"), text(subject="Two"), if_rejected=rule)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/drafts/{draft['draft_id']}/reject", json={"reason": "too dull"})
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"]) == (state, step)
    assert len(await pending(office, tenant, lead)) == (1 if rule == "ask_again" else 0)


async def test_a_step_that_cannot_leave_says_why_and_the_enrolment_goes_on(office, tenant):
    lead = await office.captured(tenant, company=None, consent={"sms": "denied"}, phone="+4915112345678")
    steps = [template("PT0S"), {"channel": "sms", "body": "Hi", "delay": "PT0S"}, text("P1D", subject="Three")]
    of = await enrolled(office, tenant, await written(office, tenant, *steps), lead)
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"]) == ("active", 3)
    assert [(each["state"], each["reason"]) for each in now["steps"]] == [
        ("skipped", "the template needs company, which the lead does not have"),
        ("skipped", "consent for sms is denied"),
    ]


async def test_a_strategy_is_written_by_the_composer(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, {"strategy": "introduction"}), lead)
    await take_steps(office)
    await office.compose()
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    assert "Analytical Ltd" in draft["subject"]
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/drafts/{draft['draft_id']}/regenerate", json={"instruction": "shorter"})
    await take_steps(office)
    await office.compose()
    await approve(office, tenant, lead)
    await take_steps(office)
    await office.send()
    await take_steps(office)
    assert (await enrolment(office, tenant, of))["state"] == "done"
