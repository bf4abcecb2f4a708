"""Periods end and are closed, also after a downtime. Only business time is moved; everything else is real."""

from datetime import UTC, datetime, timedelta

import pytest

from services.goals.rules.periods import containing
from services.goals.workers import close_periods
from shared.db import Database
from tests.integration.goals.builders import a_goal, qualified
from tests.unit.goals.builders import moved


@pytest.fixture
async def own(start):
    """A goals service whose time can be moved without moving that of other tests."""
    run = await start("goals", only="workers")
    yield run
    await run.stop()


async def test_weeks_are_closed_one_after_the_other_after_a_long_downtime(goals, own, tenant, publish, bus, eventually):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        goal = await a_goal(client, metric="first_qualified")
        publish(*(event for n in range(3) for event in qualified(n, now)))

        async def counted():
            return (await client.get(f"/v1/goals/{goal['goal_id']}")).json()["current_value"] == 3

        await eventually(counted)
        await bus.read("goal.achieved", tenant=tenant)
        own.database.clock.advance(days=23)

        async def closed():
            return (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"]

        reports = await eventually(lambda: at_least(closed, 4))
        assert [report["value"] for report in reports] == [0] * (len(reports) - 2) + [3, 0]
        starts = [datetime.fromisoformat(report["period_start"]) for report in reports]
        ends = [datetime.fromisoformat(report["period_end"]) for report in reports]
        assert ends[1:] == starts[:-1]
        assert reports[-2]["achieved_on"] is not None
        assert (await client.get(reports[-2]["rows"])).text.count("\n") == 4
        achieved = list(bus.seen("goal.achieved", tenant=tenant))
        assert len(achieved) == 1


async def at_least(ask, number):
    found = await ask()
    return found if len(found) >= number else None


async def test_after_a_downtime_a_period_waits_until_its_events_are_counted(goals, tenant):
    now = datetime.now(UTC)
    ends = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(seconds=1)).isoformat()}
    async with goals.client(tenant) as client:
        goal = await a_goal(client, period="custom", **ends)

    async def closed():
        async with goals.database.tenant(tenant) as work:
            return (await work.fetch_one("SELECT closed_on FROM period"))["closed_on"] is not None

    asked, counted = [], False

    async def has_read(until):
        asked.append(until)
        return counted

    later = Database(goals.service.settings.database, "goals")
    later.clock.advance(days=3)
    try:
        settings = goals.service.settings.model_copy(update={"close_patience_seconds": 60})
        patient = close_periods(settings, has_read)
        assert await patient(later) == 0
        assert not await closed()
        end = datetime.fromisoformat(goal["period_end"])
        assert asked == [end + timedelta(seconds=settings.close_after_seconds)]
        counted = True
        await patient(later)
        assert await closed(), goal
    finally:
        await later.close()


async def test_the_database_refuses_to_change_a_report(goals, own, tenant, publish, eventually):
    async with goals.client(tenant) as client:
        goal = await a_goal(client)
        report = (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"][0]
        assert report["value"] == 0
        for statement in (
            "UPDATE period SET value = 9 WHERE closed_on IS NOT NULL",
            "DELETE FROM period WHERE closed_on IS NOT NULL",
        ):
            with pytest.raises(Exception, match=r"RestrictViolation|never changes"):
                async with goals.database.tenant(tenant) as work:
                    await work.run(statement)


async def test_a_custom_period_that_has_ended_is_reported_at_once(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    publish(*qualified(0, now - timedelta(minutes=30)), *qualified(1, now - timedelta(minutes=10)))
    async with goals.client(tenant) as client:

        async def there():
            return (await client.get("/v1/pipeline")).json()["stages"]["qualified"] == 2

        await eventually(there)
        goal = await a_goal(
            client,
            period="custom",
            **{"from": (now - timedelta(minutes=40)).isoformat(), "to": (now - timedelta(minutes=20)).isoformat()},
        )
        assert goal["current_value"] == 1

        async def closed():
            return (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"]

        reports = await eventually(closed)
        assert [report["value"] for report in reports] == [1]
        assert (await client.get(f"/v1/goals/{goal['goal_id']}")).json()["current_value"] == 1


async def test_a_custom_period_of_seconds_is_closed_and_achieved(goals, tenant, publish, bus, eventually):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        goal = await a_goal(
            client,
            period="custom",
            target=1,
            **{"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(seconds=3)).isoformat()},
        )
        publish(*qualified(0, now))
        achieved = await bus.read("goal.achieved", tenant=tenant)
        assert achieved[0].data["goal_id"] == goal["goal_id"]

        async def closed():
            return (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"]

        reports = await eventually(closed)
        assert reports[0]["value"] == 1
        assert reports[0]["achieved_on"] is not None
        assert (await client.get(f"/v1/goals/{goal['goal_id']}")).json()["achieved_on"] is not None


async def test_the_period_follows_the_time_zone_of_the_goal(goals, tenant):
    async with goals.client(tenant) as client:
        for name in ("Pacific/Kiritimati", "America/Adak", "Asia/Kolkata"):
            goal = await a_goal(client, period="month", timezone=name)
            assert goal["timezone"] == name
            begin = datetime.fromisoformat(goal["period_start"])
            assert (begin.day, begin.hour, begin.minute) == (1, 0, 0)
            assert begin.utcoffset() != timedelta(0)
        unknown = await a_goal(client, timezone="Mars/Olympus")
        assert unknown["timezone"] == "UTC"


async def test_another_metric_counts_from_the_beginning_and_the_old_reports_stay(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    publish(*qualified(0, now), moved(0, "won", origin="qualified", revision=2, created=now, qualified=now, won=now))
    async with goals.client(tenant) as client:

        async def there():
            return (await client.get("/v1/pipeline")).json()["stages"]["won"] == 1

        await eventually(there)
        goal = await a_goal(client)
        assert goal["current_value"] == 0
        path = f"/v1/goals/{goal['goal_id']}"
        shown = await client.get(path)
        stale = await client.patch(path, json={"target": 5}, headers={"If-Match": '"99"'})
        assert stale.status_code == 412
        changed = await client.patch(
            path, json={"metric": "won", "target": 7}, headers={"If-Match": shown.headers["etag"]}
        )
        assert changed.status_code == 200, changed.text
        assert (changed.json()["current_value"], changed.json()["target"], changed.json()["name"]) == (1, 7, "g")
        monthly = (await client.patch(path, json={"period": "month"})).json()
        month = containing("month", now.date(), UTC)
        assert datetime.fromisoformat(monthly["period_end"]) == month.end
        assert len((await client.get(f"{path}/reports")).json()["items"]) == 1
        off = (await client.patch(path, json={"active": False})).json()
        assert off["active"] is False
