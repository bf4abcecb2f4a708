"""Sequences that are changed or paused while leads are under way in them, and enrolments that are moved to the end."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.drafts.workers import expire_drafts
from services.outreach.sequences.use_cases import changes
from tests.integration.outreach.sequence_steps import (
    activated,
    all_jobs,
    approve,
    enrolled,
    enrolment,
    pending,
    take_steps,
    template,
    text,
    written,
)


async def put(office, tenant, sequence, *steps, **more):
    async with office.client(tenant, "admin") as http:
        body = {"name": "Fair", "steps": list(steps), **more}
        answer = await http.put(f"/v1/sequences/{sequence['sequence_id']}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(office, tenant, path, body=None, role="operator"):
    async with office.client(tenant, role) as http:
        return await http.post(path, json=body)


async def test_a_new_version_with_an_unapproved_template_stops_new_enrolments_only(office, tenant, smtp):
    by_template = {"review": "template"}
    sequence = await written(office, tenant, template("PT0S"), template("P1D", subject="Two"), **by_template)
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    await office.send()
    changed = await put(office, tenant, sequence, template("PT0S", subject="Another"), **by_template)
    office.advance(days=1, minutes=1)
    await take_steps(office)
    await office.send()
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], [each["state"] for each in now["steps"]]) == ("done", ["sent", "sent"])
    url = f"/v1/sequences/{sequence['sequence_id']}/enrolments"
    other = await office.captured(tenant)
    refused = await post(office, tenant, url, {"lead_id": str(other)})
    assert (refused.status_code, "template of step 3 is not approved" in refused.json()["detail"]) == (409, True)
    many = await post(office, tenant, url, {"lead_ids": [str(other)]})
    assert many.status_code == 202, many.text
    await all_jobs(office)
    async with office.client(tenant, "viewer") as http:
        (result,) = (await http.get(f"/v1/enrolment-jobs/{many.json()['job_id']}/results")).json()["items"]
    assert result["status"] == 409
    await activated(office, tenant, changed)
    await enrolled(office, tenant, changed, other)


@pytest.mark.parametrize("what", ["the pause ends", "a draft expires", "a draft is rejected"])
async def test_the_enrolments_of_a_paused_sequence_stay_where_they_are(office, tenant, what):
    sequence = await written(office, tenant, text("PT0S"), text("P1D"), if_expired="exit", if_rejected="exit")
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    if what == "the pause ends":
        until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
        assert (await post(office, tenant, f"/v1/enrolments/{of['enrolment_id']}/pause", {"until": until})).is_success
    else:
        await take_steps(office)
    assert (await post(office, tenant, f"/v1/sequences/{sequence['sequence_id']}/pause", role="reviewer")).is_success
    if what == "a draft is rejected":
        (draft,) = await pending(office, tenant, lead)
        body = {"reason": "no"}
        assert (await post(office, tenant, f"/v1/drafts/{draft['draft_id']}/reject", body, "reviewer")).is_success
    office.advance(days=400)
    await expire_drafts(office.database)
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"]) == ("paused" if what == "the pause ends" else "active", 1)
    assert await pending(office, tenant, lead) == []
    await activated(office, tenant, sequence)
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert now["state"] == ("active" if what == "the pause ends" else "exited")


async def test_an_enrolment_at_the_end_of_its_version_is_moved_to_the_end_of_another(office, tenant):
    sequence = await written(office, tenant, text("PT0S"), text("P1D", subject="Two"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    url = f"/v1/enrolments/{of['enrolment_id']}"
    assert (await post(office, tenant, f"{url}/move", {"step": 2})).status_code == 200
    assert (await post(office, tenant, f"{url}/pause", {})).status_code == 200
    await put(office, tenant, sequence, {**text("PT0S"), "step": 1})
    for version in (2, 2, 1):
        moved = await post(office, tenant, f"{url}/move", {"version": version})
        assert (moved.status_code, moved.json()["step"]) == (200, None)
    refused = await post(office, tenant, f"{url}/move", {"version": 2**31})
    assert [error["field"] for error in refused.json()["errors"]] == ["version"]
    assert (await post(office, tenant, f"{url}/resume")).status_code == 200
    await take_steps(office)
    assert (await enrolment(office, tenant, of))["state"] == "done"


async def test_a_job_ends_though_one_of_its_items_meets_a_defect(office, tenant, monkeypatch):
    sequence = await written(office, tenant, text("P1D"))
    runs = [await enrolled(office, tenant, sequence, await office.captured(tenant)) for _ in range(3)]
    await put(office, tenant, sequence, {**text("P2D"), "step": 1})
    move, broken = changes.move, runs[1]["enrolment_id"]

    async def failing(work, tenant, enrolment_id, *rest):
        if str(enrolment_id) == broken:
            await work.run("SELECT 1 / 0")
        await move(work, tenant, enrolment_id, *rest)

    monkeypatch.setattr(changes, "move", failing)
    job = (await post(office, tenant, f"/v1/sequences/{sequence['sequence_id']}/moves", {})).json()["job_id"]
    await all_jobs(office)
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(f"/v1/enrolment-jobs/{job}")).json()["state"] == "done"
        results = (await http.get(f"/v1/enrolment-jobs/{job}/results")).json()["items"]
    assert {each["enrolment_id"] for each in results if each["status"] == 500} == {broken}
    assert sorted(each["status"] for each in results) == [200, 200, 500]


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"])
async def test_nothing_is_put_off_to_the_end_of_the_calendar(office, tenant, until):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S")), lead)
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    url = f"/v1/drafts/{draft['draft_id']}"
    refused = await post(office, tenant, f"{url}/snooze", {"until": until}, "reviewer")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "until")
    many = {"action": "snooze", "until": until, "items": [{"draft_id": draft["draft_id"]}]}
    (result,) = (await post(office, tenant, "/v1/drafts/bulk", many, "reviewer")).json()["results"]
    assert result["status"] == 422
    paused = await post(office, tenant, f"/v1/enrolments/{of['enrolment_id']}/pause", {"until": until})
    assert paused.status_code == 422
    await approve(office, tenant, lead)
