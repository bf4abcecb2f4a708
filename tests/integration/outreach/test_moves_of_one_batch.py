"""Several `stage.changed` of a lead in one batch: each counts as if it came alone, unless a later one corrects it."""

from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest

from shared.events import CATALOGUE, Received
from shared.events.envelope import Envelope
from tests.integration.outreach.sequence_steps import (
    dispatches,
    enrolled,
    enrolment,
    take_steps,
    template,
    text,
    written,
)
from tests.integration.outreach.test_nurture_sequences import nurturing, of_lead


async def moved(office, tenant, lead, *moves, revision=2):
    """Publish these moves (from, to, rule, indexes of the moves before that it corrects) in one batch; their ids."""
    at = datetime.now(UTC) + office.database.clock.offset
    ids = [str(uuid4()) for _ in moves]
    batch = []
    for n, (from_, to, rule, *corrects) in enumerate(moves):
        data = {"from": from_, "to": to, "from_status": "new", "status": "new", "rule": rule, "actor": "human:ann"}
        data |= {"occurred_at": at.isoformat(), "recorded_at": at.isoformat(), "revision": revision + n}
        data |= {"journey": {"contacted": True}}
        data |= {"corrects": [ids[each] if isinstance(each, int) else each for each in corrects]} if corrects else {}
        event = CATALOGUE["stage.changed"].model_validate_json(orjson.dumps(data))
        batch.append(Received(Envelope(ids[n], "stage.changed", "urn:test", at, tenant, str(lead)), event, at))
    async with office.database.worker([tenant]) as work:
        await office.reader.handle(work, batch)
    return ids


BOOKED = ("contacted", "scheduled", "meeting-booked")
PASSED = ("scheduled", "meeting_completed", "meeting-passed")


@pytest.fixture
async def contacted(office, tenant):
    """A lead in `contacted`, enrolled in a sequence whose template leaves in three days."""
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "contacted", rule="first-message")
    return lead, await enrolled(office, tenant, await written(office, tenant, template("P3D")), lead)


@pytest.mark.parametrize(
    "moves",
    [
        (BOOKED, PASSED),
        (BOOKED, ("scheduled", "engaged", "meeting-cancelled")),
        (("contacted", "meeting_completed", "meeting-passed"),),
        (BOOKED, PASSED, ("meeting_completed", "meeting_completed", "meeting-passed", 0, 1)),
        (("contacted", "lost", "declined"), ("lost", "contacted", "manual")),
    ],
)
async def test_a_stage_that_is_only_passed_through_ends_the_enrolment(office, tenant, contacted, bus, moves):
    lead, of = contacted
    ids = await moved(office, tenant, lead, *moves)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["reason"]) == ("exited", "disqualified" if moves[0][1] == "lost" else "meeting")
    (ended,) = await bus.read("sequence.exited", tenant=tenant)
    assert ended.headers["ce_causationid"] == (ids[2] if len(ids) == 3 else ids[0])
    office.advance(days=4)
    await take_steps(office)
    await office.send()
    assert await dispatches(office, tenant, lead) == []


async def test_a_move_that_the_same_batch_corrects_ends_nothing(office, tenant, contacted):
    lead, of = contacted
    await moved(office, tenant, lead, BOOKED, PASSED, ("meeting_completed", "contacted", "first-message", 0, 1))
    assert (await enrolment(office, tenant, of))["state"] == "active"


async def test_an_enrolment_that_a_meeting_ended_by_mistake_comes_back(office, tenant, contacted):
    lead, of = contacted
    ids = await moved(office, tenant, lead, BOOKED, PASSED)
    again = ("meeting_completed", "meeting_completed", "meeting-passed", *ids)
    (stated,) = await moved(office, tenant, lead, again, revision=4)
    assert (await enrolment(office, tenant, of))["state"] == "exited", "the correction states the meeting again"
    await moved(office, tenant, lead, ("meeting_completed", "contacted", "first-message", stated), revision=5)
    assert (await enrolment(office, tenant, of))["state"] == "active"


async def test_an_enrolment_that_began_after_the_meeting_outlives_a_correction_that_names_it(office, tenant, contacted):
    lead, _ = contacted
    await moved(office, tenant, lead, BOOKED, PASSED)
    later = await enrolled(office, tenant, await written(office, tenant, text()), lead)
    async with office.database.worker() as work:
        (row,) = await work.fetch("SELECT met_at FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead)
    (wrong,) = await moved(office, tenant, lead, ("meeting_completed", "nurture", "later"), revision=4)
    back = {"from_": "nurture", "rule": "meeting-passed", "revision": 5, "corrects": [wrong], "time": row["met_at"]}
    await office.moved(tenant, lead, "meeting_completed", **back)
    assert (await enrolment(office, tenant, later))["state"] == "active"


@pytest.mark.parametrize(
    ("moves", "state"),
    [
        ((("nurture", "engaged", "reply"), ("engaged", "qualified", "checklist")), "exited"),
        ((("nurture", "engaged", "reply"), ("engaged", "qualified", "checklist", 0)), "exited"),
        ((("nurture", "engaged", "reply"), ("engaged", "nurture", "quiet", 0)), "active"),
    ],
)
async def test_leaving_nurture_ends_its_enrolment_whatever_moves_follow(office, tenant, moves, state):
    await nurturing(office, tenant)
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture", rule="quiet")
    await moved(office, tenant, lead, *moves)
    (of,) = await of_lead(office, tenant, lead)
    assert (of["state"], of["reason"]) == (state, "left_nurture" if state == "exited" else None)
