"""A goal that moves to another time zone at the end of a month: its days stay, and each month is reported once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.goals.use_cases.progress import publish_changed_goals
from services.goals.use_cases.reports import close_ended_periods
from tests.integration.goals.builders import path_of_a_goal, qualified
from tests.integration.goals.conftest import has_read

JULY = (date(2030, 7, 1), date(2030, 7, 31))
EVENING = datetime(2030, 7, 31, 20, tzinfo=UTC)
"""July in UTC, and August in Tokyo since five hours."""


async def reach(api, moment):
    """Business time is `moment` from now on, and the workers do what is due."""
    async with api.database.monitor() as work:
        api.database.clock.offset += moment - work.now

    while await close_ended_periods(api.database, timedelta(seconds=2), timedelta(0), has_read):
        pass
    await publish_changed_goals(api.database, timedelta(0))


async def an_achieved_goal(api, client, record, zone, period="month", **fields):
    """A goal of one lead in July, which it has."""
    await reach(api, datetime(2030, 7, 15, tzinfo=UTC))
    path = await path_of_a_goal(client, target=1, timezone=zone, period=period, **fields)
    await record(*qualified(0, datetime(2030, 7, 10, tzinfo=UTC)))
    await publish_changed_goals(api.database, timedelta(0))
    return path


async def reports(api, tenant):
    """The days and the value of each report, the oldest first."""
    async with api.database.tenant(tenant) as work:
        rows = await work.fetch("SELECT * FROM period WHERE closed_on IS NOT NULL ORDER BY closed_on, period_end")
    return [((row["first_day"], row["last_day"]), row["value"]) for row in rows]


async def achieved(api, tenant, bus, eventually):
    """How often goal.achieved was published."""

    async def all_sent():
        async with api.database.monitor() as work:
            return await work.fetch_one("SELECT 1 FROM outbox WHERE tenant_id = :tenant", tenant=tenant) is None

    await eventually(all_sent)
    return len(list(bus.seen("goal.achieved", tenant=tenant)))


@pytest.mark.parametrize(
    ("first", "moves"),
    [
        pytest.param("UTC", ["Asia/Tokyo"], id="to the east"),
        pytest.param("Asia/Tokyo", ["UTC"], id="to the west"),
        pytest.param("UTC", ["Asia/Tokyo", "UTC"], id="to the east and back"),
        pytest.param("Asia/Tokyo", ["UTC", "Asia/Tokyo"], id="to the west and back"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_each_month_is_reported_once_whatever_the_time_zone(
    api, record, tenant, bus, eventually, first, moves, at_once
):
    async with api.client(tenant) as client:
        path = await an_achieved_goal(api, client, record, first)
        await reach(api, EVENING)
        for minutes, zone in enumerate(moves):
            answer = await client.patch(path, json={"timezone": zone})
            assert answer.status_code == 200, answer.text
            if not at_once:
                await reach(api, EVENING + timedelta(minutes=minutes + 1))
        await reach(api, datetime(2030, 9, 2, tzinfo=UTC))
    assert await reports(api, tenant) == [
        ((date(2030, 6, 1), date(2030, 6, 30)), 0),
        (JULY, 1),
        ((date(2030, 8, 1), date(2030, 8, 31)), 0),
    ]
    assert await achieved(api, tenant, bus, eventually) == 1


@pytest.mark.parametrize(("first", "then"), [("UTC", "Asia/Tokyo"), ("Asia/Tokyo", "UTC")])
async def test_custom_days_are_reported_once_whatever_the_time_zone(api, record, tenant, bus, eventually, first, then):
    async with api.client(tenant) as client:
        ends = {"period": "custom", "from": "2030-07-01", "to": "2030-07-31"}
        path = await an_achieved_goal(api, client, record, first, **ends)
        await reach(api, EVENING)
        assert (await client.patch(path, json={"timezone": then})).status_code == 200
        await reach(api, datetime(2030, 9, 2, tzinfo=UTC))
    assert await reports(api, tenant) == [(JULY, 1)]
    assert await achieved(api, tenant, bus, eventually) == 1
