"""Answers to replies: they end when the reply turns out to be another lead's, or gets a label that is not answered."""

import pytest

from services.outreach.rules import NOT_ANSWERED, NOT_THEIRS
from tests.integration.outreach.test_composing import drafts
from tests.integration.outreach.test_opt_outs import label, reply
from tests.integration.outreach.test_restored_enrolments import merged, undone

STATES = ["requested", "pending", "approved"]


@pytest.fixture
async def answering(office, tenant, reached):
    """Another lead, which is known by an id of its own; replies get their answers drafted."""
    async with office.client(tenant, "admin") as http:
        await http.put("/v1/settings", json={"auto_drafts": {"answer": True}})
    other = await office.captured(tenant)
    await office.moved(tenant, other, "contacted", rule="first-message")
    return other


async def answers(office, tenant) -> list[dict]:
    return await drafts(office, tenant, kind="answer")


async def approve(office, tenant, draft) -> str:
    decision = {"sha256": draft["sha256"], "acknowledge_unsupported": True}
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json=decision)
    assert answer.status_code == 200, answer.text
    return answer.json()["dispatch_id"]


async def brought_to(office, tenant, state) -> str | None:
    """Bring the answer that is requested to this state; the dispatch of one that is approved."""
    if state == "requested":
        return None
    await office.compose()
    (draft,) = await answers(office, tenant)
    return await approve(office, tenant, draft) if state == "approved" else None


async def ended(office, tenant, state, dispatch, reason) -> None:
    """Whatever was in this state has ended for the reason, and nothing is sent."""
    await office.compose()
    await office.send()
    found = await answers(office, tenant)
    if state == "requested":
        async with office.database.worker([tenant]) as work:
            rows = await work.fetch_tuples(
                "SELECT reason FROM composition WHERE tenant_id = :t AND kind = 'answer'", t=tenant
            )
        assert ([reason for (reason,) in rows], found) == ([reason], [])
    elif state == "pending":
        assert [(each["state"], each["reason"]) for each in found] == [("superseded", reason)]
    else:
        of = await office.dispatch(tenant, dispatch)
        assert (of["state"], of["reason"]) == ("refused", reason)


@pytest.mark.parametrize("state", STATES)
async def test_what_answers_an_alias_is_not_sent_to_the_kept_lead_once_the_merge_is_undone(
    office, tenant, reached, answering, state
):
    alias, mail, _ = reached
    merge_id = await merged(office, tenant, answering, alias)
    await reply(office, tenant, mail, "What does it cost?")
    dispatch = await brought_to(office, tenant, state)
    await undone(office, tenant, answering, alias, merge_id)
    await ended(office, tenant, state, dispatch, NOT_THEIRS)


@pytest.mark.parametrize("state", ["pending", "approved"])
@pytest.mark.parametrize("written_by", ["a person", "the agent, once more"])
async def test_an_answer_that_a_person_asked_for_ends_with_the_merge_too(
    office, tenant, reached, answering, state, written_by
):
    alias, mail, _ = reached
    merge_id = await merged(office, tenant, answering, alias)
    await reply(office, tenant, mail, "What does it cost?")
    await office.compose()
    (draft,) = await answers(office, tenant)
    async with office.client(tenant, "reviewer") as http:
        if written_by == "a person":
            await http.post(f"/v1/drafts/{draft['draft_id']}/reject", json={"reason": "too long"})
            await office.draft(tenant, answering, "answer", subject=None)
        else:
            await http.post(f"/v1/drafts/{draft['draft_id']}/regenerate", json={})
            await office.compose()
    (draft,) = await drafts(office, tenant, kind="answer", state="pending")
    dispatch = await approve(office, tenant, draft) if state == "approved" else None
    await undone(office, tenant, answering, alias, merge_id)
    await office.send()
    if dispatch:
        assert (await office.dispatch(tenant, dispatch))["reason"] == NOT_THEIRS
    else:
        async with office.client(tenant, "viewer") as http:
            assert (await http.get(f"/v1/drafts/{draft['draft_id']}")).json()["reason"] == NOT_THEIRS


async def test_an_answer_to_the_kept_leads_own_words_stays_when_a_merge_is_undone(office, tenant, reached, answering):
    kept, mail, _ = reached
    merge_id = await merged(office, tenant, kept, answering)
    await reply(office, tenant, mail, "What does it cost?")
    dispatch = await brought_to(office, tenant, "approved")
    await undone(office, tenant, kept, answering, merge_id)
    await office.send()
    assert (await office.dispatch(tenant, dispatch))["state"] == "sent"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("right", ["auto_reply", "wrong_person", "declined"])
async def test_an_answer_ends_with_the_label_that_called_for_it(office, tenant, reached, answering, state, right):
    _, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "What does it cost?")
    dispatch = await brought_to(office, tenant, state)
    await label(office, tenant, reply_id, right)
    await ended(office, tenant, state, dispatch, NOT_ANSWERED)


@pytest.mark.parametrize("state", STATES)
async def test_a_reply_that_gets_its_label_back_is_answered(office, tenant, reached, answering, state):
    _, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "What does it cost?")
    dispatch = await brought_to(office, tenant, state)
    await label(office, tenant, reply_id, "auto_reply")
    await ended(office, tenant, state, dispatch, NOT_ANSWERED)
    for again in ("interested", "question"):
        await label(office, tenant, reply_id, again)
        await office.compose()
    (draft,) = await drafts(office, tenant, kind="answer", state="pending")
    assert draft["answers"] == "What does it cost?"
