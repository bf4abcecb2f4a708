"""Opt-outs that meet: several of one lead, of merged leads, on two channels, retracted ones and lasting ones."""

import asyncio
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from services.outreach.replies.rules.mail_reading import read_sms
from services.outreach.replies.use_cases.receiving import record_sms
from services.outreach.store import lead_of
from services.outreach.suppression.use_cases import SuppressionRequest, opt_out_lead
from tests.integration.outreach.meanwhile import waits_for_lock
from tests.integration.outreach.test_bounces import dsn
from tests.integration.outreach.test_replies import answer_to, post_mail

SILENCE = "Please take me off your list."


async def reply(office, tenant, mail, text: str, **more) -> str:
    return (await post_mail(office, tenant, answer_to(mail, text, id=f"{uuid4()}@x", **more)))["reply_id"]


async def label(office, tenant, reply_id: str, label: str, **more) -> None:
    async with office.client(tenant, "operator", subject="olga") as http:
        answer = await http.post(f"/v1/replies/{reply_id}/label", json={"label": label, "note": "read it", **more})
    assert answer.status_code == 200, answer.text


async def unsubscribe(office, mail) -> None:
    async with office.run.client() as http:
        assert (await http.post(urlsplit(mail["List-Unsubscribe"].strip("<>")).path)).status_code == 200


async def why_not(office, tenant, lead, channel: str = "email") -> str | None:
    """The reason why nothing may be drafted for the lead, or None."""
    async with office.client(tenant, "reviewer") as http:
        body = {"lead_id": str(lead), "kind": "answer", "channel": channel, "subject": "s", "body": "b"}
        answer = await http.post("/v1/drafts", json=body if channel == "email" else {**body, "subject": None})
    return None if answer.status_code == 201 else answer.json()["detail"]


async def opt_outs(office, bus, tenant, count: int) -> list[tuple[str, str, str | None]]:
    """(lead, how, reply) of every contact.opted_out; there must be exactly `count`."""
    await bus.read("contact.opted_out", tenant=tenant, count=count)
    events = bus.seen("contact.opted_out", tenant=tenant)
    assert len(events) == count
    return [(event.lead_id, event.data["how"], event.data.get("reply_id")) for event in events]


async def suppressions(office, tenant) -> list[dict]:
    async with office.client(tenant, "viewer") as http:
        return (await http.get("/v1/suppressions")).json()["items"]


async def merge(office, tenant, kept, alias, *, version: int = 1, undone: bool = False) -> None:
    data = {"lead_id": str(kept), "alias_id": str(alias), "merge_id": str(uuid4()), "version": version}
    await office.publish(tenant, kept, "lead.merged", data | {"undone": undone})


@pytest.mark.parametrize("lasting", ["unsubscribe", "operator"])
async def test_a_lasting_opt_out_is_published_after_one_by_reply(office, tenant, reached, bus, lasting):
    lead, mail, _ = reached
    reply_id = await reply(office, tenant, mail, SILENCE)
    if lasting == "unsubscribe":
        await unsubscribe(office, mail)
        await unsubscribe(office, mail)
    else:
        async with office.client(tenant, "operator") as http:
            await http.post("/v1/suppressions", json={"channel": "all", "address": mail["To"]})
            await http.post("/v1/suppressions", json={"channel": "all", "address": mail["To"]})
    assert await opt_outs(office, bus, tenant, 2) == [(str(lead), "reply", reply_id), (str(lead), lasting, None)]
    await label(office, tenant, reply_id, "interested")
    assert await why_not(office, tenant, lead) == "the lead has opted out"


async def test_a_lasting_opt_out_holds_for_an_address_that_the_lead_has_left(office, tenant, reached):
    lead, mail, _ = reached
    await unsubscribe(office, mail)
    await office.updated(tenant, lead, email="ada@elsewhere.example")
    reply_id = await reply(office, tenant, mail, SILENCE)
    await label(office, tenant, reply_id, "interested")
    assert await why_not(office, tenant, lead) == "the lead has opted out"


async def test_correcting_one_opt_out_leaves_that_of_another_reply(office, tenant, reached, bus):
    lead, mail, _ = reached
    first = await reply(office, tenant, mail, SILENCE)
    second = await reply(office, tenant, mail, "Never contact me again.")
    assert await opt_outs(office, bus, tenant, 2) == [(str(lead), "reply", first), (str(lead), "reply", second)]
    await label(office, tenant, first, "interested")
    assert await why_not(office, tenant, lead) == "the lead has opted out"
    active = [row for row in await suppressions(office, tenant) if row["retracted_at"] is None]
    assert {row["channel"] for row in active} == {"email", "sms"}
    await label(office, tenant, second, "interested")
    assert await why_not(office, tenant, lead) is None


async def test_repeated_contact_details_do_not_make_an_opt_out_by_reply_last(office, tenant, reached, bus):
    lead, mail, phone = reached
    reply_id = await reply(office, tenant, mail, SILENCE)
    await office.updated(tenant, lead, email=mail["To"], phone=phone, company="Analytical & Sons")
    assert await opt_outs(office, bus, tenant, 1) == [(str(lead), "reply", reply_id)]
    await label(office, tenant, reply_id, "interested")
    assert await why_not(office, tenant, lead) is None


async def test_a_human_labels_the_opt_out_of_an_unknown_sender(office, tenant, reached, bus):
    _, mail, _ = reached
    sender = "eve@stranger.example"
    reply_id = await reply(office, tenant, mail, "Goats, goats, goats.", threaded=False, sender=sender)
    await label(office, tenant, reply_id, "opt_out")
    (row,) = await suppressions(office, tenant)
    assert (row["channel"], row["how"], row["actor"]) == ("email", "reply", "human:olga")
    later = await office.captured(tenant, email=sender)
    assert await opt_outs(office, bus, tenant, 1) == [(str(later), "blocklist", None)]
    await label(office, tenant, reply_id, "other")
    assert all(row["retracted_at"] for row in await suppressions(office, tenant))


async def test_a_humans_opt_out_closes_the_address_that_the_lead_wrote_from_too(office, tenant, reached):
    _, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "Goats, goats, goats.", sender="private@elsewhere.example")
    await label(office, tenant, reply_id, "opt_out")
    rows = await suppressions(office, tenant)
    assert {row["actor"] for row in rows} == {"human:olga"}
    assert len(rows) == 3, "both known addresses and the one they wrote from"
    other = await office.captured(tenant, email="private@elsewhere.example")
    assert await why_not(office, tenant, other) == "the lead has opted out"


async def test_a_stop_by_sms_refuses_a_mail_that_is_about_to_be_sent(office, tenant, smtp, reached, eventually):
    """The sender locks another address row than the opt-out; both lock the lead."""
    lead, mail, phone = reached
    await office.moved(tenant, lead, "qualified", revision=2)
    approved = await office.approved(tenant, lead, "follow_up")
    admin = await asyncpg.connect(office.url)
    async with office.database.tenant(tenant) as work:
        await record_sms(work, office.context.keys, tenant, phone, "STOP", "SM1", read_sms("STOP"))
        sending = asyncio.create_task(office.send())

        await eventually(lambda: waits_for_lock(sending, admin))
    await sending
    await admin.close()
    assert len(smtp.to(mail["To"])) == 1, "the first message only"
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("refused", "the lead has opted out")


async def test_an_opt_out_counts_for_the_kept_lead_until_the_merge_is_undone(office, tenant, reached):
    alias, mail, _ = reached
    await reply(office, tenant, mail, SILENCE)
    kept = await office.captured(tenant)
    draft = await office.draft(tenant, kept)
    await merge(office, tenant, kept, alias)
    assert await why_not(office, tenant, kept) == "the lead has opted out"
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(f"/v1/drafts/{draft['draft_id']}")).json()["state"] == "superseded"
    await merge(office, tenant, kept, alias, version=2, undone=True)
    await office.draft(tenant, kept)
    assert await why_not(office, tenant, alias) == "the lead has opted out"


async def test_who_has_the_address_of_an_opt_out_is_opted_out_when_the_merge_is_undone(office, tenant, reached):
    """While they were one lead, the kept one had the alias's phone, and opted out by it."""
    alias, _, phone = reached
    kept = await office.captured(tenant, email="grace@navy.example")
    await merge(office, tenant, kept, alias)
    await office.updated(tenant, kept, email="grace@navy.example", phone=phone)
    async with office.database.worker([tenant]) as work:
        lead = await lead_of(work, tenant, kept)
        await opt_out_lead(work, lead, SuppressionRequest("sms", "stop_word", "lead"))
    await merge(office, tenant, kept, alias, version=2, undone=True)
    assert await why_not(office, tenant, alias) == "the lead has opted out"


async def test_correcting_an_opt_out_from_before_a_merge_clears_the_kept_lead(office, tenant, reached):
    alias, mail, _ = reached
    reply_id = await reply(office, tenant, mail, SILENCE)
    kept = await office.captured(tenant)
    await merge(office, tenant, kept, alias)
    await label(office, tenant, reply_id, "interested")
    await office.draft(tenant, kept)


async def test_an_erasure_takes_the_leads_own_words_from_the_suppression_list(office, tenant, reached):
    lead, mail, _ = reached
    await reply(office, tenant, mail, SILENCE, sender="ada@elsewhere.example")
    async with office.client(tenant, "operator") as http:
        told = {"channel": "email", "address": mail["To"], "reason": "She asked on the phone."}
        assert (await http.post("/v1/suppressions", json=told)).status_code == 201
    assert "take me off your list" in [row["reason"] for row in await suppressions(office, tenant)]
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    rows = await suppressions(office, tenant)
    assert {(row["address"], row["reason"]) for row in rows} == {(None, None)}
    assert sorted(row["how"] for row in rows) == ["operator", "reply", "reply", "reply"]


async def test_an_erasure_takes_the_address_that_was_written_to_and_is_another_now(office, tenant, reached):
    lead, mail, _ = reached
    async with office.client(tenant, "operator") as http:
        told = {"channel": "email", "address": mail["To"], "reason": "Ada asked on the phone."}
        assert (await http.post("/v1/suppressions", json=told)).status_code == 201
    await office.updated(tenant, lead, email="ada@new.example")
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    rows = await suppressions(office, tenant)
    assert {(row["address"], row["reason"]) for row in rows} == {(None, None)}


async def test_an_opt_out_that_meets_the_erasure_keeps_the_hash_alone(office, tenant, reached):
    lead, mail, _ = reached
    async with office.database.worker([tenant]) as work:
        found = await lead_of(work, tenant, lead)
    await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    async with office.database.worker([tenant]) as work:
        await opt_out_lead(work, found, SuppressionRequest("all", "unsubscribe", "lead", "I want out, says Ada"))
    rows = await suppressions(office, tenant)
    assert len(rows) == 2 and {(row["address"], row["reason"]) for row in rows} == {(None, None)}
    other = await office.captured(tenant, email=mail["To"])
    assert await why_not(office, tenant, other) == "the lead has opted out"


@pytest.mark.parametrize(("channel", "status"), [("sms", 422), ("email", 201), ("all", 201)])
async def test_a_domain_is_suppressed_on_all_channels_or_not_at_all(office, tenant, channel, status):
    async with office.client(tenant, "operator") as http:
        answer = await http.post("/v1/suppressions", json={"channel": channel, "domain": "lovelace.example"})
    assert answer.status_code == status, answer.text
    rows = await suppressions(office, tenant)
    assert [(row["channel"], row["how"]) for row in rows] == ([("all", "blocklist")] if status == 201 else [])


async def test_a_late_bounce_of_an_old_address_leaves_drafts_to_the_new_one(office, tenant, reached):
    lead, mail, _ = reached
    await office.updated(tenant, lead, email="ada@elsewhere.example")
    assert await why_not(office, tenant, lead) is None
    await post_mail(office, tenant, dsn(mail, "5.1.1"))
    async with office.client(tenant, "viewer") as http:
        (draft,) = (await http.get("/v1/drafts", params={"lead_id": str(lead), "kind": "answer"})).json()["items"]
    assert draft["state"] == "pending"


@pytest.mark.parametrize(("then", "open"), [("interested", True), ("moved_company", False)])
async def test_relabelling_retracts_that_the_address_is_not_the_leads(office, tenant, reached, bus, then, open):
    lead, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "Wrong address, sorry.")
    assert await why_not(office, tenant, lead) == "the email address does not work"
    await label(office, tenant, reply_id, then)
    first, second = await bus.read("reply.received", tenant=tenant, count=2)
    assert (first.data["wrong_address"], second.data.get("wrong_address")) == (True, None if open else True)
    assert (await why_not(office, tenant, lead) is None) is open


async def test_a_later_label_finds_that_the_address_is_not_the_leads(office, tenant, reached, bus):
    lead, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "Wrong address, sorry.")
    for then, says_so in (("interested", None), ("wrong_person", True)):
        await label(office, tenant, reply_id, then)
        assert (await why_not(office, tenant, lead) is None) is (says_so is None)
    *_, last = await bus.read("reply.received", tenant=tenant, count=3)
    assert last.data["wrong_address"] is True


async def test_who_is_only_not_responsible_keeps_the_address(office, tenant, reached):
    lead, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "I do not decide on this, my colleague does.")
    await label(office, tenant, reply_id, "wrong_person")
    assert await why_not(office, tenant, lead) is None


async def test_a_wrong_old_address_leaves_the_new_one_valid(office, tenant, reached, bus):
    lead, mail, _ = reached
    await office.updated(tenant, lead, email="ada@elsewhere.example")
    await reply(office, tenant, mail, "Wrong address, sorry.")
    (event,) = await bus.read("reply.received", tenant=tenant)
    assert "wrong_address" not in event.data
    assert await why_not(office, tenant, lead) is None


async def test_relabelling_leaves_an_address_invalid_that_had_bounced_before(office, tenant, reached):
    lead, mail, _ = reached
    await post_mail(office, tenant, dsn(mail, "5.1.1"))
    reply_id = await reply(office, tenant, mail, "Wrong address, sorry.")
    await label(office, tenant, reply_id, "interested")
    assert await why_not(office, tenant, lead) == "the email address does not work"
