"""What the product marks as unsupported is approved only by somebody who acknowledges it."""

import pytest

from shared.db import DatabaseError

PROMISE = "It is free for you."
BODY = f"Dear Ada,\n\nshall we talk? {PROMISE}\n"
TYPE = "urn:leadflow:problem:unsupported-claims"


@pytest.fixture
async def marked(office, tenant):
    return await office.draft(tenant, await office.captured(tenant), body=BODY)


async def ask(office, tenant, draft, action, body, **headers):
    async with office.client(tenant, "reviewer") as http:
        return await http.post(f"/v1/drafts/{draft['draft_id']}/{action}", json=body, headers=headers)


async def test_an_approval_names_the_sentences_until_they_are_acknowledged(office, tenant, marked, bus):
    body = {"sha256": marked["sha256"]}
    refused = await ask(office, tenant, marked, "approve", body)
    assert (refused.status_code, refused.json()["type"]) == (409, TYPE)
    assert refused.json()["errors"] == [{"field": "body", "message": PROMISE, "value": None}]
    approved = await ask(office, tenant, marked, "approve", {**body, "acknowledge_unsupported": True})
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    decided = (await bus.read("draft.decided", tenant=tenant))[0]
    assert decided.data["acknowledged_unsupported"] == [PROMISE]
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(f"/v1/drafts/{marked['draft_id']}")).json()["acknowledged_unsupported"] == [PROMISE]


async def test_an_edit_that_is_approved_is_judged_by_its_new_text_and_kept_only_with_it(office, tenant, marked):
    edit, headers = {"body": "We doubled sales.\n", "approve": True}, {"If-Match": '"1"'}
    refused = await ask(office, tenant, marked, "edit", edit, **headers)
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (409, "We doubled sales.")
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(f"/v1/drafts/{marked['draft_id']}")).json()["body"] == BODY
    acknowledged = await ask(office, tenant, marked, "edit", {**edit, "acknowledge_unsupported": True}, **headers)
    assert (acknowledged.status_code, acknowledged.json()["state"]) == (200, "approved")


async def test_an_edit_without_the_sentence_needs_no_acknowledgement(office, tenant, marked):
    edited = await ask(office, tenant, marked, "edit", {"body": "Shall we talk?", "approve": True}, **{"If-Match": "*"})
    assert edited.status_code == 200, edited.text


async def test_in_bulk_the_item_alone_is_refused_with_its_sentences(office, tenant, marked):
    other = [await office.draft(tenant, await office.captured(tenant), body=body) for body in ("Hello?", BODY)]
    drafts = [marked, *other]
    items = [{"draft_id": draft["draft_id"], "sha256": draft["sha256"]} for draft in drafts]
    items[2]["acknowledge_unsupported"] = True
    async with office.client(tenant, "reviewer") as http:
        results = (await http.post("/v1/drafts/bulk", json={"action": "approve", "items": items})).json()["results"]
    assert [result["status"] for result in results] == [409, 200, 200]
    assert (results[0]["type"], results[0]["errors"][0]["message"]) == (TYPE, PROMISE)


async def test_what_was_acknowledged_stays_with_the_approval(office, tenant, marked):
    await ask(office, tenant, marked, "approve", {"sha256": marked["sha256"], "acknowledge_unsupported": True})
    with pytest.raises(DatabaseError, match="permission denied"):
        async with office.database.tenant(tenant) as work:
            await work.run("UPDATE approval SET acknowledged = '[]'")
