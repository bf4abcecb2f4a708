"""What people ask about a sequence: the preview, a simulation, the figures; and what cannot be a sequence."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.sending.rules import LEAD_SPACING
from shared.ids import uuid7
from shared.messaging.republish import republish
from tests.integration.outreach.sequence_steps import (
    activated,
    approve,
    enrolled,
    enrolment,
    pending,
    replied,
    take_steps,
    template,
    text,
    written,
)


async def test_the_preview_shows_what_a_lead_will_get_and_why_not_earlier(office, tenant):
    window = {"days": ["mon"], "start": "09:00", "end": "10:00"}
    steps = [text("PT0S"), template("P1D", subject="Two {{ first_name }}"), {"strategy": "last_word", "delay": "P1D"}]
    sequence = await written(office, tenant, *steps, window=window)
    lead = await office.captured(tenant, timezone="Asia/Tokyo")
    url = f"/v1/leads/{lead}/preview"
    async with office.client(tenant, "viewer") as http:
        assert (await http.get(url)).json()["steps"] == []
        shown = (await http.get(url, params={"sequence_id": sequence["sequence_id"]})).json()["steps"]
        assert [(each["channel"], each["subject"]) for each in shown] == [
            ("email", "A question for Analytical Ltd"),
            ("email", "Two Ada"),
            ("email", None),
        ]
        assert all("T09:00:00" in each["local_time"] and "+09:00" in each["local_time"] for each in shown)
        assert {each["why"] for each in shown} == {"the sending window"}
        await enrolled(office, tenant, sequence, lead)
        assert len((await http.get(url)).json()["steps"]) == 3
        for _ in range(8):
            office.advance(hours=24)
            await take_steps(office)
        shown = (await http.get(url)).json()["steps"]
        assert [(each["what"], each["step"]) for each in shown][:2] in (
            [("under_way", 1), ("sent", 2)],
            [("sent", 1), ("sent", 2)],
        )
        assert (await http.get(f"/v1/leads/{uuid7()}/preview")).status_code == 404


async def test_the_preview_foresees_what_would_delay_the_messages(office, tenant):
    mailbox = {"from": f"sales@{tenant}.leadflow.example", "per_day": 1, "spacing_seconds": 0}
    sequence = await written(office, tenant, template("PT0S"), template("PT1H", subject="Two"))
    other, lead = await office.captured(tenant), await office.captured(tenant)
    url = f"/v1/leads/{lead}/preview"
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json={"mailboxes": [mailbox], "lead_spacing_minutes": 0})
        assert answer.status_code == 200, answer.text
        await enrolled(office, tenant, sequence, other)
        await take_steps(office)
        await office.send()
        first, second = (await http.get(url, params={"sequence_id": sequence["sequence_id"]})).json()["steps"]
        days = [datetime.fromisoformat(each["at"]) for each in (first, second)]
        now = datetime.now(UTC) + office.database.clock.offset
        assert [(day.date() - now.date()).days for day in days] == [1, 2]
        assert {first["why"], second["why"]} == {"the mailbox has sent its 1 messages of today"}
        await http.put("/v1/settings", json={"mailboxes": [], "lead_spacing_minutes": 120})
        first, second = (await http.get(url, params={"sequence_id": sequence["sequence_id"]})).json()["steps"]
        apart = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
        assert (apart, second["why"]) == (timedelta(hours=2), LEAD_SPACING)


async def test_a_simulation_tells_the_whole_story(office, tenant):
    sequence = await written(office, tenant, text("PT0S"), text("P10D"), text("P10D"), active=False)
    body = {
        "lead": {"first_name": "Eve", "company": "Acme", "timezone": "Europe/Berlin"},
        "events": [
            {"day": 9, "event": "reply", "label": "out_of_office", "until_day": 16},
            {"day": 20, "event": "reply", "label": "interested"},
        ],
        "starts_at": "2026-06-01T10:00:00Z",
    }
    async with office.client(tenant, "viewer") as http:
        answer = await http.post(f"/v1/sequences/{sequence['sequence_id']}/simulate", json=body)
        story = answer.json()["story"]
        assert [(each["what"], int(each["day"])) for each in story] == [
            ("sent", 0), ("reply", 9), ("paused", 9), ("resumed", 15), ("sent", 15), ("reply", 20), ("exited", 20)
        ]  # fmt: skip
        assert story[0]["subject"] == "A question for Acme"
        assert (await http.post(f"/v1/sequences/{uuid7()}/simulate", json={})).status_code == 404


@pytest.mark.parametrize("rule", ["skip", "exit"])
async def test_preview_and_simulation_end_as_production_where_a_template_lacks_a_value(office, tenant, rule):
    body = "Hi, you are {{ job_title }}."
    steps = [text("PT0S"), template("PT0S", body=body, subject="Two"), text("PT0S", subject="Three")]
    sequence = await written(office, tenant, *steps, if_blocked=rule)
    lead, url = await office.captured(tenant), f"/v1/sequences/{sequence['sequence_id']}/simulate"
    async with office.client(tenant, "viewer") as http:
        story = (await http.post(url, json={"lead": {"company": "Acme"}, "review_hours": 24})).json()["story"]
        of = await enrolled(office, tenant, sequence, lead)
        planned = (await http.get(f"/v1/leads/{lead}/preview")).json()
    for _ in range(2):
        await take_steps(office)
        if await pending(office, tenant, lead):
            await approve(office, tenant, lead)
        await office.send()
        await take_steps(office)
    now = await enrolment(office, tenant, of)
    happened = [(each["step"], each["state"]) for each in now["steps"]]
    assert happened == [(1, "sent"), *([(2, "skipped"), (3, "sent")] if rule == "skip" else [])]
    assert [(each["step"], each["what"]) for each in planned["steps"]] == happened
    assert [(each["step"], each["what"]) for each in story if each["step"]] == happened
    assert [each["day"] for each in story if each["what"] == "sent"] == ([1, 2] if rule == "skip" else [1])
    ends = "done" if rule == "skip" else "exited"
    assert (now["state"], planned["ends"]["what"], story[-1]["what"]) == (ends, ends, ends)


async def test_the_figures_are_counted_from_what_happened(office, tenant):
    leads = [await office.captured(tenant) for _ in range(3)]
    sequence = await written(office, tenant, text("PT0S"), text())
    for lead in leads:
        await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    office.advance(hours=2)
    await approve(office, tenant, leads[0])
    (draft,) = await pending(office, tenant, leads[1])
    async with office.client(tenant, "reviewer") as http:
        await http.post(f"/v1/drafts/{draft['draft_id']}/reject", json={"reason": "no"})
    await office.send()
    await take_steps(office)
    await replied(office, tenant, leads[0], "Yes, please send me the offer.")
    async with office.client(tenant, "viewer") as http:
        report = (await http.get(f"/v1/sequences/{sequence['sequence_id']}/report")).json()
    assert (report["enrolled"], report["active"], report["exited_by_reason"]) == (3, 2, {"reply": 1})
    (first,) = report["steps"]
    expected = {"step": 1, "drafted": 3, "approved": 1, "rejected": 1, "sent": 1, "replied": 1, "edited": 0}
    assert first | expected == first
    assert 7_190 < first["median_wait_seconds"] < 7_400


async def test_enrolments_are_republished_under_their_old_ids(office, tenant, bus):
    since = datetime.now(UTC) - timedelta(hours=1)
    sequence = await written(office, tenant, text())
    leads = [await office.captured(tenant) for _ in range(2)]
    for lead in leads:
        of = await enrolled(office, tenant, sequence, lead)
    async with office.client(tenant, "reviewer") as http:
        await http.delete(f"/v1/enrolments/{of['enrolment_id']}")
    counts = await republish(office.database, ["sequence.enrolled", "sequence.exited"], tenant, since)
    assert counts == {"sequence.enrolled": 2, "sequence.exited": 1}
    begun = await bus.read("sequence.enrolled", tenant=tenant, count=4)
    assert len({each.headers["ce_id"] for each in begun}) == 2
    ended = await bus.read("sequence.exited", tenant=tenant, count=2)
    assert [each.data["reason"] for each in ended] == ["manual", "manual"]
    assert ended[0].headers["ce_id"] == ended[1].headers["ce_id"]


async def test_the_built_in_sequences_stand_ready_and_switched_off(office, tenant):
    async with office.client(tenant, "viewer") as http:
        items = (await http.get("/v1/sequences")).json()["items"]
    assert {(each["built_in"], each["state"]) for each in items} == {("nurture", "inactive"), ("outbound", "inactive")}
    async with office.client("somebody-else", "admin") as http:
        url = f"/v1/sequences/{items[0]['sequence_id']}"
        assert (await http.get(url)).status_code == 404
        assert (await http.post(f"{url}/activate")).status_code == 404
    lead = await office.captured(tenant)
    outbound = next(each for each in items if each["built_in"] == "outbound")
    await enrolled(office, tenant, await activated(office, tenant, outbound), lead)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"channel": "email", "delay": "P1D"}]}, "steps.0"),
        ({"steps": [text(delay="-P1D")]}, "steps.0.delay"),
        ({"steps": [text(delay="three days")]}, "steps.0.delay"),
        ({"steps": [text(body="{{ score }}")]}, "steps.0.body"),
        ({"steps": [text(body="{% for a in b %}x{% endfor %}")]}, "steps.0.body"),
        ({"steps": [text()], "window": {"days": [], "start": "09:00", "end": "10:00"}}, "window.days"),
        ({"steps": [text()], "holidays": "XX"}, "holidays"),
        ({"steps": [{"strategy": "follow_up", "template": True}]}, "steps.0"),
        ({"steps": [text()], "review": "nobody"}, "review"),
        ({"steps": [text(step=7)]}, "steps"),
    ],
)
async def test_what_cannot_be_a_sequence_is_refused_with_the_field(office, tenant, wrong, field):
    async with office.client(tenant, "admin") as http:
        answer = await http.post("/v1/sequences", json={"name": "x", "steps": [text()], **wrong})
    assert answer.status_code == 422, answer.text
    assert field in [each["field"].removeprefix("body.") for each in answer.json()["errors"]]


async def test_enrolments_are_listed_by_a_state_that_there_is(office, tenant):
    sequence = await written(office, tenant, text())
    of = await enrolled(office, tenant, sequence, await office.captured(tenant))
    url = f"/v1/sequences/{sequence['sequence_id']}/enrolments"
    async with office.client(tenant, "viewer") as http:
        for state, ids in (("active", [of["enrolment_id"]]), ("paused", []), ("done", []), ("exited", [])):
            items = (await http.get(url, params={"state": state})).json()["items"]
            assert [each["enrolment_id"] for each in items] == ids
        assert (await http.get(url, params={"state": "running"})).status_code == 422
