"""Several replicas count for the same goals at once, while goals are created, leads merged and people erased."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from services.goals.store import leads, recounts, time_series
from services.goals.use_cases.lead_events import record_events, record_passed_meetings
from services.goals.use_cases.reports import close_ended_periods
from shared.db import DatabaseError
from shared.events import Received
from tests.unit.goals.builders import booked, cancelled, captured, erased, lead_id, merged, moved, updated

STAGES = ["contacted", "engaged", "qualified", "meeting_completed", "won", "lost", "nurture"]


def story(number: int, now: datetime, chance: random.Random) -> list:
    """The events of one lead."""
    created = now - timedelta(hours=chance.randrange(200))
    events = [captured(number, created=created, source=chance.choice(["web", "fair"]), owner="eva")]
    stage, qualified, won = "new", None, None
    for revision in range(1, chance.randrange(1, 6)):
        to = chance.choice(STAGES)
        time = created + timedelta(minutes=revision * chance.randrange(1, 900))
        qualified = qualified or (time if to in ("qualified", "meeting_completed", "won") else None)
        won = time if to == "won" else None
        events.append(
            moved(number, to, origin=stage, revision=revision, time=time, created=created, qualified=qualified, won=won)
        )
        stage = to
    if chance.random() < 0.3:
        events.append(booked(number, ends=now - timedelta(hours=chance.randrange(1, 50)), time=created))
        if chance.random() < 0.3:
            events.append(cancelled(number, time=created + timedelta(minutes=1)))
    if chance.random() < 0.3:
        events.append(updated(number, created=created, source="partner", campaign="spring"))
    if chance.random() < 0.2:
        events.append(moved(number, "dead", origin=stage, revision=9, corrects=[1], created=created, time=now))
    if number >= 2 and chance.random() < 0.15:
        events.append(merged(number - 2, number, time=now))
        if chance.random() < 0.5:
            events.append(merged(number - 2, number, version=2, undone=True, time=now))
    if chance.random() < 0.1:
        events.append(erased(number, time=now))
    return events


async def record(database, tenant, batch) -> None:
    """Record a batch as the consumer does: it tries once more when another replica was first."""
    batch = [Received(event.envelope._replace(tenant=tenant), event.event, event.recorded_at) for event in batch]
    batch.sort(key=lambda received: received.order)
    for _ in range(20):
        try:
            async with database.worker([tenant]) as work:
                fresh = []
                for event in batch:
                    fresh += [event] * await work.run(
                        "INSERT INTO inbox (tenant_id, digest) VALUES (:tenant, :digest) ON CONFLICT DO NOTHING",
                        tenant=tenant,
                        digest=event.digest,
                    )
                if fresh:
                    await record_events(work, fresh)
            return
        except DatabaseError as error:
            if error.sqlstate not in {"23505", "40P01"}:
                raise
    raise AssertionError("the batch was never recorded")


async def assert_counters_equal_the_records(database, tenant) -> int:
    """Every counter, recounted from the records in the same transaction; how many series there were."""
    async with database.worker([tenant]) as work:
        series = (await time_series.series_of(work, [tenant]))[tenant]
        for one in series:
            live = (await time_series.days_of(work, tenant, [one.series_id], datetime.min.date(), datetime.max.date()))[
                one.series_id
            ]
            assert live == (await recounts.count_days(work, [one]))[one.series_id], one
        counters = await work.fetch(
            "SELECT stage, sum(value) AS n FROM standing WHERE tenant_id = :tenant GROUP BY 1 HAVING sum(value) <> 0",
            tenant=tenant,
        )
        records = await work.fetch(
            "SELECT stage, count(*) AS n FROM lead WHERE tenant_id = :tenant AND counts AND NOT erased GROUP BY 1",
            tenant=tenant,
        )
        assert {r["stage"]: r["n"] for r in counters} == {r["stage"]: r["n"] for r in records}
        moves = await work.fetch(
            """
            SELECT s.moved_from, s.to_stage, count(*) AS n FROM step s JOIN lead l USING (tenant_id, lead_id)
            WHERE s.tenant_id = :tenant AND l.counts AND s.moved_from IS NOT NULL GROUP BY 1, 2
            """,
            tenant=tenant,
        )
        for span in (86_400, 900):
            buckets = await work.fetch(
                """
                SELECT from_stage, to_stage, sum(value) AS n FROM tally
                WHERE tenant_id = :tenant AND span = :span GROUP BY 1, 2 HAVING sum(value) <> 0
                """,
                tenant=tenant,
                span=span,
            )
            assert {(r["from_stage"], r["to_stage"]): r["n"] for r in buckets} == {
                (r["moved_from"], r["to_stage"]): r["n"] for r in moves
            }
    return len(series)


@pytest.mark.parametrize("seed", range(4))
async def test_replicas_side_by_side_lose_no_update(goals, tenant, seed):
    chance, now = random.Random(seed), datetime.now(UTC)
    events = [event for number in range(120) for event in story(number, now, chance)]
    events += chance.sample(events, 40)
    chance.shuffle(events)
    cuts = sorted(chance.sample(range(len(events)), 30))
    batches = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    replicas = [batches[n::4] for n in range(4)]

    async def replica(mine) -> None:
        for batch in mine:
            await record(goals.database, tenant, list(batch))

    async def manager() -> None:
        async with goals.client(tenant) as client:
            for wanted in (
                {"metric": "qualified_created"},
                {"metric": "first_qualified", "timezone": "Asia/Kolkata"},
                {"metric": "won", "filter": {"source": "web"}},
                {"metric": "meetings_held", "period": "week"},
            ):
                made = await client.post("/v1/goals", json={"name": "g", "target": 5, **wanted})
                assert made.status_code == 201, made.text
                recount = await client.post(f"/v1/goals/{made.json()['goal_id']}/recount")
                assert recount.json()["equal"], recount.text
                await asyncio.sleep(0.02)

    await asyncio.gather(*(replica(mine) for mine in replicas), manager())
    assert await assert_counters_equal_the_records(goals.database, tenant) == 4 + 3 * 5
    async with goals.database.worker([tenant]) as work:
        passed = [key for key in await leads.leads_with_passed_meetings(work, 1_000) if key[0] == tenant]
        await record_passed_meetings(work, passed)
    await assert_counters_equal_the_records(goals.database, tenant)
    async with goals.client(tenant) as client:
        for goal in (await client.get("/v1/goals")).json()["items"]:
            recount = (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()
            assert recount["equal"], recount
            assert recount["live_value"] == recount["current_value"] == goal["current_value"]


async def test_a_recount_corrects_a_wrong_counter(goals, tenant):
    now = datetime.now(UTC)
    await record(goals.database, tenant, [captured(0, created=now), moved(0, "qualified", created=now, time=now)])
    async with goals.client(tenant) as client:
        goal = (await client.post("/v1/goals", json={"name": "g", "target": 5})).json()
        async with goals.database.worker([tenant]) as work:
            await work.run("UPDATE series_day SET value = value + 3 WHERE tenant_id = :tenant", tenant=tenant)
        path = f"/v1/goals/{goal['goal_id']}"
        assert (await client.get(path)).json()["current_value"] == 4
        recount = (await client.post(f"{path}/recount")).json()
        assert (recount["live_value"], recount["current_value"], recount["equal"]) == (4, 1, False)
        assert (await client.get(path)).json()["current_value"] == 1


async def test_a_report_that_is_stored_while_a_person_is_erased_does_not_know_the_person(own_goals, tenant):
    async def has_read(until):
        return True

    run = await own_goals.start(only="api")
    now = datetime.now(UTC)
    await record(run.database, tenant, [captured(0, created=now), moved(0, "qualified", created=now, time=now)])
    async with run.client(tenant) as client:
        assert (await client.post("/v1/goals", json={"name": "g", "target": 5})).status_code == 201
    run.database.clock.advance(days=40)
    async with run.database.worker([tenant]) as work:
        await record_events(work, [Received(erased(0).envelope._replace(tenant=tenant), erased(0).event, now)])
        closing = asyncio.create_task(close_ended_periods(run.database, timedelta(0), timedelta(0), has_read))
        await asyncio.wait([closing], timeout=1)
    assert await closing == 1
    async with run.database.worker() as work:
        (row,) = await work.fetch("SELECT lead_id FROM report_row WHERE tenant_id = :tenant", tenant=tenant)
    assert row["lead_id"] != lead_id(0)


async def test_two_batches_with_the_same_leads_in_opposite_order_are_both_recorded(goals, tenant):
    now = datetime.now(UTC)
    await record(goals.database, tenant, [captured(number, created=now) for number in range(20)])

    async def move(numbers, revision) -> None:
        batch = [moved(n, "contacted", revision=revision, created=now, time=now) for n in numbers]
        await record(goals.database, tenant, batch)

    for revision in range(1, 9, 2):
        await asyncio.gather(move(range(20), revision), move(reversed(range(20)), revision + 1))
    async with goals.database.worker([tenant]) as work:
        row = await work.fetch_one(
            "SELECT min(revision) AS low, count(*) AS n FROM lead WHERE tenant_id = :tenant", tenant=tenant
        )
        assert (row["low"], row["n"]) == (8, 20)
        assert await work.fetch("SELECT 1 FROM lead WHERE lead_id = :lead", lead=lead_id(0))
