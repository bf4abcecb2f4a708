"""The conversation with a lead, and the list of its dispatches: everything, in pages, under each of its ids."""

from uuid import uuid4

import pytest

from tests.integration.outreach.sequence_steps import dispatches, enrolled, take_steps, template, written
from tests.integration.outreach.test_opt_outs import merge, reply
from tests.integration.outreach.test_replies import answer_to, post_mail, replies


async def conversation(office, tenant, lead, **params):
    async with office.client(tenant, "viewer") as http:
        answer = await http.get(f"/v1/leads/{lead}/conversation", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_message_by_an_approved_template_is_part_of_the_conversation(office, tenant):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, template("PT0S"), review="template"), lead)
    await take_steps(office)
    await office.send()
    (message,) = (await conversation(office, tenant, lead))["items"]
    assert (message["state"], message["kind"], message["approved_by"]) == ("sent", "sequence", "human:ann")


async def test_a_conversation_is_read_to_its_end_in_pages(office, tenant, reached):
    lead, mail, _ = reached
    said = [await reply(office, tenant, mail, f"Question {number}: why {uuid4()}?") for number in range(4)]
    page, seen = await conversation(office, tenant, lead, limit=2), []
    while True:
        assert len(page["items"]) <= 2
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        page = await conversation(office, tenant, lead, limit=2, cursor=page["next_cursor"])
    assert [each["reply_id"] for each in seen] == [None, *said]
    async with office.client(tenant, "viewer") as http:
        wrong = await http.get(f"/v1/leads/{lead}/conversation", params={"cursor": "x"})
    assert wrong.status_code == 422


async def test_the_dispatches_of_a_lead_are_found_under_each_of_its_ids(office, tenant, reached):
    alias, _, _ = reached
    kept = await office.captured(tenant)
    await merge(office, tenant, kept, alias)
    assert len(await dispatches(office, tenant, kept)) == len(await dispatches(office, tenant, alias)) == 1
    await merge(office, tenant, kept, alias, version=2, undone=True)
    assert await dispatches(office, tenant, kept) == []


@pytest.mark.parametrize("text", ["Dear Ada, it costs nothing.", None], ids=["brought", "asked of the agent"])
async def test_an_answer_that_is_asked_for_after_an_automatic_reply_answers_the_person(office, tenant, reached, text):
    lead, mail, _ = reached
    await post_mail(office, tenant, answer_to(mail, "Thanks. What does it cost?", id="asked@x"))
    away = answer_to(mail, "I am out of the office.", id="away@x", Auto_Submitted="auto-replied")
    away = away.replace(b"Subject: Re:", b"Subject: Automatic reply:")
    assert (await post_mail(office, tenant, away))["outcome"] == "matched"
    assert [each["label"] for each in await replies(office, tenant)] == ["out_of_office", "question"]
    async with office.client(tenant, "reviewer") as http:
        body = {"lead_id": str(lead), "kind": "answer", "channel": "email", "body": text}
        asked = await http.post("/v1/drafts", json={name: value for name, value in body.items() if value})
        await office.compose()
        draft = (await http.get(f"/v1/drafts/{asked.json()['draft_id']}")).json()
    assert draft["answers"] == "Thanks. What does it cost?"
    assert draft["subject"] == f"Re: {mail['Subject']}"
    assert draft["headers"]["In-Reply-To"] == "<asked@x>"
    assert "<away@x>" in draft["headers"]["References"]
