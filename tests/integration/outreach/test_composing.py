"""Automatic drafts, the composer that writes them, and what supersedes them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.drafts.strategies import BUILT_IN
from services.outreach.drafts.workers import request_check_ins


async def drafts(office, tenant, **params) -> list[dict]:
    """The drafts of a list, each as it is read by itself."""
    async with office.client(tenant, "viewer") as http:
        items = (await http.get("/v1/drafts", params={**params, "fields": "draft_id"})).json()["items"]
        return [(await http.get(f"/v1/drafts/{item['draft_id']}")).json() for item in items]


@pytest.mark.parametrize(("kind", "stage"), sorted(BUILT_IN))
async def test_the_template_composer_drafts_every_kind_in_every_stage(office, tenant, kind, stage):
    lead = await office.captured(tenant)
    if stage != "new":
        await office.moved(
            tenant, lead, stage, rule="revived" if (kind, stage) == ("follow_up", "contacted") else "manual"
        )
    await office.compose()
    if not await drafts(office, tenant, kind=kind):
        async with office.client(tenant, "reviewer") as http:
            assert (await http.post("/v1/drafts", json={"lead_id": str(lead), "kind": kind})).status_code == 202
        await office.compose()
    (draft,) = await drafts(office, tenant, kind=kind)
    assert draft["made_from"] | {"facts": 0} == {"composer": "template", "strategy": f"{kind}/{stage}@0", "facts": 0}


async def test_a_draft_is_made_once_however_often_its_cause_is_received(office, tenant):
    lead = await office.captured(tenant)
    for _ in range(3):
        await office.moved(tenant, lead, "qualified", id="same-event")
        await office.compose()
    assert len(await drafts(office, tenant, kind="follow_up")) == 1


async def test_old_causes_only_change_state(office, tenant):
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "qualified", time=datetime.now(UTC) - timedelta(hours=49))
    await office.compose()
    assert await drafts(office, tenant) == []


async def test_a_lead_captured_after_it_was_qualified_gets_its_draft(office, tenant):
    from shared.ids import uuid7

    lead = uuid7()
    await office.moved(tenant, lead, "qualified")
    assert await office.compose() == 0
    data = {"lead_id": str(lead), "source": "web", "created_on": datetime.now(UTC).isoformat(), "email": "a@b.example"}
    await office.publish(tenant, lead, "lead.captured", data)
    await office.compose()
    assert len(await drafts(office, tenant)) == 1


async def test_drafts_that_are_switched_off_are_not_written(office, tenant):
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json={"auto_drafts": {"follow_up": False}})
        assert answer.json()["auto_drafts"] == {"first": True, "follow_up": False, "answer": True, "nurture": True}
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "qualified")
    await office.compose()
    assert await drafts(office, tenant) == []


async def test_a_hot_lead_gets_a_first_message(office, tenant):
    lead = await office.captured(tenant)
    await office.publish(tenant, lead, "lead.became_hot", {"total": 85, "threshold": 80})
    await office.compose()
    assert [draft["kind"] for draft in await drafts(office, tenant)] == ["first"]


async def test_a_lead_in_nurture_gets_a_check_in_every_thirty_days(office, tenant):
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture", rule="later")
    for days in (29, 2, 27, 4):
        office.advance(days=days)
        await request_check_ins(office.database)
        await office.compose()
        async with office.client(tenant, "reviewer") as http:
            for draft in await drafts(office, tenant, state="pending"):
                await http.post(f"/v1/drafts/{draft['draft_id']}/reject", json={"reason": "seen"})
    assert [draft["kind"] for draft in await drafts(office, tenant)] == ["nurture", "nurture"]


async def test_a_changed_fact_that_the_text_cites_supersedes_the_draft_and_another_is_written(office, tenant):
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "qualified")
    await office.compose()
    (old,) = await drafts(office, tenant, state="pending")
    await office.updated(tenant, lead, 2, email=old["to"], first_name="Ada", company="Analytical Ltd", country="GB")
    assert (await drafts(office, tenant, state="pending"))[0]["draft_id"] == old["draft_id"]
    await office.updated(tenant, lead, 3, email=old["to"], first_name="Ada", company="Difference Ltd")
    await office.compose()
    (fresh,) = await drafts(office, tenant, state="pending")
    (gone,) = await drafts(office, tenant, state="superseded")
    assert "company, which the text cites, has changed" in gone["reason"]
    assert "Difference Ltd" in fresh["body"]


async def test_a_text_that_a_human_wrote_is_superseded_and_not_rewritten(office, tenant):
    lead = await office.captured(tenant)
    await office.draft(tenant, lead)
    await office.updated(tenant, lead, email="new@example.com")
    await office.compose()
    assert [draft["state"] for draft in await drafts(office, tenant)] == ["superseded"]


async def test_a_draft_is_not_superseded_by_what_its_own_cause_brought_about(office, tenant):
    lead = await office.captured(tenant)
    await office.publish(tenant, lead, "lead.became_hot", {"total": 85, "threshold": 80}, id="hot-1")
    await office.compose()
    await office.moved(tenant, lead, "contacted", caused_by="hot-1")
    assert [draft["state"] for draft in await drafts(office, tenant)] == ["pending"]
    await office.moved(tenant, lead, "engaged", from_="contacted", revision=2, caused_by="another")
    assert [draft["state"] for draft in await drafts(office, tenant)] == ["superseded"]


async def test_drafts_of_a_merged_lead_end(office, tenant):
    alias, kept = await office.captured(tenant), await office.captured(tenant)
    await office.draft(tenant, alias)
    data = {"lead_id": str(kept), "alias_id": str(alias), "merge_id": str(alias), "version": 1}
    await office.publish(tenant, kept, "lead.merged", data)
    (draft,) = await drafts(office, tenant)
    assert (draft["state"], draft["reason"]) == ("superseded", "merged")


async def test_an_erased_lead_leaves_nothing_but_its_suppression(office, tenant):
    lead = await office.captured(tenant, email="ada@erased.example")
    approved = await office.approved(tenant, lead)
    await office.send()
    async with office.client(tenant, "operator") as http:
        await http.post("/v1/suppressions", json={"channel": "email", "address": "ada@erased.example"})
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    async with office.database.worker() as work:
        for table in ("lead", "draft", "dispatch", "composition", "reply"):
            rows = await work.fetch(
                f"SELECT 1 AS x FROM {table} WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead
            )
            assert rows == [], table
        for table in ("content", "approval"):
            assert await work.fetch(f"SELECT 1 AS x FROM {table} WHERE tenant_id = :t", t=tenant) == [], table
        (row,) = await work.fetch("SELECT * FROM suppression WHERE tenant_id = :t", t=tenant)
    assert row["address"] is None and row["address_hash"]
    assert approved["to"] == "ada@erased.example"
    recaptured = await office.captured(tenant, email="ada@erased.example")
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post("/v1/drafts", json={"lead_id": str(recaptured), "kind": "first"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "the address is suppressed (operator)")
