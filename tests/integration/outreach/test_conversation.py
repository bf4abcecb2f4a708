"""The conversation with a lead, and the list of its dispatches: everything, in pages, under each of its ids."""

from uuid import uuid4

from tests.integration.outreach.sequence_steps import dispatches, enrolled, take_steps, template, written
from tests.integration.outreach.test_opt_outs import merge, reply


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
