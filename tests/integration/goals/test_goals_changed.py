"""A changed goal: ended periods are reported as they were defined, and progress is published once and not too often."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.goals.store import progress as store
from services.goals.store import time_series
from services.goals.use_cases import progress
from services.goals.use_cases.reports import close_ended_periods
from shared.db import Database
from tests.integration.goals.builders import path_of_a_goal, qualified
from tests.integration.goals.conftest import has_read
from tests.unit.goals.builders import moved

EVERY = timedelta(seconds=1)
GRACE = timedelta(seconds=2)


@pytest.fixture
async def later(api):
    """The same database at another time: `later.clock.advance(days=3)`."""
    database = Database(api.service.settings.database, "goals")
    yield database
    await database.close()


@pytest.fixture
def published(api, tenant, bus, eventually):
    """The (current_value, target) of each event of a type that was published, the oldest first."""

    async def published(topic):
        async def outbox_is_empty():
            async with api.database.worker() as work:
                return await work.fetch_one("SELECT 1 FROM outbox WHERE tenant_id = :tenant", tenant=tenant) is None

        await eventually(outbox_is_empty)
        return [(seen.data["current_value"], seen.data["target"]) for seen in bus.seen(topic, tenant=tenant)]

    return published


async def change(client, path, **fields):
    answer = await client.patch(path, json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_change_queued_while_others_are_published_waits_for_the_next_round(api, tenant, record, monkeypatch):
    now = datetime.now(UTC)
    async with api.client(tenant) as client:
        await path_of_a_goal(client)
        other = await path_of_a_goal(client, metric="won")
        await record(*qualified(0, now))
        read = store.running_periods_of_series

        async def interrupted(work, *asked):
            found = await read(work, *asked)
            if work.tenants == [tenant]:
                monkeypatch.setattr(store, "running_periods_of_series", read)
                won = moved(0, "won", origin="qualified", revision=2, created=now, qualified=now, won=now, time=now)
                await record(won)
            return found

        monkeypatch.setattr(store, "running_periods_of_series", interrupted)
        await progress.publish_changed_goals(api.database, EVERY)
        assert (await client.get(other)).json()["current_value"] == 1
        await progress.publish_changed_goals(api.database, timedelta(0))
        async with api.database.tenant(tenant) as work:
            rows = await work.fetch("SELECT told_value FROM period WHERE closed_on IS NULL ORDER BY goal_id")
        assert [row["told_value"] for row in rows] == [0, 1]


async def test_a_tenant_late_in_the_alphabet_is_not_behind_those_who_are_always_busy(api):
    busy = [f"a-{number:03d}" for number in range(101)]
    async with api.database.worker(["zoo", *busy]) as work:
        for tenant in ("zoo", *busy):
            await time_series.queue_changed(work, [(tenant, UUID(int=1))])
    async with api.database.worker(busy) as work:
        await time_series.queue_changed(work, [(tenant, UUID(int=2)) for tenant in busy])
        assert await store.tenants_with_changes(work, 3) == ["zoo", "a-000", "a-001"]


async def test_an_ended_period_is_reported_as_it_was_defined_before_the_goal_changed(api, later, tenant, record):
    now = datetime.now(UTC)
    await record(*qualified(0, now))
    async with api.client(tenant) as client:
        path = await path_of_a_goal(
            client,
            period="custom",
            **{"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(milliseconds=400)).isoformat()},
        )

        async def over():
            async with api.database.tenant(tenant) as work:
                return await work.fetch("SELECT 1 FROM period WHERE period_end <= :now", now=work.now)

        while not await over():
            pass
        await change(client, path, metric="won", target=9, period="month", **{"from": None, "to": None})
        reports = (await client.get(f"{path}/reports")).json()["items"]
        assert [(report["value"], report["target"], report["restated"]) for report in reports] == [(1, 2, None)]
        assert (await client.get(path)).json()["period"] == "month"
        later.clock.advance(days=40)
        for _ in range(3):
            await close_ended_periods(later, GRACE, timedelta(0), has_read)
        reports = (await client.get(f"{path}/reports")).json()["items"]
        assert [report["value"] for report in reports] == [0, 1, 0]  # next month, the custom period, this month


async def test_with_another_metric_or_filter_the_goal_has_to_be_achieved_once_more(api, tenant, record, published):
    now = datetime.now(UTC)
    await record(*qualified(0, now, source="fair"), *qualified(1, now))
    async with api.client(tenant) as client:
        path = await path_of_a_goal(client)
        assert (await client.get(path)).json()["achieved_on"] is not None
        for fields in ({"filter": {"source": "fair"}}, {"filter": None, "metric": "won"}):
            assert (await change(client, path, **fields))["achieved_on"] is None
        await progress.publish_changed_goals(api.database, timedelta(0))
        assert await published("goal.progressed") == [(2, 2), (0, 2)]
        await change(client, path, metric="first_qualified")
        await progress.publish_changed_goals(api.database, timedelta(0))
        assert await published("goal.achieved") == [(2, 2), (2, 2)]


async def test_a_reported_custom_period_is_achieved_by_what_it_counted(api, tenant, record):
    now = datetime.now(UTC)
    await record(*qualified(0, now - timedelta(minutes=30), source="fair"))
    async with api.client(tenant) as client:
        days = {name: (now - timedelta(minutes=ago)).isoformat() for name, ago in (("from", 40), ("to", 20))}
        path = await path_of_a_goal(client, target=1, period="custom", **days)
        await close_ended_periods(api.database, timedelta(0), timedelta(0), has_read)
        achieved = (await client.get(path)).json()["achieved_on"]
        assert achieved
        for fields, shown in (
            ({"metric": "won"}, (0, None)),
            ({"metric": "qualified_created", "timezone": "Asia/Kolkata"}, (1, achieved)),
            ({"filter": {"source": "web"}}, (0, None)),
            ({"filter": None, "name": "another"}, (1, achieved)),
        ):
            changed = await change(client, path, **fields)
            assert (changed["current_value"], changed["achieved_on"]) == shown


async def test_with_another_time_zone_the_goal_stays_achieved(api, tenant, record, published):
    now = datetime.now(UTC)
    noon = now.replace(hour=12)
    async with api.client(tenant) as client:
        days = {"from": f"{now.year}-01-01", "to": f"{now.year + 1}-12-31"}
        for fields in ({"period": "month"}, {"period": "custom", **days}):
            path = await path_of_a_goal(client, target=1, **fields)
            await record(*qualified(0, now))
            await progress.publish_changed_goals(api.database, timedelta(0))
            achieved = (await client.get(path)).json()["achieved_on"]
            assert achieved
            zone = "Asia/Kolkata" if noon.day < 15 else "America/Lima"
            changed = await change(client, path, timezone=zone)
            assert (changed["achieved_on"], changed["timezone"]) == (achieved, zone)
        await progress.publish_changed_goals(api.database, timedelta(0))
        assert len(await published("goal.achieved")) == 2


async def test_a_raised_target_that_is_not_reached_withdraws_the_achievement(api, tenant, record, published):
    now = datetime.now(UTC)
    for number in range(3):
        await record(*qualified(number, now))
    async with api.client(tenant) as client:
        path = await path_of_a_goal(client)
        achieved = (await client.get(path)).json()["achieved_on"]
        assert (await change(client, path, target=3))["achieved_on"] == achieved
        assert (await change(client, path, target=4))["achieved_on"] is None
        await record(*qualified(3, now))
        await progress.publish_changed_goals(api.database, timedelta(0))
        assert await published("goal.achieved") == [(3, 2), (4, 4)]
        assert (await change(client, path, target=1))["achieved_on"] is not None


async def test_progress_is_published_once_a_second_also_when_the_goal_changes_and_when_periods_end(
    api, later, tenant, record, published
):
    now = datetime.now(ZoneInfo("Asia/Tokyo"))
    next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=15)
    await record(*qualified(0, now))
    async with api.client(tenant) as client:
        path = await path_of_a_goal(client, target=50)
        for fields in ({"target": 40}, {"period": "month"}, {"metric": "first_qualified"}, {"timezone": "Asia/Tokyo"}):
            await change(client, path, **fields)
            await progress.publish_changed_goals(api.database, timedelta(minutes=1))
        assert await published("goal.progressed") == [(1, 50)]
        await progress.publish_changed_goals(api.database, timedelta(0))
        assert await published("goal.progressed") == [(1, 50), (1, 40)]
        await record(*qualified(1, now), *qualified(2, next_month))
        later.clock.advance(days=70)
        await close_ended_periods(later, GRACE, timedelta(minutes=1), has_read)
        await close_ended_periods(later, GRACE, timedelta(minutes=1), has_read)
        await progress.publish_changed_goals(later, timedelta(minutes=1))
        assert await published("goal.progressed") == [(1, 50), (1, 40), (2, 40)]
        later.clock.advance(minutes=2)
        await close_ended_periods(later, GRACE, timedelta(minutes=1), has_read)
        assert (await published("goal.progressed"))[3:] == [(1, 40)]
