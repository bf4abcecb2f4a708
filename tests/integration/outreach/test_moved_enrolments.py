"""Enrolments that are moved while a message of their present step is approved, and moves that move nobody."""

import pytest

from tests.integration.outreach.sequence_steps import (
    all_jobs,
    approve,
    dispatches,
    enrolled,
    enrolment,
    pending,
    take_steps,
    text,
    written,
)
from tests.integration.outreach.test_sequence_changes import post, put


async def results_of(office, tenant, sequence, *of, **more):
    """What became of each of these enrolments in a job that moves them."""
    body = {"enrolment_ids": [each["enrolment_id"] for each in of], **more}
    job = (await post(office, tenant, f"/v1/sequences/{sequence['sequence_id']}/moves", body)).json()["job_id"]
    await all_jobs(office)
    async with office.client(tenant, "viewer") as http:
        items = (await http.get(f"/v1/enrolment-jobs/{job}/results")).json()["items"]
    return [each["status"] for each in items]


async def move(office, tenant, of, **body):
    return await post(office, tenant, f"/v1/enrolments/{of['enrolment_id']}/move", body)


@pytest.mark.parametrize("how", ["alone", "in a job"])
async def test_an_approved_message_of_a_step_that_stays_leaves_after_a_move(office, tenant, how):
    sequence = await written(office, tenant, text("PT0S"), text("P1D", subject="Two"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    await put(office, tenant, sequence, text("PT0S"), text("P9D", subject="Another"))
    if how == "alone":
        assert (await move(office, tenant, of, version=2)).status_code == 200
    else:
        assert await results_of(office, tenant, sequence, of) == [200]
    await take_steps(office)
    await office.send()
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["version"], now["step"]) == (2, 3)
    assert [(each["step"], each["state"]) for each in now["steps"]] == [(1, "sent")]


async def test_a_draft_under_review_of_a_step_that_stays_is_the_same_after_a_move(office, tenant):
    sequence = await written(office, tenant, text("PT0S"), text("P1D", subject="Two"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    (before,) = await pending(office, tenant, lead)
    await put(office, tenant, sequence, text("PT0S"))
    assert (await move(office, tenant, of, version=2)).status_code == 200
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    assert draft["draft_id"] == before["draft_id"]


async def test_an_approved_message_is_not_replaced_by_another_text_of_its_step(office, tenant):
    sequence = await written(office, tenant, text("PT0S"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    await put(office, tenant, sequence, text("PT0S", subject="Another", step=1))
    refused = await move(office, tenant, of, version=2)
    assert (refused.status_code, "approved already" in refused.json()["detail"]) == (409, True)
    assert await results_of(office, tenant, sequence, of) == [409]
    await office.send()
    await take_steps(office)
    assert (await enrolment(office, tenant, of))["state"] == "done"


async def test_a_draft_under_review_is_written_with_the_new_text_of_its_step(office, tenant):
    sequence = await written(office, tenant, text("PT0S"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    await put(office, tenant, sequence, text("PT0S", subject="Another", step=1))
    assert (await move(office, tenant, of, version=2)).status_code == 200
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    assert draft["subject"] == "Another"


async def test_a_move_to_another_step_takes_an_approved_message_back(office, tenant):
    sequence = await written(office, tenant, text("PT0S"), text("PT0S", subject="Two"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    assert (await move(office, tenant, of, step=2)).status_code == 200
    await office.send()
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["refused"]
    await take_steps(office)
    (draft,) = await pending(office, tenant, lead)
    assert draft["subject"] == "Two"


async def test_a_move_to_where_the_enrolment_is_changes_nothing(office, tenant):
    sequence = await written(office, tenant, text("PT0S"))
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    before = await enrolment(office, tenant, of)
    (draft,) = await pending(office, tenant, lead)
    for body in ({"step": 1}, {"version": 1}):
        assert (await move(office, tenant, of, **body)).status_code == 200
    assert await results_of(office, tenant, sequence, of) == [200]
    await take_steps(office)
    assert await enrolment(office, tenant, of) == before
    assert [each["draft_id"] for each in await pending(office, tenant, lead)] == [draft["draft_id"]]


async def test_the_moves_of_a_sequence_leave_enrolments_of_others_alone(office, tenant):
    one, other = [await written(office, tenant, text("P1D"), text("P1D", subject="Two")) for _ in range(2)]
    of = await enrolled(office, tenant, other, await office.captured(tenant))
    for sequence in (one, other):
        await put(office, tenant, sequence, text("P2D"), text("P1D", subject="Two"))
    assert await results_of(office, tenant, one, of) == [404]
    assert (await enrolment(office, tenant, of))["version"] == 1
