"""Nurture, merges, erasure, used-up channels, bulk enrolment, versions, and what people ask about a sequence."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.drafts.workers import request_check_ins
from services.outreach.sending.workers import check_exhaustion
from shared.ids import uuid7
from shared.messaging.republish import republish
from tests.integration.outreach.sequence_steps import (
    activated,
    all_jobs,
    approve,
    enrolled,
    enrolment,
    pending,
    replied,
    take_steps,
    template,
    text,
    written,
)


async def of_lead(office, tenant, lead) -> list[dict]:
    async with office.client(tenant, "viewer") as http:
        answer = await http.get(f"/v1/leads/{lead}/enrolments")
    return answer.json()["items"]


async def nurturing(office, tenant, *steps, **more) -> dict:
    """The tenant's nurture sequence, switched on."""
    sequence = await written(office, tenant, *(steps or (text("P30D"),)), **more)
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json={"nurture_sequence_id": sequence["sequence_id"]})
    assert answer.status_code == 200, answer.text
    return sequence


async def test_entering_nurture_enrols_and_leaving_it_exits(office, tenant, bus):
    sequence = await nurturing(office, tenant)
    lead = await office.captured(tenant)
    event = await office.moved(tenant, lead, "nurture", rule="quiet")
    (of,) = await of_lead(office, tenant, lead)
    assert (of["sequence_id"], of["state"], of["cause"]) == (sequence["sequence_id"], "active", "nurture")
    (begun,) = await bus.read("sequence.enrolled", tenant=tenant)
    assert begun.headers["ce_causationid"] == event
    await office.moved(tenant, lead, "engaged", revision=2, from_="nurture")
    assert (await enrolment(office, tenant, of))["reason"] == "left_nurture"


async def test_a_lead_in_nurture_gets_the_steps_instead_of_the_recurring_check_in(office, tenant):
    await nurturing(office, tenant, text("P40D"))
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture", rule="quiet")
    office.advance(days=35)
    await request_check_ins(office.database)
    await office.compose()
    await take_steps(office)
    async with office.client(tenant, "viewer") as http:
        assert (await http.get("/v1/drafts", params={"lead_id": str(lead)})).json()["items"] == []
    office.advance(days=6)
    await take_steps(office)
    await approve(office, tenant, lead)
    await office.send()
    await take_steps(office)
    assert (await of_lead(office, tenant, lead))[0]["state"] == "done"
    office.advance(days=31)
    await request_check_ins(office.database)
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        (draft,) = (await http.get("/v1/drafts", params={"lead_id": str(lead), "state": "pending"})).json()["items"]
    assert draft["kind"] == "nurture", "a lead in nurture is not left alone for ever"


async def test_a_lead_that_names_a_time_hears_from_us_then(office, tenant):
    await nurturing(office, tenant, text("PT0S"))
    lead = await office.captured(tenant)
    when = datetime.now(UTC) + timedelta(days=100)
    await replied(office, tenant, lead, f"Not now. Please get back to me on {when:%d %B %Y}.")
    await office.moved(tenant, lead, "nurture", rule="later")
    (of,) = await of_lead(office, tenant, lead)
    assert datetime.fromisoformat(of["next_at"]).date() == when.date()
    assert of["why"] == "the lead asked to be left alone until then"


async def test_nurture_begins_once_the_enrolment_that_runs_is_over(office, tenant):
    await nurturing(office, tenant)
    lead = await office.captured(tenant)
    first = await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    await office.moved(tenant, lead, "nurture")
    assert len(await of_lead(office, tenant, lead)) == 1
    office.advance(days=1)
    await take_steps(office)
    await approve(office, tenant, lead)
    await office.send()
    await take_steps(office)
    assert [each["state"] for each in await of_lead(office, tenant, lead)] == ["active", "done"]
    assert (await enrolment(office, tenant, first))["state"] == "done"


async def test_old_causes_enrol_nobody(office, tenant):
    await nurturing(office, tenant)
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture", time=datetime.now(UTC) - timedelta(hours=49))
    assert await of_lead(office, tenant, lead) == []


async def test_a_rule_on_stage_and_source_enrols(office, tenant):
    rule = {"stage": "new", "sources": ["fair"]}
    await written(office, tenant, text(), enrol_when=rule)
    at_the_fair, elsewhere = await office.captured(tenant, source="fair"), await office.captured(tenant, source="web")
    assert [each["cause"] for each in await of_lead(office, tenant, at_the_fair)] == ["rule"]
    assert await of_lead(office, tenant, elsewhere) == []


async def test_settings_refuse_a_nurture_sequence_that_does_not_exist(office, tenant):
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json={"nurture_sequence_id": str(uuid7())})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "nurture_sequence_id")


async def test_a_merge_ends_the_enrolment_of_the_alias(office, tenant, bus):
    kept, alias = await office.captured(tenant), await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), alias)
    merge = {"lead_id": str(kept), "alias_id": str(alias), "merge_id": str(uuid7()), "version": 1}
    await office.publish(tenant, kept, "lead.merged", merge)
    assert (await enrolment(office, tenant, of))["reason"] == "merged"
    assert len(await of_lead(office, tenant, kept)) == len(await of_lead(office, tenant, alias)) == 1


async def test_an_erasure_ends_the_enrolment_and_keeps_the_counts(office, tenant):
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, text("PT0S"), template(), review="first")
    of = await enrolled(office, tenant, sequence, lead, note="met Ada at the fair")
    await take_steps(office)
    await approve(office, tenant, lead)
    await office.send()
    await take_steps(office)
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(f"/v1/enrolments/{of['enrolment_id']}")).status_code == 404
        assert (await http.get(f"/v1/leads/{lead}/enrolments")).status_code == 404
        assert (await http.get(f"/v1/leads/{lead}/preview")).status_code == 404
        report = (await http.get(f"/v1/sequences/{sequence['sequence_id']}/report")).json()
    assert (report["enrolled"], report["sent"], report["exited_by_reason"]) == (1, 1, {"erased": 1})
    async with office.database.worker() as work:
        assert await work.fetch("SELECT note FROM enrolment_change WHERE lead_id = :lead", lead=lead) == []


async def test_an_erased_lead_is_not_enrolled_in_nurture(office, tenant):
    await nurturing(office, tenant)
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    await office.moved(tenant, lead, "nurture")
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT state, reason FROM enrolment WHERE lead_id = :lead", lead=lead)
    assert [(row["state"], row["reason"]) for row in rows] == [("exited", "erased")]


async def test_an_address_that_does_not_work_ends_the_enrolment_without_another_channel(office, tenant, smtp):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, template("PT0S"), text("P1D")), lead)
    await take_steps(office)
    smtp.answers["rcpt"] = "550 5.1.1 no such user"
    await office.send()
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["reason"]) == ("exited", "no_channel")


async def test_a_sequence_that_is_done_uses_its_channel_up(office, tenant, bus):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, template("PT0S")), lead)
    await take_steps(office)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="first-message")
    await take_steps(office)
    office.advance(days=13)
    await check_exhaustion(office.database)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []
    office.advance(days=1, minutes=5)
    await check_exhaustion(office.database)
    (event,) = await bus.read("outreach.exhausted", tenant=tenant)
    assert event.data["channels"] == ["email"]


async def test_what_is_sent_in_nurture_uses_no_channel_up(office, tenant, bus):
    await nurturing(office, tenant, template("PT0S"))
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture")
    await take_steps(office)
    await office.send()
    await take_steps(office)
    await office.moved(tenant, lead, "contacted", revision=2, from_="nurture")
    office.advance(days=40)
    await check_exhaustion(office.database)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []


async def test_many_leads_are_enrolled_by_a_job_with_a_result_for_each(office, tenant):
    leads = [await office.captured(tenant, source="fair") for _ in range(3)]
    sequence = await written(office, tenant, text())
    await enrolled(office, tenant, sequence, leads[1])
    url = f"/v1/sequences/{sequence['sequence_id']}/enrolments"
    ids = [str(lead) for lead in [*leads, uuid7()]]
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(url, json={"lead_ids": ids})).status_code == 403
    async with office.client(tenant, "operator") as http:
        answer = await http.post(url, json={"lead_ids": ids})
        assert answer.status_code == 202
        job = f"/v1/enrolment-jobs/{answer.json()['job_id']}"
        assert (await http.get(job)).json()["state"] == "running"
        await all_jobs(office)
        assert (await http.get(job)).json() | {"done": 4, "total": 4, "state": "done"} == (await http.get(job)).json()
        results = (await http.get(f"{job}/results")).json()["items"]
        assert [(each["lead_id"], each["status"]) for each in results] == list(
            zip(ids, (201, 409, 201, 404), strict=True)
        )
        answer = await http.post(url, json={"filter": {"source": "fair", "stage": "new"}})
        await all_jobs(office)
        job = (await http.get(f"/v1/enrolment-jobs/{answer.json()['job_id']}")).json()
        assert (job["total"], job["state"]) == (3, "done")
    async with office.client("somebody-else", "operator") as http:
        assert (await http.get(f"/v1/enrolment-jobs/{job['job_id']}")).status_code == 404


async def test_a_new_version_leaves_enrolments_where_they_are_until_they_are_moved(office, tenant):
    lead = await office.captured(tenant)
    steps = [text("P1D", subject="One"), text("P1D", subject="Two")]
    sequence = await written(office, tenant, *steps)
    of = await enrolled(office, tenant, sequence, lead)
    url = f"/v1/sequences/{sequence['sequence_id']}"
    new = {"name": "Fair", "steps": [text("P9D", subject="Before"), *steps]}
    async with office.client(tenant, "admin") as http:
        changed = (await http.put(url, json=new)).json()
        assert (changed["version"], [each["step"] for each in changed["steps"]]) == (2, [3, 1, 2])
        assert (await http.get(url, params={"version": 1})).json()["steps"] == sequence["steps"]
        assert (await enrolment(office, tenant, of))["version"] == 1
        shown = (await http.post(f"{url}/moves", json={"dry_run": True})).json()
        (move,) = shown["moves"]
        assert (move["enrolment_id"], move["from_step"], move["to_step"]) == (of["enrolment_id"], 1, 1)
        await http.post(f"{url}/moves", json={})
    await all_jobs(office)
    now = await enrolment(office, tenant, of)
    assert (now["version"], now["step"], now["state"]) == (2, 1, "active")


async def test_a_new_version_with_another_template_waits_for_its_approval(office, tenant):
    sequence = await written(office, tenant, template("P1D"))
    url = f"/v1/sequences/{sequence['sequence_id']}"
    lead = await office.captured(tenant)
    async with office.client(tenant, "admin") as http:
        new = {"name": "Fair", "steps": [template("P1D", subject="Another", step=1)]}
        changed = (await http.put(url, json=new)).json()
        assert (changed["state"], changed["steps"][0]["approved_by"]) == ("paused", None)
        assert (await http.post(f"{url}/enrolments", json={"lead_id": str(lead)})).status_code == 409
        changed = await activated(office, tenant, changed)
    assert (changed["state"], changed["steps"][0]["approved_by"]) == ("active", "human:ann")


async def test_nothing_is_sent_while_the_sequence_is_paused(office, tenant, smtp):
    address = f"{tenant}@example.com"
    lead, other = await office.captured(tenant, email=address), await office.captured(tenant)
    sequence = await written(office, tenant, template("PT0S"), template("P1D", subject="Two"))
    url = f"/v1/sequences/{sequence['sequence_id']}"
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    await enrolled(office, tenant, sequence, other)
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(f"{url}/pause")).json()["state"] == "paused"
        await office.send()
        office.advance(hours=2)
        await take_steps(office)
        assert smtp.to(address) == []
        assert (await enrolment(office, tenant, of))["why"] == "its sequence is paused"
        await http.post(f"{url}/activate")
    await take_steps(office)
    await office.send()
    assert len(smtp.to(address)) == 1
    assert {each["state"] for each in await of_lead(office, tenant, other)} == {"active"}


async def test_the_preview_shows_what_a_lead_will_get_and_why_not_earlier(office, tenant):
    window = {"days": ["mon"], "start": "09:00", "end": "10:00"}
    steps = [text("PT0S"), template("P1D", subject="Two {{ first_name }}"), {"strategy": "last_word", "delay": "P1D"}]
    sequence = await written(office, tenant, *steps, window=window)
    lead = await office.captured(tenant, timezone="Asia/Tokyo")
    url = f"/v1/leads/{lead}/preview"
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(url)).json()["steps"] == []
        shown = (await http.get(url, params={"sequence_id": sequence["sequence_id"]})).json()["steps"]
        assert [(each["channel"], each["subject"]) for each in shown] == [
            ("email", "A question for Analytical Ltd"),
            ("email", "Two Ada"),
            ("email", None),
        ]
        assert all("T09:00:00" in each["local_time"] and "+09:00" in each["local_time"] for each in shown)
        assert {each["why"] for each in shown} == {"the sending window"}
        await enrolled(office, tenant, sequence, lead)
        assert len((await http.get(url)).json()["steps"]) == 3
        for _ in range(8):
            office.advance(hours=24)
            await take_steps(office)
        shown = (await http.get(url)).json()["steps"]
        assert [(each["what"], each["step"]) for each in shown][:2] in (
            [("under_way", 1), ("sent", 2)],
            [("sent", 1), ("sent", 2)],
        )
        assert (await http.get(f"/v1/leads/{uuid7()}/preview")).status_code == 404


async def test_a_simulation_tells_the_whole_story(office, tenant):
    sequence = await written(office, tenant, text("PT0S"), text("P10D"), text("P10D"), active=False)
    body = {
        "lead": {"first_name": "Eve", "company": "Acme", "timezone": "Europe/Berlin"},
        "events": [
            {"day": 9, "event": "reply", "label": "out_of_office", "until_day": 16},
            {"day": 20, "event": "reply", "label": "interested"},
        ],
        "starts_at": "2026-06-01T10:00:00Z",
    }
    async with office.client(tenant, "viewer") as http:
        answer = await http.post(f"/v1/sequences/{sequence['sequence_id']}/simulate", json=body)
        story = answer.json()["story"]
        assert [(each["what"], int(each["day"])) for each in story] == [
            ("sent", 0), ("reply", 9), ("paused", 9), ("resumed", 15), ("sent", 15), ("reply", 20), ("exited", 20)
        ]  # fmt: skip
        assert story[0]["subject"] == "A question for Acme"
        assert (await http.post(f"/v1/sequences/{uuid7()}/simulate", json={})).status_code == 404


async def test_the_figures_are_counted_from_what_happened(office, tenant):
    leads = [await office.captured(tenant) for _ in range(3)]
    sequence = await written(office, tenant, text("PT0S"), text())
    for lead in leads:
        await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    office.advance(hours=2)
    await approve(office, tenant, leads[0])
    (draft,) = await pending(office, tenant, leads[1])
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/drafts/{draft['draft_id']}/reject", json={"reason": "no"})
    await office.send()
    await take_steps(office)
    await replied(office, tenant, leads[0], "Yes, please send me the offer.")
    async with office.client(tenant, "viewer") as http:
        report = (await http.get(f"/v1/sequences/{sequence['sequence_id']}/report")).json()
    assert (report["enrolled"], report["active"], report["exited_by_reason"]) == (3, 2, {"reply": 1})
    (first,) = report["steps"]
    expected = {"step": 1, "drafted": 3, "approved": 1, "rejected": 1, "sent": 1, "replied": 1, "edited": 0}
    assert first | expected == first
    assert 7_190 < first["median_wait_seconds"] < 7_400


async def test_enrolments_are_republished_under_their_old_ids(office, tenant, bus):
    since = datetime.now(UTC) - timedelta(hours=1)
    sequence = await written(office, tenant, text())
    leads = [await office.captured(tenant) for _ in range(2)]
    for lead in leads:
        of = await enrolled(office, tenant, sequence, lead)
    async with office.client(tenant, "reviewer") as http:
        await http.delete(f"/v1/enrolments/{of['enrolment_id']}")
    counts = await republish(office.database, ["sequence.enrolled", "sequence.exited"], tenant, since)
    assert counts == {"sequence.enrolled": 2, "sequence.exited": 1}
    begun = await bus.read("sequence.enrolled", tenant=tenant, count=4)
    assert len({each.headers["ce_id"] for each in begun}) == 2
    ended = await bus.read("sequence.exited", tenant=tenant, count=2)
    assert [each.data["reason"] for each in ended] == ["manual", "manual"]
    assert ended[0].headers["ce_id"] == ended[1].headers["ce_id"]


async def test_the_built_in_sequences_stand_ready_and_switched_off(office, tenant):
    async with office.client(tenant, "viewer") as http:
        items = (await http.get("/v1/sequences")).json()["items"]
    assert {(each["built_in"], each["state"]) for each in items} == {("nurture", "inactive"), ("outbound", "inactive")}
    async with office.client("somebody-else", "admin") as http:
        url = f"/v1/sequences/{items[0]['sequence_id']}"
        assert (await http.get(url)).status_code == 404
        assert (await http.post(f"{url}/activate")).status_code == 404
    lead = await office.captured(tenant)
    outbound = next(each for each in items if each["built_in"] == "outbound")
    await enrolled(office, tenant, await activated(office, tenant, outbound), lead)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"channel": "email", "delay": "P1D"}]}, "steps.0"),
        ({"steps": [text(delay="-P1D")]}, "steps.0.delay"),
        ({"steps": [text(delay="three days")]}, "steps.0.delay"),
        ({"steps": [text(body="{{ score }}")]}, "steps.0.body"),
        ({"steps": [text(body="{% for a in b %}x{% endfor %}")]}, "steps.0.body"),
        ({"steps": [text()], "window": {"days": [], "start": "09:00", "end": "10:00"}}, "window.days"),
        ({"steps": [text()], "holidays": "XX"}, "holidays"),
        ({"steps": [{"strategy": "follow_up", "template": True}]}, "steps.0"),
        ({"steps": [text()], "review": "nobody"}, "review"),
        ({"steps": [text(step=7)]}, "steps"),
    ],
)
async def test_what_cannot_be_a_sequence_is_refused_with_the_field(office, tenant, wrong, field):
    async with office.client(tenant, "admin") as http:
        answer = await http.post("/v1/sequences", json={"name": "x", "steps": [text()], **wrong})
    assert answer.status_code == 422, answer.text
    assert field in [each["field"].removeprefix("body.") for each in answer.json()["errors"]]
