"""Signals of an alias: they keep the id that they came with, count for the kept lead, and undoing the merge divides
them again."""

from datetime import UTC, datetime

import pytest

from services.outreach.drafts.workers import request_check_ins
from shared.ids import uuid7
from tests.integration.outreach.sequence_steps import check_channels, enrolled, enrolment, replied, text, written
from tests.integration.outreach.test_composing import drafts
from tests.integration.outreach.test_nurture_sequences import nurturing, of_lead
from tests.integration.outreach.test_opt_outs import SILENCE, label, merge, opt_outs, reply, unsubscribe, why_not
from tests.integration.outreach.test_replies import replies
from tests.integration.outreach.test_restored_enrolments import merged, undone


@pytest.mark.parametrize("how", ["unsubscribe", "reply"])
async def test_an_alias_opts_out_under_its_own_id(office, tenant, reached, bus, how):
    alias, mail, _ = reached
    kept = await office.captured(tenant)
    await merge(office, tenant, kept, alias)
    if how == "unsubscribe":
        await unsubscribe(office, mail)
    else:
        await reply(office, tenant, mail, SILENCE)
    assert [(lead, by) for lead, by, _ in await opt_outs(office, bus, tenant, 1)] == [(str(alias), how)]
    assert await why_not(office, tenant, kept) == "the lead has opted out", "as long as they are one"
    await merge(office, tenant, kept, alias, version=2, undone=True)
    for channel in ("email", "sms"):
        assert await why_not(office, tenant, alias, channel) == "the lead has opted out"
    await office.draft(tenant, kept)


async def test_a_reply_to_an_alias_goes_with_it(office, tenant, reached, bus):
    alias, mail, _ = reached
    kept = await office.captured(tenant)
    await merge(office, tenant, kept, alias)
    await reply(office, tenant, mail, "What does it cost?")
    (event,) = await bus.read("reply.received", tenant=tenant)
    assert event.lead_id == str(alias)
    assert len(await replies(office, tenant, lead_id=str(kept))) == 1
    await merge(office, tenant, kept, alias, version=2, undone=True)
    assert await replies(office, tenant, lead_id=str(kept)) == []
    assert len(await replies(office, tenant, lead_id=str(alias))) == 1


async def test_a_mended_label_of_an_alias_opens_both_again(office, tenant, reached):
    alias, mail, _ = reached
    kept = await office.captured(tenant)
    await merge(office, tenant, kept, alias)
    reply_id = await reply(office, tenant, mail, SILENCE)
    await label(office, tenant, reply_id, "interested")
    await office.draft(tenant, kept)


@pytest.mark.parametrize("said", [None, "No thank you, we chose somebody else."])
async def test_what_an_alias_says_ends_an_enrolment_of_the_kept_lead_until_the_merge_is_undone(
    office, tenant, reached, said
):
    alias, mail, _ = reached
    kept = await office.captured(tenant)
    of = await enrolled(office, tenant, await written(office, tenant, text("P3D")), kept)
    merge_id = await merged(office, tenant, kept, alias)
    await (unsubscribe(office, mail) if said is None else reply(office, tenant, mail, said))
    assert (await enrolment(office, tenant, of))["state"] == "exited"
    await undone(office, tenant, kept, alias, merge_id)
    assert (await enrolment(office, tenant, of))["state"] == "active"


@pytest.mark.parametrize("enrolled_first", [True, False])
async def test_what_an_alias_said_before_the_merge_ends_what_had_begun_by_then(office, tenant, reached, enrolled_first):
    alias, mail, _ = reached
    kept, sequence = await office.captured(tenant), await written(office, tenant, text("P3D"))
    of = await enrolled(office, tenant, sequence, kept) if enrolled_first else None
    await reply(office, tenant, mail, "No thank you, we chose somebody else.")
    of = of or await enrolled(office, tenant, sequence, kept)
    merge_id = await merged(office, tenant, kept, alias)
    assert (await enrolment(office, tenant, of))["state"] == ("exited" if enrolled_first else "active")
    await undone(office, tenant, kept, alias, merge_id)
    assert (await enrolment(office, tenant, of))["state"] == "active"


@pytest.mark.parametrize("state", ["superseded", "pending"])
async def test_what_an_alias_said_before_the_merge_ends_drafts_that_are_older(office, tenant, reached, state):
    alias, mail, _ = reached
    kept = await office.captured(tenant)
    if state == "superseded":
        await office.draft(tenant, kept)
    await reply(office, tenant, mail, "What does it cost?")
    if state == "pending":
        await office.draft(tenant, kept)
    await merged(office, tenant, kept, alias)
    of_kept = [each for each in await drafts(office, tenant, lead_id=str(kept)) if each["state"] != "approved"]
    assert [each["state"] for each in of_kept] == [state], "besides the one that was sent to the alias"


@pytest.mark.parametrize("how", ["it enters nurture", "a rule on its stage", "a rule on its capture"])
async def test_what_happened_to_an_alias_enrols_nobody_once_it_is_merged(office, tenant, how):
    if how == "it enters nurture":
        await nurturing(office, tenant)
    else:
        rule = {"stage": "new" if how == "a rule on its capture" else "contacted", "sources": ["fair"]}
        await written(office, tenant, text(), enrol_when=rule)
    kept, alias = await office.captured(tenant), uuid7()
    await office.moved(tenant, kept, "engaged")
    await merged(office, tenant, kept, alias)
    data = {"lead_id": str(alias), "source": "fair", "created_on": datetime.now(UTC).isoformat(), "version": 1}
    await office.publish(tenant, alias, "lead.captured", data | {"email": f"{alias}@example.com"})
    if how != "a rule on its capture":
        await office.moved(tenant, alias, "nurture" if how == "it enters nurture" else "contacted")
    assert await of_lead(office, tenant, kept) == []


@pytest.mark.parametrize("who", ["an alias", "a kept lead", "a lead with a corrected opt-out"])
async def test_a_lead_that_may_be_written_to_again_has_its_channels_checked(office, tenant, reached, bus, who):
    lead, mail, _ = reached
    other = await office.captured(tenant)
    async with office.client(tenant, "admin") as http:
        await http.put("/v1/settings", json={"exhaust_after_messages": 1})
        await http.put(f"/v1/leads/{lead}/mode", json={"mode": "email_only"})
    if who == "a lead with a corrected opt-out":
        reply_id = await reply(office, tenant, mail, SILENCE)
    else:
        kept, alias = (other, lead) if who == "an alias" else (lead, other)
        merge_id = await merged(office, tenant, kept, alias)
        await replied(office, tenant, other, SILENCE)
    office.advance(days=15)
    await check_channels(office)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []
    if who == "a lead with a corrected opt-out":
        await label(office, tenant, reply_id, "auto_reply")
    else:
        await undone(office, tenant, kept, alias, merge_id)
    await check_channels(office)
    (event,) = await bus.read("outreach.exhausted", tenant=tenant)
    assert event.lead_id == str(lead)


async def test_a_lead_in_nurture_gets_check_ins_again_once_its_merge_is_undone(office, tenant):
    kept, alias = await office.captured(tenant), await office.captured(tenant)
    await office.moved(tenant, alias, "nurture", rule="quiet")
    await enrolled(office, tenant, await written(office, tenant, text("P60D")), alias)
    merge_id = await merged(office, tenant, kept, alias)
    office.advance(days=40)
    await undone(office, tenant, kept, alias, merge_id)
    assert [each["state"] for each in await of_lead(office, tenant, alias)] == ["exited"], "its end is too long ago"
    office.advance(days=31)
    await request_check_ins(office.database)
    await office.compose()
    assert [each["kind"] for each in await drafts(office, tenant, lead_id=str(alias))] == ["nurture"]
