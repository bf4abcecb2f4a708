"""The pipeline report: leads in each stage, moves, times in stage."""

from datetime import UTC, datetime, timedelta

from services.goals.store.pipeline import QUARTER, bucket_start
from services.goals.use_cases import pipeline
from tests.unit.goals.builders import captured, merged, moved


def midnight():
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def report(client, **query):
    answer = await client.get("/v1/pipeline", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_stages_moves_and_medians_of_a_period(goals, tenant, publish, eventually):
    created = midnight() - timedelta(days=20)
    for number, days in enumerate((1, 2, 6)):
        contacted = created + timedelta(days=days)
        publish(
            captured(number, created=created),
            moved(number, "contacted", created=created, time=contacted),
            moved(
                number, "engaged", origin="contacted", revision=2, created=created, time=contacted + timedelta(days=4)
            ),
        )
    publish(captured(3, created=created))
    async with goals.client(tenant) as client:

        async def there():
            shown = await report(client)
            return shown if shown["stages"]["engaged"] == 3 and shown["stages"]["new"] == 1 else None

        shown = await eventually(there)
        assert sum(shown["stages"].values()) == 4
        assert len(shown["stages"]) == 14
        assert shown["moves"] == [
            {"from": "contacted", "to": "engaged", "count": 3},
            {"from": "new", "to": "contacted", "count": 3},
        ]
        assert shown["median_days"]["new"] == 2.0
        assert shown["median_days"]["contacted"] == 4.0
        assert shown["median_days"]["won"] is None
        assert shown["estimated"] == []

        first = (created + timedelta(days=1)).date().isoformat()
        second = (created + timedelta(days=2)).date().isoformat()
        assert (await report(client, **{"from": first, "to": first}))["moves"] == [
            {"from": "new", "to": "contacted", "count": 1}
        ]
        assert (await report(client, **{"from": first, "to": second}))["moves"][0]["count"] == 2
        at = created + timedelta(days=1)
        before = await report(client, **{"from": (at - timedelta(hours=2)).isoformat(), "to": at.isoformat()})
        assert before["moves"] == []
        later = await report(client, **{"from": at.isoformat(), "to": (at + timedelta(minutes=15)).isoformat()})
        assert later["moves"] == [{"from": "new", "to": "contacted", "count": 1}]
        kolkata = await report(client, **{"from": first, "to": first, "timezone": "Asia/Kolkata"})
        assert kolkata["from"] == (at - timedelta(hours=5, minutes=30)).isoformat().replace("+00:00", "Z")
        assert kolkata["moves"] == [{"from": "new", "to": "contacted", "count": 1}]


async def test_a_corrected_move_is_not_in_the_report(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    created = now - timedelta(days=3)
    publish(
        captured(0, created=created),
        moved(0, "contacted", created=created, time=created + timedelta(days=1)),
        moved(0, "dead", origin="contacted", revision=2, created=created, time=created + timedelta(days=2)),
        moved(0, "engaged", origin="dead", revision=3, created=created, corrects=[2], time=created + timedelta(days=2)),
    )
    async with goals.client(tenant) as client:

        async def there():
            shown = await report(client)
            return shown if shown["stages"]["engaged"] == 1 else None

        moves = (await eventually(there))["moves"]
        assert {(move["from"], move["to"]): move["count"] for move in moves} == {
            ("new", "contacted"): 1,
            ("contacted", "engaged"): 1,
        }


async def test_the_moves_of_an_alias_do_not_count_until_the_merge_is_undone(goals, tenant, publish, eventually):
    now = datetime.now(UTC)
    for number in (0, 1):
        publish(captured(number, created=now), moved(number, "qualified", created=now, time=now))
    async with goals.client(tenant) as client:

        async def count(number):
            shown = await report(client)
            moves = shown["moves"][0]["count"] if shown["moves"] else 0
            return (shown["stages"]["qualified"], moves) == (number, number)

        await eventually(lambda: count(2))
        publish(merged(0, 1, time=now))
        await eventually(lambda: count(1))
        publish(merged(0, 1, version=2, undone=True, time=now))
        await eventually(lambda: count(2))


async def test_the_medians_from_the_counters_agree_with_those_from_the_rows(
    goals, tenant, publish, eventually, monkeypatch
):
    created = midnight() - timedelta(days=9)
    for number in range(60):
        stay = timedelta(hours=1 + number * 2)
        publish(captured(number, created=created), moved(number, "contacted", created=created, time=created + stay))
    async with goals.client(tenant) as client:

        async def there():
            shown = await report(client)
            return shown if shown["stages"]["contacted"] == 60 else None

        exact = (await eventually(there))["median_days"]["new"]
        monkeypatch.setattr(pipeline, "EXACT_UP_TO", 10)
        shown = await report(client)
        assert shown["estimated"] == ["new"]
        assert abs(shown["median_days"]["new"] / exact - 1) < 0.19
        assert exact == 60 / 24


async def test_midnight_in_every_time_zone_is_the_start_of_a_bucket():
    for name in ("Asia/Kathmandu", "Australia/Eucla", "Asia/Kolkata", "Pacific/Chatham", "America/St_Johns"):
        start, _ = pipeline.range_of("2025-03-31", "2025-03-31", name, datetime.now(UTC))
        assert bucket_start(start, QUARTER) == start
