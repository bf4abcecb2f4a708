"""Manual changes (moves, checklist, meetings, owner, notes), settings and alerts."""

import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote
from uuid import uuid4

from shared.testing.builders import ago


async def test_the_tick_that_completes_the_checklist_qualifies_the_lead(stages, captured, bus, tenant):
    (lead,) = await captured()
    async with stages.client(tenant, "reviewer") as api:
        for item in ("budget", "authority", "need"):
            answer = await api.put(f"/v1/leads/{lead.id}/checklist/{item}", json={"ticked": True})
            assert answer.json()["stage"] == "new"
        assert "timing is missing" in (await api.get(f"/v1/leads/{lead.id}/explanation")).json()["would_move"][2]
        body = {"ticked": True, "evidence": "They said: before Christmas"}
        answer = await api.put(f"/v1/leads/{lead.id}/checklist/timing", json=body)
        assert (answer.json()["stage"], answer.json()["status"]) == ("qualified", "qualified")
        assert [item["ticked"] for item in answer.json()["checklist"]] == [True] * 4
        assert (await api.put(f"/v1/leads/{lead.id}/checklist/nonsense", json={"ticked": True})).status_code == 404
    (moved,) = await bus.read("stage.changed", tenant=tenant)
    assert (moved.data["rule"], moved.data["journey"]["first_qualified_on"] is not None) == ("checklist", True)


async def test_a_checklist_that_follows_the_score_qualifies_without_a_person(stages, captured, bus, tenant):
    async with stages.client(tenant, "admin") as api:
        body = {"checklist": [{"id": "score", "label": "Score", "required": True, "rule": {"score_at_least": 70}}]}
        assert (await api.put("/v1/settings", json=body)).status_code == 200
        (lead,) = await captured()
        lead.scored(62)
        refused = await api.put(f"/v1/leads/{lead.id}/checklist/score", json={"ticked": True})
        assert refused.status_code == 409
        lead.scored(71)
        (moved,) = await bus.read("stage.changed", tenant=tenant)
        assert (moved.data["to"], moved.data["rule"]) == ("qualified", "checklist")


async def test_bulk_moves_answer_for_each_lead(stages, captured, bus, tenant):
    one, two = await captured(2)
    nobody = str(uuid4())
    async with stages.client(tenant, "reviewer") as api:
        items = [
            {"lead_id": str(one.id), "stage": "engaged"},
            {"lead_id": str(two.id), "stage": "lost"},
            {"lead_id": nobody, "stage": "engaged"},
            {"lead_id": str(one.id), "stage": "won"},
            {"lead_id": str(two.id), "stage": "limbo"},
            {"lead_id": "no id", "stage": "won"},
            {"lead_id": "\ud800", "stage": "won"},
        ]
        body = json.dumps({"items": items})
        answer = await api.post("/v1/moves", content=body, headers={"Content-Type": "application/json"})
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [200, 422, 404, 409, 422, 404, 404]
    assert [result["lead_id"] for result in results[4:]] == [str(two.id), "no id", None]
    assert "reason" in results[1]["error"]
    assert "stage" in results[4]["error"]
    await bus.read("stage.changed", tenant=tenant)
    assert len(bus.seen("stage.changed", tenant=tenant)) == 1


async def test_meetings_are_booked_moved_and_cancelled(stages, captured, bus, tenant):
    (lead,) = await captured()
    soon = datetime.now(UTC) + timedelta(days=2)
    body = {"starts_at": soon.isoformat(), "ends_at": (soon + timedelta(hours=1)).isoformat(), "title": "Demo"}
    async with stages.client(tenant, "reviewer") as api:
        booked = await api.post(f"/v1/leads/{lead.id}/meetings", json=body, headers={"Idempotency-Key": "k1"})
        again = await api.post(f"/v1/leads/{lead.id}/meetings", json=body, headers={"Idempotency-Key": "k1"})
        other = await api.post(
            f"/v1/leads/{lead.id}/meetings", json={**body, "title": "x"}, headers={"Idempotency-Key": "k1"}
        )
        assert booked.json() == again.json()
        assert other.status_code == 422
        id = booked.json()["meeting_id"]
        (meeting,) = (await api.get(f"/v1/leads/{lead.id}/meetings")).json()["items"]
        assert (meeting["meeting_id"], meeting["title"], meeting["state"]) == (id, "Demo", "booked")
        seen = (await api.get(f"/v1/leads/{lead.id}")).json()
        assert seen["stage"] == "scheduled"
        (entry,) = (await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "meeting.booked"})).json()["items"]
        assert seen["last_activity_on"] == entry["occurred_at"]
        assert (await api.delete(f"/v1/leads/{lead.id}/meetings/{id}")).status_code == 204
        assert (await api.delete(f"/v1/leads/{lead.id}/meetings/{id}")).status_code == 204
        assert (await api.delete(f"/v1/leads/{lead.id}/meetings/nothing")).status_code == 404
        for wrong in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
            odd = await api.post(f"/v1/leads/{lead.id}/meetings", json=body | {"starts_at": wrong, "ends_at": wrong})
            assert odd.status_code == 422
        assert (await api.get(f"/v1/leads/{lead.id}")).json()["stage"] == "engaged"
    (booking,) = await bus.read("meeting.booked", tenant=tenant)
    assert booking.data["meeting_id"] == id
    await bus.read("meeting.cancelled", tenant=tenant)
    assert len(bus.seen("stage.changed", tenant=tenant)) <= 2


async def test_a_meeting_that_has_taken_place_is_not_cancelled(stages, captured, bus, tenant):
    (lead,) = await captured(time=ago(days=3))
    lead.met(ago(hours=3), ago(hours=2), time=ago(days=2))
    await bus.read("stage.changed", tenant=tenant, where=lambda s: s.data["to"] == "meeting_completed")
    async with stages.client(tenant, "reviewer") as api:
        seen = (await api.get(f"/v1/leads/{lead.id}")).json()
        answer = await api.delete(f"/v1/leads/{lead.id}/meetings/m1")
        assert (answer.status_code, answer.json()["detail"]) == (409, "the meeting has already taken place")
        assert (await api.get(f"/v1/leads/{lead.id}")).json() == seen
        every = (await api.get(f"/v1/leads/{lead.id}/timeline")).json()["items"]
        empty = await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "", "cursor": ""})
        assert empty.json()["items"] == every != [], "an empty parameter is no filter"
    assert bus.seen("meeting.cancelled", tenant=tenant) == []


async def test_owner_and_notes_are_in_the_timeline(stages, captured, bus, tenant):
    (lead,) = await captured(owner="ben")
    async with stages.client(tenant, "reviewer") as api:
        answer = await api.put(f"/v1/leads/{lead.id}/owner", json={"owner": " zoe "})
        assert answer.json()["owner"] == "zoe"
        for path, blank in (("owner", {"owner": "  "}), ("notes", {"text": " \n "})):
            refused = await api.request("PUT" if path == "owner" else "POST", f"/v1/leads/{lead.id}/{path}", json=blank)
            assert (refused.status_code, "is blank" in refused.text) == (422, True)
        assert (await api.post(f"/v1/leads/{lead.id}/notes", json={"text": "knows our CTO"})).status_code == 201
        timeline = (await api.get(f"/v1/leads/{lead.id}/timeline")).json()["items"]
        assert [entry["type"] for entry in timeline][:2] == ["note", "lead.assigned"]
        assert timeline[0]["actor"] == "human:ann"
        assert (await api.get("/v1/queue", params={"owner": "zoe"})).json()["items"][0]["lead_id"] == str(lead.id)
        assert (await api.get("/v1/queue", params={"owner": "ben"})).json()["items"] == []
    (assigned,) = await bus.read("lead.assigned", tenant=tenant)
    assert (assigned.data["owner"], assigned.data["previous"]) == ("zoe", "ben")
    (changed,) = await bus.read("stage.changed", tenant=tenant)
    assert (changed.data["from"], changed.data["to"], changed.data["journey"]["owner"]) == ("new", "new", "zoe")


async def test_a_dry_run_shows_the_leads_that_would_go_quiet_and_saves_nothing(stages, captured, bus, tenant):
    (lead,) = await captured(time=ago(days=9))
    lead.sent(time=ago(days=8))
    await bus.read("stage.changed", tenant=tenant)
    async with stages.client(tenant, "admin") as api:
        shorter = (await api.post("/v1/settings/dry-run", json={"quiet_days": 7})).json()
        assert shorter["complete"] is True
        assert [(m["lead_id"], m["from"], m["to"], m["anyway"]) for m in shorter["moves"]] == [
            (str(lead.id), "contacted", "nurture", False)
        ]
        same = (await api.post("/v1/settings/dry-run", json={"quiet_days": 30})).json()
        assert [m["anyway"] for m in same["moves"]] == [True]
        assert (await api.get("/v1/settings")).json()["quiet_days"] == 30
        assert (await api.get(f"/v1/leads/{lead.id}")).json()["stage"] == "contacted"
        assert (await api.put("/v1/settings", json={"quiet_days": 7.0})).json()["quiet_days"] == 7
    quiet = (await bus.read("stage.changed", tenant=tenant, count=2))[-1]
    assert (quiet.data["to"], quiet.data["rule"]) == ("nurture", "quiet")


async def test_settings_that_are_left_out_keep_their_values(stages, tenant):
    async with stages.client(tenant, "admin") as api:
        await api.put(
            "/v1/settings", json={"checklist": [{"id": "need"}], "thresholds": {"hot": {"up": 90, "down": 85}}}
        )
        answer = await api.put("/v1/settings", json={"quiet_days": 0.5})
        assert answer.json() == (await api.get("/v1/settings")).json()
        assert [item["id"] for item in answer.json()["checklist"]] == ["need"]
        assert answer.json()["thresholds"] == {"hot": {"up": 90, "down": 85}}
        assert answer.json()["quiet_days"] == 0.5
        up = await api.put("/v1/settings", json={"thresholds": {"hot": {"up": 88}}})
        assert up.json()["thresholds"] == {"hot": {"up": 88, "down": 85}}
        assert (await api.put("/v1/settings", json={"thresholds": {"hot": {"up": 60}}})).status_code == 422
        assert (await api.put("/v1/settings", json=answer.json())).status_code == 200, (
            "what was read can be written back"
        )


async def test_bad_settings_are_refused_with_the_fields(stages, tenant):
    async with stages.client(tenant, "admin") as api:
        bad = {"thresholds": {"hot": {"up": 60, "down": 70}}, "quiet_days": 0, "colour": "red"}
        answer = await api.put("/v1/settings", json=bad)
        assert answer.status_code == 422
        assert {error["field"] for error in answer.json()["errors"]} == {"thresholds.hot", "quiet_days", "colour"}
    async with stages.client(tenant, "operator") as api:
        assert (await api.put("/v1/settings", json={"quiet_days": 7})).status_code == 403


async def test_a_lead_becomes_hot_once_for_each_crossing(stages, captured, bus, tenant, eventually):
    (lead,) = await captured()
    for total in (79, 81, 85, 75, 82, 69, 90):
        lead.scored(total)
    hot = await bus.read("lead.became_hot", tenant=tenant, count=2)
    assert [(h.data["total"], h.data["threshold"]) for h in hot] == [(81, 80), (90, 80)]
    async with stages.client(tenant, "viewer") as api:
        assert (await api.get("/v1/queue", params={"hot": True})).json()["items"][0]["hot"] is True
        assert len((await api.get("/v1/alerts")).json()["items"]) == 2


async def test_a_lead_that_is_opened_again_with_a_high_score_alerts_once(stages, captured, bus, tenant, eventually):
    (lead,) = await captured()
    async with stages.client(tenant, "reviewer") as api:

        async def move(stage):
            return await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": stage, "disqualification_reason": "x"})

        async def scored():
            return (await api.get(f"/v1/leads/{lead.id}")).json()["score_total"] == 90

        assert (await move("lost")).status_code == 200
        lead.scored(90, time=datetime.now(UTC) + timedelta(seconds=1))
        await eventually(scored)
        assert (await api.get("/v1/alerts")).json()["items"] == []
        for stage in ("engaged", "lost", "engaged"):
            assert (await move(stage)).status_code == 200
        assert (await api.get(f"/v1/leads/{lead.id}")).json()["hot"] is True
        assert [alert["total"] for alert in (await api.get("/v1/alerts")).json()["items"]] == [90]
    (hot,) = await bus.read("lead.became_hot", tenant=tenant)
    assert (hot.data["total"], hot.data["threshold"]) == (90, 80)


async def test_an_old_crossing_is_not_alerted(stages, captured, bus, tenant, eventually):
    (lead,) = await captured(time=ago(days=4))
    lead.scored(95, time=ago(days=3))
    async with stages.client(tenant, "viewer") as api:

        async def hot():
            return (await api.get(f"/v1/leads/{lead.id}")).json()["hot"]

        await eventually(hot)
        assert (await api.get("/v1/alerts")).json()["items"] == []


async def test_a_reply_is_one_activity_with_the_history_of_its_labels(stages, captured, bus, tenant):
    (lead,) = await captured(time=ago(hours=5))
    at = ago(hours=2)
    lead.replied("other", reply_id="r1", time=at)
    await bus.read("stage.changed", tenant=tenant)
    lead.replied("declined", reply_id="r1", time=at, labelled_at=ago(hours=1).isoformat())
    moved = (await bus.read("stage.changed", tenant=tenant, count=2))[-1]
    assert moved.data["to"] == "lost"
    async with stages.client(tenant, "viewer") as api:
        (entry,) = (await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "reply.received"})).json()["items"]
    assert entry["data"]["label"] == "declined"
    assert [label["label"] for label in entry["data"]["labels"]] == ["other", "declined"]


async def test_labels_of_one_second_are_told_apart_by_its_parts(stages, captured, bus, tenant, eventually):
    (lead,) = await captured(time=ago(hours=5))
    second = ago(hours=2).replace(microsecond=0)
    for label, labelled_at in (
        ("declined", second + timedelta(milliseconds=250)),
        ("question", second),
        ("later", second.astimezone(timezone(timedelta(hours=-5))) - timedelta(seconds=1)),
    ):
        lead.replied(label, reply_id="r1", time=second, labelled_at=labelled_at.isoformat().replace("+00:00", "Z"))
    bus.flush()
    async with stages.client(tenant, "viewer") as api:

        async def three():
            page = (await api.get(f"/v1/leads/{lead.id}/timeline", params={"type": "reply.received"})).json()
            labels = [
                (entry["data"]["label"], label["label"]) for entry in page["items"] for label in entry["data"]["labels"]
            ]
            return labels == [("declined", "later"), ("declined", "question"), ("declined", "declined")]

        await eventually(three)
        assert (await api.get(f"/v1/leads/{lead.id}")).json()["stage"] == "lost"


async def test_meetings_are_read_page_by_page_in_the_order_of_their_starts(stages, captured, bus, tenant, eventually):
    (lead,) = await captured(time=ago(hours=5))
    start = datetime.now(UTC) + timedelta(days=1)
    for number, id in ((3, "c"), (1, "a"), (1, "b")):
        lead.met(start + timedelta(hours=number), start + timedelta(hours=number + 1), id=id, time=ago(hours=1))
    bus.flush()
    async with stages.client(tenant, "viewer") as api:

        async def all_known():
            return len((await api.get(f"/v1/leads/{lead.id}/meetings")).json()["items"]) == 3

        await eventually(all_known)
        found, cursor = [], {}
        while True:
            page = (await api.get(f"/v1/leads/{lead.id}/meetings", params={"limit": 1, **cursor})).json()
            found += [meeting["meeting_id"] for meeting in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    assert found == ["a", "b", "c"]


async def test_another_tenant_sees_and_changes_nothing(stages, captured, bus, tenant):
    (lead,) = await captured()
    async with stages.client("somebody-else", "admin") as api:
        for route in (f"/v1/leads/{lead.id}", f"/v1/leads/{lead.id}/timeline", f"/v1/leads/{lead.id}/explanation"):
            assert (await api.get(route)).status_code == 404
        assert (await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "won"})).status_code == 404
        assert (await api.get("/v1/queue")).json()["items"] == []


async def test_a_meeting_whose_id_is_an_address_is_cancelled(stages, captured, tenant):
    """Calendly's ids are addresses."""
    (lead,) = await captured()
    soon = datetime.now(UTC) + timedelta(days=2)
    uri = "https://api.calendly.com/scheduled_events/1?x"
    body = {"meeting_id": uri, "starts_at": soon.isoformat(), "ends_at": (soon + timedelta(hours=1)).isoformat()}
    async with stages.client(tenant, "reviewer") as api:
        assert (await api.post(f"/v1/leads/{lead.id}/meetings", json=body)).status_code == 201
        assert (await api.delete(f"/v1/leads/{lead.id}/meetings/{quote(uri, safe='')}")).status_code == 204
        assert (await api.get(f"/v1/leads/{lead.id}")).json()["stage"] == "engaged"
