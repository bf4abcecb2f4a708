"""Enrolments whose end was a mistake come back: an undone merge, a corrected label, a move that was taken back."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.replies.rules.bounces import DeliveryReport
from services.outreach.replies.use_cases import rereading
from shared.ids import uuid7
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
from tests.integration.outreach.test_guards import EACH_ROLE, REFUSED
from tests.integration.outreach.test_nurture_sequences import nurturing, of_lead


@pytest.fixture(autouse=True)
async def answers_are_written(office):
    """Drafts that answer the replies of these tests keep no composer of another test waiting."""
    yield
    while await office.compose():
        pass


async def label(office, tenant, reply, label, *, status=200, note="was read wrongly"):
    async with office.client(tenant, "operator") as http:
        answer = await http.post(f"/v1/replies/{reply['reply_id']}/label", json={"label": label, "note": note})
    assert answer.status_code == status, answer.text


async def merged(office, tenant, kept, alias, version=1, **more):
    data = {"lead_id": str(kept), "alias_id": str(alias), "merge_id": str(uuid7()), "version": version, **more}
    await office.publish(tenant, kept, "lead.merged", data)
    return data["merge_id"]


async def undone(office, tenant, kept, alias, merge_id, version=2):
    await merged(office, tenant, kept, alias, version, merge_id=merge_id, undone=True)


def history(of):
    return [each["change"] for each in of["history"]]


async def test_an_undone_merge_brings_the_enrolment_back_where_it_was(office, tenant, bus):
    alias, kept = await office.captured(tenant), await office.captured(tenant)
    sequence = await written(office, tenant, text("PT0S"), text("P3D", subject="Two"))
    of = await enrolled(office, tenant, sequence, alias)
    await take_steps(office)
    await approve(office, tenant, alias)
    await office.send()
    await take_steps(office)
    before = await enrolment(office, tenant, of)
    merge = await merged(office, tenant, kept, alias)
    assert (await enrolment(office, tenant, of))["reason"] == "merged"
    office.advance(days=1)
    await undone(office, tenant, kept, alias, merge)
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert [now[name] for name in ("state", "step", "next_at", "reason", "ended_at", "version")] == [
        "active", 2, before["next_at"], None, None, 1
    ]  # fmt: skip
    assert history(now) == ["enrolled", "exited", "restored"]
    assert [each["state"] for each in now["steps"]] == ["sent"]
    (changed,) = await bus.read("sequence.changed", tenant=tenant)
    assert (changed.data["change"], changed.data["reason"]) == ("restored", "the merge was undone")
    office.advance(days=2, minutes=1)
    await take_steps(office)
    (draft,) = await pending(office, tenant, alias)
    assert draft["subject"] == "Two"


async def test_a_second_end_is_published_as_another_event(office, tenant, bus):
    alias, kept = await office.captured(tenant), await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), alias)
    merge = await merged(office, tenant, kept, alias)
    await undone(office, tenant, kept, alias, merge)
    async with office.client(tenant, "reviewer") as http:
        await http.delete(f"/v1/enrolments/{of['enrolment_id']}")
    ends = await bus.read("sequence.exited", tenant=tenant, count=2)
    assert [each.data["reason"] for each in ends] == ["merged", "manual"]
    assert ends[0].headers["ce_id"] != ends[1].headers["ce_id"]


async def test_a_step_under_review_is_written_afresh_and_a_paused_enrolment_stays_paused(office, tenant):
    kept = await office.captured(tenant)
    leads = [await office.captured(tenant) for _ in range(2)]
    sequence = await written(office, tenant, text("PT0S"), if_rejected="exit")
    reviewed, paused = [await enrolled(office, tenant, sequence, lead) for lead in leads]
    await take_steps(office)
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/enrolments/{paused['enrolment_id']}/pause", json={"note": "wait"})
    for version, lead in enumerate(leads):
        merge = await merged(office, tenant, kept, lead, 2 * version + 1)
        await undone(office, tenant, kept, lead, merge, 2 * version + 2)
    await take_steps(office)
    now = await enrolment(office, tenant, reviewed)
    assert (now["state"], now["step"], len(await pending(office, tenant, leads[0]))) == ("active", 1, 1)
    assert [each["state"] for each in now["steps"]] == ["cancelled", "review"]
    assert (await enrolment(office, tenant, paused))["state"] == "paused"
    assert await pending(office, tenant, leads[1]) == []


@pytest.mark.parametrize("meanwhile", ["moved", "ended by hand"])
async def test_an_undone_merge_does_not_bring_back_what_would_have_ended_meanwhile(office, tenant, meanwhile):
    alias, kept = await office.captured(tenant), await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), alias)
    merge = await merged(office, tenant, kept, alias)
    if meanwhile == "moved":
        await office.moved(tenant, alias, "lost")
    else:
        async with office.client(tenant, "reviewer") as http:
            await http.delete(f"/v1/enrolments/{of['enrolment_id']}")
    await undone(office, tenant, kept, alias, merge)
    assert (await enrolment(office, tenant, of))["state"] == "exited"


async def test_an_enrolment_that_an_opt_out_of_the_alias_ended_comes_back_when_the_merge_is_undone(office, tenant):
    alias, kept = await office.captured(tenant), await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), kept)
    await replied(office, tenant, alias, "Please remove me from your list.")
    merge = await merged(office, tenant, kept, alias)
    dead = await office.moved(tenant, kept, "dead")
    assert (await enrolment(office, tenant, of))["reason"] == "opted_out"
    await undone(office, tenant, kept, alias, merge)
    assert (await enrolment(office, tenant, of))["state"] == "exited", "the lead is still dead"
    await office.moved(tenant, kept, "contacted", from_="dead", revision=2, corrects=[dead])
    assert (await enrolment(office, tenant, of))["state"] == "active"


@pytest.mark.parametrize("said", ["Yes, please send me the offer.", "Please remove me from your list."])
@pytest.mark.parametrize("right", ["auto_reply", "bounce"])
async def test_a_label_that_ended_the_enrolment_by_mistake_is_taken_back(office, tenant, said, right):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("PT0S"), text()), lead)
    await take_steps(office)
    reply = await replied(office, tenant, lead, said)
    assert (await enrolment(office, tenant, of))["state"] == "exited"
    await label(office, tenant, reply, right)
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"], len(await pending(office, tenant, lead))) == ("active", 1, 1)
    assert history(now) == ["enrolled", "exited", "restored"]
    assert now["history"][-1]["detail"] == f"the reply was labelled {right}"
    await label(office, tenant, reply, "interested")
    assert (await enrolment(office, tenant, of))["reason"] == "reply"
    assert await pending(office, tenant, lead) == []


async def test_a_wrong_label_that_was_an_absence_comes_back_paused_until_the_return(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    back = (datetime.now().astimezone() + timedelta(days=10)).date()
    reply = await replied(office, tenant, lead, f"I am out of the office. I am back on {back:%d %B %Y}.", "Re: hello")
    await label(office, tenant, reply, "interested")
    assert (await enrolment(office, tenant, of))["state"] == "exited"
    await label(office, tenant, reply, "out_of_office")
    now = await enrolment(office, tenant, of)
    assert (now["state"], datetime.fromisoformat(now["paused_until"]).date()) == ("paused", back)
    await label(office, tenant, reply, "auto_reply")
    assert (await enrolment(office, tenant, of))["state"] == "active"


async def test_a_human_who_labels_a_reply_other_says_that_the_lead_wrote(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P1D")), lead)
    reply = await replied(office, tenant, lead, "Xyzzy plugh, quux 17.")
    assert (await enrolment(office, tenant, of))["state"] == "paused", "nobody knows yet what it says"
    await label(office, tenant, reply, "other")
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["reason"]) == ("exited", "reply")
    office.advance(days=4)
    await take_steps(office)
    assert await pending(office, tenant, lead) == []
    await label(office, tenant, reply, "auto_reply")
    assert (await enrolment(office, tenant, of))["state"] == "active"


async def test_a_message_that_a_wrong_label_stopped_leaves_after_all_and_once(office, tenant, smtp):
    address = f"{tenant}@example.com"
    lead = await office.captured(tenant, email=address)
    of = await enrolled(office, tenant, await written(office, tenant, template("PT0S"), text()), lead)
    await take_steps(office)
    reply = await replied(office, tenant, lead, "Yes, please send me the offer.")
    await office.send()
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["refused"]
    await label(office, tenant, reply, "auto_reply")
    await office.send()
    await take_steps(office)
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["sent"]
    assert len(smtp.to(address)) == 1
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"], [each["state"] for each in now["steps"]]) == ("active", 2, ["sent"])


async def test_while_another_reply_holds_its_end_an_enrolment_stays_ended(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), lead)
    wrong = await replied(office, tenant, lead, "Yes, please send me the offer.")
    right = await replied(office, tenant, lead, "Can you send me the prices as well?")
    await label(office, tenant, wrong, "auto_reply")
    assert (await enrolment(office, tenant, of))["state"] == "exited"
    await label(office, tenant, right, "auto_reply")
    assert (await enrolment(office, tenant, of))["state"] == "active"


async def test_a_move_that_a_wrong_label_caused_ends_nothing_once_it_is_corrected(office, tenant):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), lead)
    reply = await replied(office, tenant, lead, "No, thank you, we chose another supplier.")
    lost = await office.moved(tenant, lead, "lost", from_="contacted")
    await label(office, tenant, reply, "auto_reply")
    assert (await enrolment(office, tenant, of))["state"] == "exited", "the lead is still lost"
    await office.moved(tenant, lead, "contacted", from_="lost", revision=2, corrects=[lost])
    assert (await enrolment(office, tenant, of))["state"] == "active"


async def test_a_nurture_enrolment_comes_back_instead_of_a_second_one(office, tenant):
    await nurturing(office, tenant)
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture", rule="quiet")
    (of,) = await of_lead(office, tenant, lead)
    reply = await replied(office, tenant, lead, "Yes, please send me the offer.")
    engaged = await office.moved(tenant, lead, "engaged", from_="nurture", revision=2)
    await label(office, tenant, reply, "auto_reply")
    await office.moved(tenant, lead, "nurture", from_="engaged", revision=3, corrects=[engaged])
    assert [(each["enrolment_id"], each["state"]) for each in await of_lead(office, tenant, lead)] == [
        (of["enrolment_id"], "active")
    ]


async def test_a_newer_enrolment_or_a_long_time_keeps_an_enrolment_ended(office, tenant):
    leads = [await office.captured(tenant) for _ in range(2)]
    sequence = await written(office, tenant, text("P1D"))
    runs = [await enrolled(office, tenant, sequence, lead) for lead in leads]
    replies = [await replied(office, tenant, lead, "Yes, please send me the offer.") for lead in leads]
    await enrolled(office, tenant, sequence, leads[0])
    await label(office, tenant, replies[0], "auto_reply")
    office.advance(days=40)
    await label(office, tenant, replies[1], "auto_reply")
    assert [(await enrolment(office, tenant, of))["state"] for of in runs] == ["exited", "exited"]


@EACH_ROLE
async def test_the_database_queues_a_refused_message_again_only_where_its_enrolment_came_back(office, tenant, as_role):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, template("PT0S")), lead)
    await take_steps(office)
    await replied(office, tenant, lead, "Yes, please send me the offer.")
    again = "UPDATE dispatch SET state = 'queued' WHERE tenant_id = :tenant AND state = 'refused'"
    with pytest.raises(REFUSED):
        await as_role(office, tenant, again)
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["refused"]


async def test_a_bounce_that_was_taken_for_a_reply_gives_the_enrolment_back_when_it_is_read_again(
    office, tenant, bus, monkeypatch
):
    lead = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text()), lead)
    reply = await replied(office, tenant, lead, "Yes, please send me the offer.")
    reader = office.run.app.state.mails.reader
    read = reader.read

    async def of_now(raw, seconds, model=None):
        report = DeliveryReport(["unknown@x.example"], None, "failed", "5.1.1", "no such user")
        return dataclasses.replace(await read(raw, seconds, model), reports=[report])

    monkeypatch.setattr(reader, "read", of_now)
    since = datetime(2020, 1, 1, tzinfo=UTC)
    result = await rereading.reread(office.database, reader, office.context.keys, "leadflow.example", tenant, since)
    assert result.changed == 1
    assert (await enrolment(office, tenant, of))["state"] == "active"
    labels = await bus.read("reply.received", tenant=tenant, count=2)
    assert [(each.data["reply_id"], each.data["label"]) for each in labels] == [
        (reply["reply_id"], "interested"),
        (reply["reply_id"], "bounce"),
    ]
