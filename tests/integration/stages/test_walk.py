"""A lead moves through its stages over the real topics."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.testing.builders import ALead, ago


async def test_a_lead_moves_from_captured_to_engaged_and_its_timeline_shows_it(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(time=ago(hours=3), campaign="spring")
    lead.scored(62, time=ago(hours=2, minutes=50))
    sent = lead.sent(time=ago(hours=2))
    # Two topics have no order between them: a reply that is read first would engage a new lead, and be corrected.
    await bus.read("stage.changed", tenant=tenant)
    replied = lead.replied(time=ago(hours=1))

    first, second = await bus.read("stage.changed", tenant=tenant, count=2)
    assert (first.data["from"], first.data["to"], first.data["rule"]) == ("new", "contacted", "first-message")
    assert (second.data["from"], second.data["to"], second.data["rule"]) == ("contacted", "engaged", "reply")
    assert (first.data["caused_by"], second.data["caused_by"]) == (sent, replied)
    assert [first.data["revision"], second.data["revision"]] == [1, 2]
    assert [first.headers["ce_sequence"], second.headers["ce_sequence"]] == ["1", "2"]

    async with stages.client(tenant, "viewer") as api:
        seen = (await api.get(f"/v1/leads/{lead.id}")).json()
        assert (seen["stage"], seen["status"], seen["score_total"], seen["band"]) == ("engaged", "contacted", 62, "B")
        timeline = (await api.get(f"/v1/leads/{lead.id}/timeline")).json()["items"]
        assert [entry["type"] for entry in timeline] == [
            "status_change",
            "reply.received",
            "status_change",
            "message.sent",
            "lead.scored",
            "lead.captured",
        ]
        queue = (await api.get("/v1/queue")).json()
        assert [item["lead_id"] for item in queue["items"]] == [str(lead.id)]
        explained = (await api.get(f"/v1/leads/{lead.id}/explanation")).json()
        assert "replied" in explained["because"]


async def test_a_late_older_signal_is_published_as_one_correction(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(time=ago(hours=9))
    lead.replied(time=ago(hours=1))
    (engaged,) = await bus.read("stage.changed", tenant=tenant)
    assert (engaged.data["from"], engaged.data["to"]) == ("new", "engaged")

    sent = lead.sent(time=ago(hours=5))
    _, correction = await bus.read("stage.changed", tenant=tenant, count=2)
    assert correction.data["corrects"] == [engaged.id]
    assert (correction.data["from"], correction.data["to"]) == ("engaged", "engaged")
    assert correction.data["caused_by"] == sent
    assert correction.data["journey"]["contacted"] is True

    async with stages.client(tenant, "viewer") as api:
        timeline = (await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "status_change"})).json()["items"]
    assert [(e["data"]["from"], e["data"]["to"], e["data"]["superseded"]) for e in timeline] == [
        ("contacted", "engaged", False),
        ("new", "engaged", True),
        ("new", "contacted", False),
    ]
    assert timeline[1]["data"]["superseded_by"] == sent


async def test_a_person_moves_a_lead_but_not_a_dead_one(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    async with stages.client(tenant, "reviewer") as api:

        async def there():
            return (await api.get(f"/v1/leads/{lead.id}")).status_code == 200

        await eventually(there)
        answer = await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "lost"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "disqualification_reason"
        answer = await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "qualified", "note": "met at the fair"})
        assert answer.status_code == 200
        assert (answer.json()["stage"], answer.json()["status"]) == ("qualified", "qualified")
        assert (await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "qualified"})).status_code == 200
        stale = await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "new"}, headers={"If-Match": '"0"'})
        assert stale.status_code == 412
        lead.publish("contact.opted_out", {"channel": "all", "how": "unsubscribe"})
        await bus.read("stage.changed", tenant=tenant, where=lambda s: s.data["to"] == "dead")
        refused = await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "new"})
        assert refused.status_code == 409
    moved = await bus.read("stage.changed", tenant=tenant, count=2)
    assert (moved[0].data["rule"], moved[0].data["actor"]) == ("manual", "human:ann")


async def test_a_meeting_passes_without_a_request(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    async with stages.client(tenant, "reviewer") as api:

        async def there():
            return (await api.get(f"/v1/leads/{lead.id}")).status_code == 200

        await eventually(there)
        soon = datetime.now(UTC) + timedelta(seconds=1.5)
        body = {"starts_at": (soon - timedelta(minutes=30)).isoformat(), "ends_at": soon.isoformat(), "title": "Demo"}
        assert (await api.post(f"/v1/leads/{lead.id}/meetings", json=body)).status_code == 201
    booked, passed = await bus.read("stage.changed", tenant=tenant, count=2)
    assert (booked.data["to"], passed.data["to"]) == ("scheduled", "meeting_completed")
    assert abs((passed.time - soon).total_seconds()) < 0.001
    assert passed.data["journey"]["meetings_held"] == 1
    assert (datetime.fromisoformat(passed.data["recorded_at"]) - soon).total_seconds() < 10


async def test_a_signal_that_is_received_before_its_lead_waits_for_it(bus, start, tenant):
    await start("stages")
    lead = ALead(bus, tenant)
    lead.sent(time=ago(minutes=5))
    other = ALead(bus, tenant)
    other.captured(time=ago(hours=1))
    other.sent(time=ago(minutes=4))
    await bus.read("stage.changed", tenant=tenant, where=lambda s: s.lead_id == str(other.id))
    assert [s for s in bus.seen("stage.changed", tenant=tenant) if s.lead_id == str(lead.id)] == []
    lead.captured(time=ago(minutes=10))
    (moved,) = await bus.read("stage.changed", tenant=tenant, where=lambda s: s.lead_id == str(lead.id))
    assert moved.data["to"] == "contacted"


async def test_a_score_that_is_received_before_its_lead_waits_for_it(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.scored(62, time=ago(minutes=5))
    bus.flush()

    async def waits():
        async with stages.database.worker() as work:
            return await work.fetch_one("SELECT 1 FROM lead WHERE tenant_id = :t AND NOT captured", t=tenant)

    await eventually(waits)
    lead.captured(time=ago(minutes=10))
    bus.flush()
    async with stages.client(tenant, "viewer") as api:

        async def there():
            return (await api.get(f"/v1/leads/{lead.id}")).status_code == 200

        await eventually(there)
        seen = (await api.get(f"/v1/leads/{lead.id}")).json()
    assert (seen["stage"], seen["score_total"], seen["band"]) == ("new", 62, "B")


@pytest.mark.parametrize("again", range(4))
async def test_moves_of_one_instant_are_in_order_with_the_journey_of_their_time(bus, start, tenant, again):
    """Four times: in a random order they would pass once in sixteen."""
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(time=ago(hours=3))
    at = ago(hours=1)
    lead.met(at - timedelta(hours=2), at - timedelta(hours=1), time=at)
    booked, passed = await bus.read("stage.changed", tenant=tenant, count=2)
    assert (booked.data["to"], passed.data["to"]) == ("scheduled", "meeting_completed")
    assert booked.data["occurred_at"] == passed.data["occurred_at"]
    assert [each.data["journey"]["meetings_held"] for each in (booked, passed)] == [0, 1]
    async with stages.client(tenant, "viewer") as api:
        timeline = (await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "status_change"})).json()
    assert [entry["data"]["to"] for entry in timeline["items"]] == ["meeting_completed", "scheduled"]
    assert [entry["event_id"] for entry in timeline["items"]] == [passed.id, booked.id]


async def test_a_meeting_that_passes_without_moving_the_lead_is_published_as_a_fact(bus, start, tenant, eventually):
    await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(time=ago(hours=3))
    soon = datetime.now(UTC) + timedelta(seconds=2)
    lead.met(soon - timedelta(hours=1), soon, time=ago(hours=2))
    lead.replied("later", time=ago(hours=1))
    last = (await bus.read("stage.changed", tenant=tenant, count=3))[-1]
    assert (last.data["from"], last.data["to"], last.data["rule"]) == ("nurture", "nurture", "fact")
    assert last.data["journey"]["meetings_held"] == 1


async def test_a_score_of_another_system_without_a_revision_counts_by_its_time(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(time=ago(hours=3))
    lead.scored(30, time=ago(hours=2), revision=7)
    lead.scored(91, time=ago(hours=1))
    lead.scored(12, time=ago(hours=2, minutes=30))
    bus.flush()
    async with stages.client(tenant, "viewer") as api:

        async def newest():
            return (await api.get(f"/v1/leads/{lead.id}")).json().get("score_total") == 91

        await eventually(newest)


async def test_a_draft_whose_decision_is_received_first_does_not_wait_for_review(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(time=ago(hours=3))
    first, second = str(uuid4()), str(uuid4())
    decided = {"decision": "rejected", "actor": "human:ann", "sha256": "0" * 64}
    created = {"kind": "first", "channel": "email", "sha256": "0" * 64}
    lead.publish("draft.decided", {"draft_id": first, **decided})
    async with stages.client(tenant, "viewer") as api:

        async def received(type: str, count: int) -> bool:
            answer = await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": type})
            return len(answer.json().get("items", [])) == count

        async def action() -> str:
            return (await api.get(f"/v1/leads/{lead.id}")).json()["next_action"]

        bus.flush()
        await eventually(lambda: received("draft.decided", 1))
        lead.publish("draft.created", {"draft_id": first, **created})
        bus.flush()
        await eventually(lambda: received("draft.created", 1))
        assert await action() == "send the first message"
        lead.publish("draft.created", {"draft_id": second, **created})
        bus.flush()
        await eventually(lambda: received("draft.created", 2))
        assert await action() == "draft waits for review"


async def test_the_timeline_shows_what_an_update_replaced(stages, captured, tenant, eventually):
    (lead,) = await captured(first_name="Ada", last_name="King", version=1)
    details = {"lead_id": str(lead.id), "source": "web", "created_on": ago(days=1).isoformat(), "version": 2}
    change = {"first_name": "Bob", "changed": ["first_name"], "before": {"first_name": "Ada"}}
    lead.publish("lead.updated", details | change)
    async with stages.client(tenant, "viewer") as api:

        async def shown():
            items = (await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "lead.updated"})).json()["items"]
            return [item["data"].get("before") for item in items] == [{"first_name": "Ada"}]

        await eventually(shown)
