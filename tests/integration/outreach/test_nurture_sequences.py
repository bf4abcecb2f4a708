"""Nurture, merges, erasure, used-up channels, bulk enrolment, and versions of sequences."""

from datetime import UTC, datetime, timedelta

from services.outreach.drafts.workers import request_check_ins
from shared.ids import uuid7
from tests.integration.outreach.sequence_steps import (
    activated,
    all_jobs,
    approve,
    check_channels,
    enrolled,
    enrolment,
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


async def test_a_lead_that_enters_nurture_in_the_midst_of_its_sequence_gets_no_check_in_besides(office, tenant):
    sequence = await nurturing(office, tenant, text("P40D"))
    lead = await office.captured(tenant)
    await enrolled(office, tenant, sequence, lead)
    await office.moved(tenant, lead, "nurture", rule="quiet")
    office.advance(days=35)
    await request_check_ins(office.database)
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        assert (await http.get("/v1/drafts", params={"lead_id": str(lead)})).json()["items"] == []


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
    await check_channels(office)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []
    office.advance(days=1, minutes=5)
    await check_channels(office)
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
    await check_channels(office)
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


async def test_a_filter_of_the_queue_asks_for_status_and_the_owner_of_now(office, tenant):
    handed_over, qualified, waiting, written_to = [await office.captured(tenant, owner="bob") for _ in range(4)]
    await office.moved(tenant, handed_over, "engaged", journey={"contacted": True, "owner": "eve"})
    await office.moved(tenant, qualified, "qualified", journey={"contacted": True, "owner": "bob"})
    await office.approved(tenant, written_to)
    await office.send()
    for lead in (waiting, written_to):
        await office.moved(tenant, lead, "nurture")
    sequence = await written(office, tenant, text())
    url = f"/v1/sequences/{sequence['sequence_id']}/enrolments"

    async def named_by(**filter: str) -> set[str]:
        async with office.client(tenant, "operator") as http:
            answer = await http.post(url, json={"filter": filter})
            await all_jobs(office)
            results = await http.get(f"/v1/enrolment-jobs/{answer.json()['job_id']}/results")
            return {each["lead_id"] for each in results.json()["items"]}

    assert await named_by(owner="eve") == {str(handed_over)}
    assert await named_by(status="qualified", owner="bob") == {str(qualified)}
    assert await named_by(status="contacted") == {str(handed_over), str(written_to)}
    assert await named_by(status="new") == {str(waiting)}


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
        assert (changed["state"], changed["steps"][0]["approved_by"]) == ("active", None)
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
