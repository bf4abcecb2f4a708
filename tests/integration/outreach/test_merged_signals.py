"""Signals of an alias: they keep the id that they came with, count for the kept lead, and undoing the merge divides
them again."""

import pytest

from tests.integration.outreach.sequence_steps import enrolled, enrolment, text, written
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
