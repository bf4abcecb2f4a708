"""New settings also count for messages and leads that wait under the old ones."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.schemas import DEFAULT_PER_DAY
from services.outreach.sending.workers import check_exhaustion


async def save(office, tenant, **settings) -> None:
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json=settings)
    assert answer.status_code == 200, answer.text


def box(tenant: str, **limits) -> list[dict]:
    return [{"from": f"sales@{tenant}.leadflow.example", **limits}]


def closed_today() -> dict:
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    other = days[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    return {"days": [other], "start": "09:00", "end": "09:01"}


@pytest.mark.parametrize("local", ["x" * 65, "sa\x7fles", "sa\x85les", "sales\u2028"])
async def test_a_mailbox_that_nothing_can_be_sent_from_is_no_setting(office, tenant, local):
    box = {"from": f"{local}@{tenant}.leadflow.example"}
    async with office.client(tenant, "admin") as http:
        answer = await http.put("/v1/settings", json={"mailboxes": [box]})
        assert (answer.status_code, answer.json()["errors"][0]["field"][:9]) == (422, "mailboxes"), answer.text
        longest = {"from": f"{'x' * 64}@{tenant}.leadflow.example"}
        assert (await http.put("/v1/settings", json={"mailboxes": [longest]})).status_code == 200
    assert (await office.draft(tenant, await office.captured(tenant)))["from"] == longest["from"]


@pytest.mark.parametrize("what", ["window", "per_day", "spacing"])
async def test_a_waiting_message_is_sent_once_the_settings_allow_it(office, tenant, smtp, what):
    before, after = {
        "window": ({"window": closed_today()}, {"window": None}),
        "per_day": ({"mailboxes": box(tenant, per_day=1)}, {"mailboxes": box(tenant, per_day=2)}),
        "spacing": ({"mailboxes": box(tenant, spacing_seconds=86_400)}, {"mailboxes": box(tenant)}),
    }[what]
    await save(office, tenant, **before)
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(2)]
    await office.send()
    states = [(await office.dispatch(tenant, each["dispatch_id"]))["state"] for each in approved]
    assert "queued" in states
    await save(office, tenant, **after)
    await office.send()
    assert [(await office.dispatch(tenant, each["dispatch_id"]))["state"] for each in approved] == ["sent", "sent"]


async def test_new_settings_do_not_shorten_the_back_off_after_a_failure(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.answers["mail"] = "451 later"
    await office.send()
    due = (await office.dispatch(tenant, approved["dispatch_id"]))["due_at"]
    await save(office, tenant, window=closed_today())
    await save(office, tenant, window=None)
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["due_at"] == due


async def test_a_failed_message_that_waits_for_the_window_is_retried_within_its_back_off(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.answers["mail"] = "451 later"
    await office.send()
    await save(office, tenant, window=closed_today())
    office.advance(hours=1)
    await office.send()
    smtp.reset()
    await save(office, tenant, window=None)
    office.advance(hours=1)
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"


@pytest.mark.parametrize(
    ("before", "days", "after"),
    [
        ({"exhaust_after_messages": 1, "exhaust_after_days": 30}, 8, {"exhaust_after_days": 7}),
        # The check after the usual days finds that two messages would be needed, and plans no other.
        ({"exhaust_after_messages": 2, "mode": "email_only"}, 15, {"exhaust_after_messages": 1}),
    ],
    ids=["days", "messages"],
)
async def test_fewer_days_or_messages_count_for_channels_that_are_waiting(office, tenant, bus, before, days, after):
    await save(office, tenant, auto_drafts={"follow_up": False}, **before)
    lead = await office.captured(tenant)
    await office.approved(tenant, lead)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="first-message")
    office.advance(days=days)
    await check_exhaustion(office.database)
    assert bus.seen("outreach.exhausted", tenant=tenant) == []
    await save(office, tenant, **after)
    await check_exhaustion(office.database)
    (event,) = await bus.read("outreach.exhausted", tenant=tenant)
    assert event.lead_id == str(lead)


async def test_the_cap_of_a_mailbox_without_its_own_is_shown_with_the_settings(office, tenant):
    async with office.client(tenant, "viewer") as http:
        fresh = (await http.get("/v1/settings")).json()
        schema = (await http.get("/openapi.json")).json()["components"]["schemas"]["Mailbox"]
    assert [box["per_day"] for box in fresh["mailboxes"]] == [DEFAULT_PER_DAY]
    assert str(DEFAULT_PER_DAY) in schema["properties"]["per_day"]["description"]
    await save(office, tenant, mailboxes=box(tenant))
    async with office.client(tenant, "viewer") as http:
        assert [each["per_day"] for each in (await http.get("/v1/settings")).json()["mailboxes"]] == [DEFAULT_PER_DAY]
