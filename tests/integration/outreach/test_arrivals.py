"""Replies that we get to know long after they arrived, because their server was away or their account is new."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.replies.use_cases.raw_mail import store_mail
from tests.integration.outreach.test_answers import answering, answers, approve
from tests.integration.outreach.test_replies import answer_to

__all__ = ["answering"]


async def fetched(office, tenant, mail, text: str, ago: timedelta) -> datetime:
    """A reply is fetched and read that arrived so long ago; when that was."""
    at = datetime.now(UTC) - ago
    async with office.database.worker([tenant]) as work:
        await store_mail(work, tenant, answer_to(mail, text), received_at=at)
    await office.run.app.state.mails.read_due(office.database)
    return at


async def test_a_reply_is_published_at_the_time_of_its_arrival(office, tenant, reached, bus):
    _, mail, _ = reached
    at = await fetched(office, tenant, mail, "What does it cost?", timedelta(days=700))
    (event,) = await bus.read("reply.received", tenant=tenant)
    assert event.time == at


@pytest.mark.parametrize(("ago", "count"), [(timedelta(hours=40), 1), (timedelta(hours=50), 0)])
async def test_only_a_recent_reply_is_answered(office, tenant, reached, answering, ago, count):
    _, mail, _ = reached
    await fetched(office, tenant, mail, "What does it cost?", ago)
    await office.compose()
    found = await answers(office, tenant)
    assert len(found) == count
    for draft in found:
        dispatch = await approve(office, tenant, draft)
        await office.send()
        assert (await office.dispatch(tenant, dispatch))["state"] == "sent"


@pytest.mark.parametrize("state", ["pending", "approved"])
async def test_what_was_written_without_knowing_of_a_reply_is_not_sent(office, tenant, reached, state):
    lead, mail, _ = reached
    await office.moved(tenant, lead, "engaged", from_="contacted", revision=2)
    draft = await office.draft(tenant, lead, "answer")
    dispatch = await approve(office, tenant, draft) if state == "approved" else None
    await fetched(office, tenant, mail, "Forget it, I found a way myself.", timedelta(hours=3))
    await office.send()
    if dispatch:
        assert (await office.dispatch(tenant, dispatch))["reason"] == "the lead has written since the draft was made"
    else:
        async with office.client(tenant, "viewer") as http:
            assert (await http.get(f"/v1/drafts/{draft['draft_id']}")).json()["reason"] == "the lead has written since"
