"""Goals through the real broker and database: live, recountable, published, achieved once."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from tests.integration.goals import builders
from tests.unit.goals.builders import booked, captured, erased, merged, moved, updated

a_goal = partial(builders.a_goal, target=50, period="month", timezone="UTC")


async def value(client, goal):
    answer = await client.get(f"/v1/goals/{goal['goal_id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()["current_value"]


async def test_a_qualified_lead_created_in_the_period_is_counted_live(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        goal = await a_goal(client)
        assert goal["current_value"] == 0
        publish(captured(0, created=now), moved(0, "qualified", created=now, qualified=now, time=now))

        async def counted():
            return await value(client, goal) == 1

        await eventually(counted)
        publish(moved(0, "lost", origin="qualified", revision=2, created=now, qualified=now, time=now))

        async def fallen():
            return await value(client, goal) == 0

        await eventually(fallen)
        recount = (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()
        assert (recount["live_value"], recount["current_value"], recount["equal"]) == (0, 0, True)


async def test_a_lead_with_more_meetings_than_can_be_is_a_dead_letter_and_the_others_count(
    goals, tenant, publish, eventually
):
    now = datetime.now(UTC)
    moves = {"created": now, "time": now}
    publish(captured(0, created=now), captured(1, created=now))
    publish(moved(0, "qualified", meetings=10**15, **moves), moved(1, "qualified", meetings=10_000, **moves))
    async with goals.client(tenant) as client:

        async def dead():
            return (await client.get("/v1/dead-letters")).json()["items"]

        (letter,) = await eventually(dead)
        assert "meetings_held" in letter["error"]
        goal = await a_goal(client, metric="meetings_held", period="week")

        async def counted():
            return await value(client, goal) == 10_000

        await eventually(counted)


async def test_a_new_goal_counts_existing_leads_and_reports_the_period_before(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    last_month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    async with goals.client(tenant) as client:
        for number in range(5):
            publish(captured(number, created=now), moved(number, "qualified", created=now, qualified=now, time=now))
        for number in range(5, 7):
            publish(
                captured(number, created=last_month), moved(number, "qualified", created=last_month, time=last_month)
            )

        async def there():
            stages = (await client.get("/v1/pipeline")).json()["stages"]
            return stages["qualified"] == 7

        await eventually(there)
        goal = await a_goal(client)
        assert goal["current_value"] == 5
        reports = (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"]
        assert [(r["value"], r["restated"]) for r in reports] == [(2, None)]
        assert datetime.fromisoformat(reports[0]["period_end"]) == datetime.fromisoformat(goal["period_start"])
        sheet = (await client.get(reports[0]["rows"])).text.splitlines()
        assert sheet[0].startswith("lead_id,counted_on,created_on,source")
        assert len(sheet) == 3

        publish(moved(5, "lost", origin="qualified", revision=2, created=last_month, time=now))

        async def restated():
            report = (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"][0]
            return (report["value"], report["restated"]) == (2, 1)

        await eventually(restated)
        assert (await client.get(reports[0]["rows"])).text.splitlines() == sheet
        publish(erased(5, time=now))

        async def is_anonymous():
            after = (await client.get(reports[0]["rows"])).text.splitlines()
            return len(after) == 3 and str(UUID(int=6)) not in "".join(after)

        await eventually(is_anonymous)
        assert (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"][0]["value"] == 2


async def test_all_four_metrics_and_the_filters(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        made = {
            metric: await a_goal(client, metric=metric)
            for metric in ("qualified_created", "first_qualified", "won", "meetings_held")
        }
        fair = await a_goal(client, metric="won", filter={"source": ["fair", "web"], "owner": "eva"})
        nobody = await a_goal(client, metric="won", filter={"campaign": "spring"})
        early = now - timedelta(minutes=2)
        publish(
            captured(0, created=now, source="fair"),
            booked(0, ends=early, time=early),
            moved(0, "qualified", created=now, qualified=now, time=now, meetings=1),
            moved(
                0, "won", origin="qualified", revision=2, created=now, qualified=now, won=now, owner="eva", meetings=1
            ),
        )

        async def counted():
            found = {metric: await value(client, goal) for metric, goal in made.items()}
            return found == {"qualified_created": 0, "first_qualified": 1, "won": 1, "meetings_held": 1}

        await eventually(counted)
        assert await value(client, fair) == 1
        assert await value(client, nobody) == 0


async def test_a_meeting_counts_when_its_end_passes_with_no_further_event(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        goal = await a_goal(client, metric="meetings_held", period="quarter")
        publish(captured(0, created=now), booked(0, ends=now + timedelta(seconds=3), time=now))

        async def counted():
            return await value(client, goal) == 1

        await eventually(counted)
        assert datetime.now(UTC) > now + timedelta(seconds=3)
        assert (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()["equal"]


async def test_progress_is_published_at_most_once_a_second_and_an_achievement_once(
    goals, tenant, publish, bus, eventually
):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        goal = await a_goal(client, target=3)
        for number in range(40):
            publish(captured(number, created=now), moved(number, "qualified", created=now, qualified=now, time=now))
            await asyncio.sleep(0.05)

        def mine(seen):
            return seen.data["goal_id"] == goal["goal_id"]

        last = await bus.read(
            "goal.progressed", tenant=tenant, where=lambda seen: mine(seen) and seen.data["current_value"] == 40
        )
        assert last[0].key == goal["goal_id"]
        published = [seen for seen in bus.seen("goal.progressed", tenant=tenant) if mine(seen)]
        times = [seen.time for seen in published]
        assert all(later - earlier >= timedelta(seconds=1) for earlier, later in itertools.pairwise(times))
        assert 2 <= len(published) <= 8

        publish(moved(0, "lost", origin="qualified", revision=2, created=now, time=now))
        for number in range(1, 39):
            publish(moved(number, "lost", origin="qualified", revision=2, created=now, time=now))

        async def fallen():
            shown = (await client.get(f"/v1/goals/{goal['goal_id']}")).json()
            return shown["current_value"] == 1 and shown["achieved_on"] is not None

        await eventually(fallen)
        for number in range(1, 6):
            publish(moved(number, "qualified", origin="lost", revision=3, created=now, time=now))
        await bus.read(
            "goal.progressed", tenant=tenant, where=lambda seen: mine(seen) and seen.data["current_value"] == 6
        )
        assert len([seen for seen in bus.seen("goal.achieved", tenant=tenant) if mine(seen)]) == 1


async def test_corrections_merges_and_erasure_keep_live_and_recount_equal(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    async with goals.client(tenant) as client:
        goal = await a_goal(client, metric="first_qualified")
        for number in range(6):
            publish(captured(number, created=now), moved(number, "qualified", created=now, qualified=now, time=now))
        publish(
            moved(0, "contacted", origin="qualified", revision=2, created=now, corrects=[1], time=now),
            merged(1, 2, time=now),
            merged(3, 4, time=now),
            merged(3, 4, version=2, undone=True, time=now),
            updated(5, created=now, campaign="spring"),
        )

        async def counted():
            return await value(client, goal) == 4

        await eventually(counted)
        publish(erased(5, time=now), erased(1, time=now))

        async def gone():
            stages = (await client.get("/v1/pipeline")).json()["stages"]
            return stages["qualified"] == 2 and stages["contacted"] == 1

        await eventually(gone)
        recount = (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()
        assert (recount["live_value"], recount["current_value"], recount["equal"]) == (4, 4, True)
        async with goals.database.worker() as work:
            rows = await work.fetch("SELECT lead_id FROM lead WHERE tenant_id = :tenant", tenant=tenant)
            assert UUID(int=6) not in {row["lead_id"] for row in rows}
            steps = await work.fetch("SELECT lead_id FROM step WHERE tenant_id = :tenant", tenant=tenant)
            assert UUID(int=2) not in {row["lead_id"] for row in steps}


async def test_a_repeated_batch_changes_nothing(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    events = [captured(0, created=now), moved(0, "qualified", created=now, qualified=now, time=now)]
    async with goals.client(tenant) as client:
        goal = await a_goal(client)
        publish(*events, *events, captured(1, created=now))
        publish(*events, moved(1, "qualified", created=now, qualified=now, time=now))

        async def counted():
            return await value(client, goal) == 2

        await eventually(counted)
        assert (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()["equal"]
