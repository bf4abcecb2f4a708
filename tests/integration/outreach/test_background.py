"""One draft has all that a decision needs: the lead, its own words, the conversation, claims, and other messages."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.integration.outreach.test_replies import answer_to, post_mail, sent

__all__ = ["sent"]

CLAIM = {"sentence", "kind", "fact", "field", "value", "source", "age", "age_days", "supported", "unsupported"}


async def shown(office, tenant, draft_id) -> dict:
    async with office.client(tenant, "viewer") as http:
        answer = await http.get(f"/v1/drafts/{draft_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def scored(office, tenant, lead, total: int, **more) -> None:
    at = (datetime.now(UTC) + office.database.clock.offset).isoformat()
    data = {"fit": total, "intent": 0, "engagement": 0, "total": total, "band": "B", "model_version": 1}
    await office.publish(tenant, lead, "lead.scored", {**data, "scored_at": at, **more})


async def test_a_draft_shows_its_lead_with_the_reasons_of_its_score(office, tenant):
    lead = await office.captured(tenant, last_name="King", timezone="Asia/Tokyo", owner="bo@acme", job_title="Head")
    facts = {"seniority": {"value": "head", "source": "title", "fetched_at": "2026-11-20T08:00:00Z"}}
    await office.publish(tenant, lead, "lead.enriched", {"facts": facts, "providers": []})
    reasons = [
        {"rule": "leader", "score": "fit", "points": 14.0, "times": 1, "fact": "seniority"},
        {"rule": "visit", "score": "engagement", "points": 5.5, "times": 2},
    ]
    await scored(office, tenant, lead, 62, reasons=reasons)
    draft = await shown(office, tenant, (await office.draft(tenant, lead))["draft_id"])
    local = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    found = draft["lead"]
    assert datetime.fromisoformat(found.pop("local_time")).utcoffset() == local.utcoffset()
    assert found.pop("is_night") == (not 8 <= local.hour < 21)
    assert found.pop("reasons") == [
        {**reasons[0], "field": None, "value": "head"},
        {**reasons[1], "fact": None, "field": None, "value": None},
    ]
    assert found == {
        "lead_id": str(lead),
        "name": "Ada King",
        "company": "Analytical Ltd",
        "job_title": "Head",
        "country": None,
        "score": 62,
        "band": "B",
        "stage": "new",
        "owner": "bo@acme",
        "timezone": "Asia/Tokyo",
    }
    assert draft["consent"] == {"email": "unknown", "sms": "unknown"}
    assert (draft["answers"], draft["conversation"], draft["other_messages"]) == (None, [], [])


async def test_the_owner_is_the_one_that_was_assigned_last(office, tenant):
    lead = await office.captured(tenant, owner="captured")
    draft = await office.draft(tenant, lead)
    owners = []
    for revision, owner in enumerate(("ann", None), start=1):
        journey = {"contacted": False, "owner": owner}
        await office.moved(tenant, lead, "new", revision=revision, rule="fact", journey=journey)
        owners.append((await shown(office, tenant, draft["draft_id"]))["lead"]["owner"])
    assert owners == ["ann", None]


async def test_an_answer_shows_the_words_that_it_answers_and_the_conversation(office, tenant, sent):
    _, mail, approved = sent
    received = await post_mail(office, tenant, answer_to(mail, "Thanks. What does it cost?", id="desk@x"))
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        items = (await http.get("/v1/drafts", params={"kind": "answer"})).json()["items"]
    draft = await shown(office, tenant, items[0]["draft_id"])
    assert draft["answers"] == "Thanks. What does it cost?"
    reply = draft["answered_reply"]
    assert (reply["reply_id"], reply["label"]) == (received["reply_id"], "question")
    assert reply["because"] == "What does it cost?"
    assert [(each["direction"], each["text"].strip()) for each in draft["conversation"]] == [
        ("out", "Dear Ada,\n\nis it?"),
        ("in", "Thanks. What does it cost?"),
    ]
    assert {each["draft_id"]: each["state"] for each in draft["other_messages"]} == {approved["draft_id"]: "sent"}


async def test_claims_have_one_shape(office, tenant):
    body = "Dear Ada,\n\nAnalytical Ltd fits. We doubled sales.\nIt is free. See evil.example/x\n"
    draft = await office.draft(tenant, await office.captured(tenant), body=body)
    assert all(set(claim) == CLAIM for claim in draft["claims"])
    kinds = {claim["sentence"]: (claim["kind"], claim["supported"]) for claim in draft["claims"]}
    assert kinds == {
        "Dear Ada,": ("field", True),
        "Analytical Ltd fits.": ("field", True),
        "We doubled sales.": ("statement", False),
        "It is free.": ("promise", False),
        "See evil.example/x": ("link", False),
    }
    assert {claim["age_days"] for claim in draft["claims"] if claim["supported"]} == {0}


async def test_two_pending_messages_to_one_lead_show_each_other(office, tenant):
    lead = await office.captured(tenant, phone="+4915112345678", consent={"sms": "granted"})
    mail = await office.draft(tenant, lead)
    sms = await office.draft(tenant, lead, channel="sms", subject=None, body="Hi Ada")
    for one, other in ((mail, sms), (sms, mail)):
        draft = await shown(office, tenant, one["draft_id"])
        assert [(each["draft_id"], each["state"]) for each in draft["other_messages"]] == [
            (other["draft_id"], "pending")
        ]
        assert [each["draft_id"] for each in draft["warnings"] if each["kind"] == "other_message"] == [
            other["draft_id"]
        ]
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{mail['draft_id']}/approve", json={"sha256": mail["sha256"]})
        warning = next(each for each in answer.json()["warnings"] if each["kind"] == "other_message")
        assert "pending too" in warning["message"] and warning["draft_id"] == sms["draft_id"]
        items = [{"draft_id": sms["draft_id"], "sha256": sms["sha256"]}]
        bulk = await http.post("/v1/drafts/bulk", json={"action": "approve", "items": items})
        assert "waits to be sent" in bulk.json()["results"][0]["warnings"][0]["message"]


async def test_the_clock_of_a_lead_is_that_of_its_country_where_nothing_else_is_known(office, tenant):
    hour = datetime.now(UTC).hour
    country = "JP" if not 8 <= (hour + 9) % 24 < 21 else "AR"  # most of the time one of them has night
    draft = await office.draft(tenant, await office.captured(tenant, country=country))
    found = (await shown(office, tenant, draft["draft_id"]))["lead"]
    local = datetime.fromisoformat(found["local_time"])
    assert local.utcoffset() == {"JP": timedelta(hours=9), "AR": timedelta(hours=-3)}[country]
    assert found["is_night"] == (not 8 <= local.hour < 21)
    unknown = await office.draft(tenant, await office.captured(tenant))
    nowhere = (await shown(office, tenant, unknown["draft_id"]))["lead"]
    assert (nowhere["local_time"], nowhere["is_night"]) == (None, None)
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
    assert [each["kind"] for each in answer.json()["warnings"]] == (["night"] if found["is_night"] else [])


@pytest.mark.parametrize("has_window", [False, True])
async def test_an_approval_at_night_warns_while_no_window_is_set(office, tenant, has_window):
    hour = datetime.now(UTC).hour
    zone = f"Etc/GMT{hour:+d}" if hour <= 12 else f"Etc/GMT{hour - 24:+d}"  # there it is about midnight
    async with office.client(tenant, "admin") as http:
        window = {"days": ["mon"], "start": "09:00", "end": "17:00"} if has_window else None
        saved = (await http.put("/v1/settings", json={"window": window})).json()
        assert [each["field"] for each in saved["warnings"]] == ([] if has_window else ["window"])
        assert (await http.put("/v1/settings", json=saved)).status_code == 200, "what was read can be sent back"
    draft = await office.draft(tenant, await office.captured(tenant, timezone=zone))
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
    assert [each["kind"] for each in answer.json()["warnings"]] == ([] if has_window else ["night"])


async def test_a_draft_and_its_successor_name_each_other(office, tenant):
    old = await office.draft(tenant, await office.captured(tenant))
    async with office.client(tenant, "reviewer") as http:
        asked = await http.post(f"/v1/drafts/{old['draft_id']}/regenerate", json={"instruction": "as a poem, formal"})
        (warning,) = asked.json()["warnings"]
        assert (warning["kind"], "'as a poem'" in warning["message"]) == ("instruction", True)
        new_id = asked.json()["draft_id"]
        await office.compose()
        refused = await http.post(f"/v1/drafts/{old['draft_id']}/approve", json={"sha256": old["sha256"]})
    assert refused.json()["detail"].endswith(f"; the draft {new_id} replaces it")
    assert (await shown(office, tenant, old["draft_id"]))["replaced_by"] == new_id
    new = await shown(office, tenant, new_id)
    assert (new["replaces"], new["replaced_by"]) == (old["draft_id"], None)
    assert new["body"].startswith("Dear Ada,") and [each["kind"] for each in new["warnings"]] == ["instruction"]


async def test_claiming_a_draft_reads_it_and_leaves_its_version(office, tenant):
    draft = await office.draft(tenant, await office.captured(tenant))
    async with office.client(tenant, "reviewer") as http:
        claimed = await http.post(f"/v1/drafts/{draft['draft_id']}/claim")
        assert (claimed.json()["lead"]["name"], claimed.json()["version"]) == ("Ada", draft["version"])
        headers = {"If-Match": f'"{draft["version"]}"'}
        edited = await http.post(f"/v1/drafts/{draft['draft_id']}/edit", json={"body": "Mine."}, headers=headers)
        assert (edited.status_code, edited.json()["author"]) == (200, "human:ann")
        stale = await http.post(f"/v1/drafts/{draft['draft_id']}/edit", json={"body": "Late."}, headers=headers)
        assert (stale.status_code, "stale" in stale.json()["detail"]) == (412, True)
        unquoted = await http.post(
            f"/v1/drafts/{draft['draft_id']}/edit", json={"body": "x"}, headers={"If-Match": "2"}
        )
        assert (unquoted.status_code, 'send "2" with its quotes' in unquoted.json()["detail"]) == (422, True)


async def test_another_tenants_draft_is_not_there(office, tenant):
    draft = await office.draft(tenant, await office.captured(tenant))
    async with office.client("somebody-else", "reviewer") as http:
        assert (await http.get(f"/v1/drafts/{draft['draft_id']}")).status_code == 404
        page = (await http.get("/v1/drafts")).json()
    assert page["items"] == [] and str(UUID(draft["draft_id"])) not in str(page)
