"""Details that a reply names besides its label: published with it; a check-in falls due on the day the lead named."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.outreach.drafts.workers import request_check_ins
from tests.integration.outreach.test_opt_outs import label, reply


def in_weeks(count: int) -> str:
    return (datetime.now(UTC).date() + timedelta(weeks=count)).isoformat()


async def check_ins(office, tenant, lead) -> int:
    await request_check_ins(office.database)
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        return len((await http.get("/v1/drafts", params={"lead_id": str(lead), "kind": "nurture"})).json()["items"])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Try us again in 10 weeks, please.", {"later_until": in_weeks(10)}),
        ("I am out of the office. Back in 2 weeks.", {"return_date": in_weeks(2)}),
        ("Ada is no longer with the company. Write to bo@engine.example.", {"successor": "bo@engine.example"}),
        ("What does it cost in 2 weeks?", {}),
    ],
)
async def test_the_details_that_a_reply_names_are_published_with_its_label(office, tenant, reached, bus, text, named):
    _, mail, _ = reached
    await reply(office, tenant, mail, text)
    (event,) = await bus.read("reply.received", tenant=tenant)
    names = ("later_until", "return_date", "successor")
    assert {name: event.data[name] for name in names if name in event.data} == named


@pytest.mark.parametrize("first", ["the reply", "the stage"])
async def test_a_check_in_falls_due_on_the_day_that_the_lead_named(office, tenant, reached, first):
    lead, mail, _ = reached
    if first == "the stage":
        await office.moved(tenant, lead, "nurture", from_="contacted", rule="quiet", revision=2)
    await reply(office, tenant, mail, "Try us again in 10 weeks, please.")
    if first == "the reply":
        await office.moved(tenant, lead, "nurture", from_="contacted", rule="later", revision=2)
    office.advance(weeks=9, days=5)
    assert await check_ins(office, tenant, lead) == 0
    office.advance(days=3)
    assert await check_ins(office, tenant, lead) == 1


async def test_a_named_day_begins_in_the_morning_of_the_lead(office, tenant, reached):
    lead, mail, _ = reached
    zone = ZoneInfo("America/Los_Angeles")
    await office.updated(tenant, lead, email=mail["To"], timezone=zone.key)
    await reply(office, tenant, mail, "Try us again in 10 weeks, please.")
    await office.moved(tenant, lead, "nurture", from_="contacted", rule="later", revision=2)
    morning = datetime.combine(date.fromisoformat(in_weeks(10)), time(9), zone)
    office.advance(seconds=(morning - datetime.now(UTC)).total_seconds() - 600)
    assert await check_ins(office, tenant, lead) == 0
    office.advance(minutes=20)
    assert await check_ins(office, tenant, lead) == 1


async def test_a_named_day_is_dropped_with_the_label_later(office, tenant, reached, bus):
    lead, mail, _ = reached
    reply_id = await reply(office, tenant, mail, "Try us again in 10 weeks, please.")
    await label(office, tenant, reply_id, "declined")
    _, again = await bus.read("reply.received", tenant=tenant, count=2)
    assert "later_until" not in again.data
    await office.moved(tenant, lead, "nurture", from_="contacted", rule="quiet", revision=2)
    office.advance(days=31)
    assert await check_ins(office, tenant, lead) == 1


async def asked_for(office, tenant, lead) -> tuple[date | None, date | None]:
    """Until when the lead asked to be left alone, and when its next check-in falls due."""
    async with office.database.worker() as work:
        (row,) = await work.fetch(
            "SELECT later_until, nurture_due FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead
        )
    return tuple(row[name] and row[name].date() for name in ("later_until", "nurture_due"))


def in_days(count: int) -> date:
    return (datetime.now(UTC) + timedelta(days=count)).date()


@pytest.mark.parametrize("right", ["auto_reply", "out_of_office", "interested"])
async def test_a_date_that_was_a_mistake_is_taken_back(office, tenant, reached, right):
    lead, mail, _ = reached
    await office.moved(tenant, lead, "nurture", from_="contacted", rule="quiet", revision=2)
    reply_id = await reply(office, tenant, mail, "Try us again in 10 weeks, please.")
    asked = date.fromisoformat(in_weeks(10))
    assert await asked_for(office, tenant, lead) == (asked, asked)
    await label(office, tenant, reply_id, right)
    assert await asked_for(office, tenant, lead) == (None, in_days(30))
    await label(office, tenant, reply_id, "later")
    assert await asked_for(office, tenant, lead) == (asked, asked)


async def test_after_a_mistake_the_reply_before_counts(office, tenant, reached):
    lead, mail, _ = reached
    await office.moved(tenant, lead, "nurture", from_="contacted", rule="quiet", revision=2)
    await reply(office, tenant, mail, "Try us again in 10 weeks, please.")
    wrong = await reply(office, tenant, mail, "Try us again in 20 weeks, please.")
    twenty, ten = (date.fromisoformat(in_weeks(count)) for count in (20, 10))
    assert await asked_for(office, tenant, lead) == (twenty, twenty)
    await label(office, tenant, wrong, "auto_reply")
    assert await asked_for(office, tenant, lead) == (ten, ten)


async def test_an_automatic_answer_leaves_the_next_check_in_where_it_is(office, tenant, reached):
    lead, mail, _ = reached
    await office.moved(tenant, lead, "nurture", from_="contacted", rule="quiet", revision=2)
    reply_id = await reply(office, tenant, mail, "I am out of the office. Back in 2 weeks.")
    office.advance(days=31)
    assert await check_ins(office, tenant, lead) == 1
    await label(office, tenant, reply_id, "auto_reply")
    assert await asked_for(office, tenant, lead) == (None, in_days(61))
