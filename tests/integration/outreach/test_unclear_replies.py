"""Replies that nobody understands pause an enrolment, and lose it nothing: until a human has labelled them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.outreach.sequence_steps import (
    approve,
    dispatches,
    enrolled,
    enrolment,
    pending,
    replied,
    take_steps,
    text,
    written,
)
from tests.integration.outreach.test_restored_enrolments import label

UNCLEAR = "Xyzzy plugh, quux 17."


@pytest.mark.parametrize(("said", "state"), [("auto_reply", "sent"), ("interested", "refused")])
async def test_an_approved_message_waits_for_the_label_of_a_reply(office, tenant, said, state):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S"), text()), lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    reply = await replied(office, tenant, lead, UNCLEAR)
    await office.send()
    (dispatch,) = await dispatches(office, tenant, lead)
    assert (dispatch["state"], dispatch["reason"]) == ("queued", "its sequence is paused")
    await label(office, tenant, reply, said)
    await office.send()
    await take_steps(office)
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == [state]
    assert (await enrolment(office, tenant, of))["state"] == ("active" if state == "sent" else "exited")


async def test_an_approved_message_is_refused_where_nobody_labels_the_reply(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S"), text()), lead)
    await take_steps(office)
    await approve(office, tenant, lead)
    await replied(office, tenant, lead, UNCLEAR)
    office.advance(days=3, minutes=1)
    await take_steps(office)
    await office.send()
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["step"], [each["state"] for each in now["steps"]]) == (2, ["refused"])


async def test_a_draft_that_the_composer_did_not_write_because_of_a_reply_is_asked_for_again(office, tenant):
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, {"strategy": "follow_up", "delay": "PT0S"}, text())
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    reply = await replied(office, tenant, lead, UNCLEAR)
    await office.compose()
    assert await pending(office, tenant, lead) == []
    await label(office, tenant, reply, "auto_reply")
    await take_steps(office)
    await office.compose()
    await take_steps(office)
    assert len(await pending(office, tenant, lead)) == 1
    now = await enrolment(office, tenant, of)
    assert (now["step"], [each["state"] for each in now["steps"]]) == (1, ["superseded", "review"])


@pytest.mark.parametrize("days", [20, None])
async def test_a_persons_pause_holds_once_a_longer_absence_was_a_mistake(office, tenant, days):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    until = days and (datetime.now(UTC) + timedelta(days=days)).isoformat()
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/enrolments/{of['enrolment_id']}/pause", json={"until": until, "note": "on holiday"})
    before = await enrolment(office, tenant, of)
    back = f"{datetime.now(UTC) + timedelta(days=40):%d %B %Y}"
    reply = await replied(office, tenant, lead, f"I am away until {back}.", "Out of office: Re: hello")
    away = await enrolment(office, tenant, of)
    assert (away["paused_until"] == before["paused_until"]) == (days is None), "the longer pause counts"
    await label(office, tenant, reply, "auto_reply")
    now = await enrolment(office, tenant, of)
    assert [now[name] for name in ("state", "paused_until", "reason")] == [
        "paused",
        before["paused_until"],
        "on holiday",
    ]
    if days:
        office.advance(days=days, minutes=1)
        await take_steps(office)
        assert len(await pending(office, tenant, lead)) == 1


async def test_an_absence_holds_once_a_longer_pause_by_another_reply_was_a_mistake(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    back = f"{datetime.now(UTC) + timedelta(days=1):%d %B %Y}"
    await replied(office, tenant, lead, f"I am away until {back}.", "Out of office: Re: hello")
    before = await enrolment(office, tenant, of)
    reply = await replied(office, tenant, lead, UNCLEAR)
    assert (await enrolment(office, tenant, of))["paused_until"] > before["paused_until"]
    await label(office, tenant, reply, "auto_reply")
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["paused_until"]) == ("paused", before["paused_until"])
