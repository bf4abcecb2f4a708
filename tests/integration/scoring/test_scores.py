"""Events are received over Kafka, scores are published as `lead.scored` and explained over HTTP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.ids import revision_id, uuid7

NOW = datetime.now(UTC)


class Story:
    """Publishes one lead's events as capture and other services do."""

    def __init__(self, bus: Any, tenant: str, lead: UUID | None = None) -> None:
        self.bus, self.tenant, self.lead = bus, tenant, lead or uuid7()

    def publish(self, type: str, days_ago: float = 0, id: str | None = None, **data: Any) -> str:
        at = NOW - timedelta(days=days_ago)
        return self.bus.publish(type, data, tenant=self.tenant, subject=self.lead, time=at, id=id)

    def captured(self, days_ago: float = 10, **fields: Any) -> str:
        """Without an address or title, so that an enrichment service running beside has nothing to add."""
        created = (NOW - timedelta(days=days_ago)).isoformat()
        data = {"lead_id": str(self.lead), "source": "website", "created_on": created}
        return self.publish("lead.captured", days_ago, **data | fields)

    def visited(self, days_ago: float = 1, **data: Any) -> str:
        return self.publish("engagement.recorded", days_ago, **{"kind": "visit"} | data)

    def enriched(self, days_ago: float = 9, **facts: Any) -> str:
        at = (NOW - timedelta(days=days_ago)).isoformat()
        values = {name: {"value": value, "source": "test", "fetched_at": at} for name, value in facts.items()}
        return self.publish("lead.enriched", days_ago, facts=values, providers=[])

    async def scored(self, total: int | None = None, count: int = 1) -> Any:
        """The newest of the lead's scores, once `count` of them (with this total) were published."""

        def mine(seen: Any) -> bool:
            return seen.lead_id == str(self.lead) and (total is None or seen.data["total"] == total)

        return (await self.bus.read("lead.scored", tenant=self.tenant, where=mine, count=count))[-1]


@pytest.fixture(scope="module")
async def scoring(start: Any) -> Any:
    return await start("scoring", refresh_seconds=0.2)


@pytest.fixture
def story(bus: Any, tenant: str) -> Story:
    return Story(bus, tenant)


async def test_a_score_is_later_than_the_one_before_it_though_both_look_at_the_same_instant(
    scoring: Any, story: Story, bus: Any
) -> None:
    story.captured(0.1)
    first = await story.scored()
    for page in ("/pricing", "/demo"):
        ahead = datetime.now(UTC) + timedelta(minutes=4)
        bus.publish(
            "engagement.recorded",
            {"kind": "visit", "page": page} if page == "/pricing" else {"kind": "form", "page": page},
            tenant=story.tenant,
            subject=story.lead,
            time=ahead if page == "/pricing" else datetime.now(UTC),
        )
        await story.scored(count=2 if page == "/pricing" else 3)
    times = [seen.time for seen in bus.seen("lead.scored", tenant=story.tenant)]
    assert times == sorted(set(times)), "readers order scores by their time"
    assert len(times) == 3
    assert first.time == times[0]


async def test_a_captured_lead_is_scored_at_once(scoring: Any, story: Story, bus: Any) -> None:
    cause = story.captured(company="Acme")
    seen = await story.scored()
    assert {name: seen.data[name] for name in ("fit", "intent", "engagement", "total", "band", "model_version")} == {
        "fit": 4,
        "intent": 6,
        "engagement": 0,
        "total": 10,
        "band": "D",
        "model_version": 1,
    }
    assert seen.data["revision"] == 1
    assert seen.id == revision_id("lead.scored", story.lead, 1)
    # An enrichment service beside may have answered the capture within the same batch.
    answers = {each.id for each in bus.seen("lead.enriched", tenant=story.tenant)}
    assert seen.headers["ce_causationid"] in {cause, *answers}
    assert seen.headers["ce_source"] == "urn:leadflow:scoring"
    assert seen.time >= NOW - timedelta(minutes=1)


async def test_the_score_over_http_is_the_score_published(scoring: Any, story: Story) -> None:
    story.captured()
    story.enriched(email_free=False, seniority="head", department="sales")
    story.visited(1, page="/pricing")
    story.publish("engagement.recorded", 0.5, kind="form", page="/demo")
    async with scoring.client(story.tenant, "viewer") as client:
        seen = await story.scored(30 + 30 + 9)
        score = (await client.get(f"/v1/leads/{story.lead}/score")).json()
        assert {name: score[name] for name in ("fit", "intent", "engagement", "total", "band", "model_version")} == {
            name: seen.data[name] for name in ("fit", "intent", "engagement", "total", "band", "model_version")
        }
        answer = await client.get(f"/v1/leads/{story.lead}/score/explanation")
    contributions = orjson.loads(answer.content)["contributions"]
    for name in ("fit", "intent", "engagement"):
        assert (
            sum((Decimal(str(one["points"])) for one in contributions if one["score"] == name), Decimal(0))
            == score[name]
        )
    assert {one["rule"] for one in contributions} >= {
        "company-mail",
        "leader",
        "prices-seen",
        "demo-asked",
        "visit",
        "rounding",
    }


async def test_signals_in_any_order_and_repeated_give_the_same_score(scoring: Any, bus: Any, tenant: str) -> None:
    straight, crooked = Story(bus, tenant), Story(bus, tenant)
    for story, order in ((straight, 1), (crooked, -1)):
        publications = [
            lambda s=story: s.captured(company="Acme"),
            lambda s=story: s.enriched(seniority="manager", email_free=False),
            lambda s=story: s.visited(3, id=f"{s.lead}-visit", page="/pricing"),
            lambda s=story: s.publish("message.sent", 2, message_id="m", channel="email", kind="first"),
            lambda s=story: s.publish(
                "reply.received",
                1,
                reply_id="r",
                channel="email",
                label="interested",
                confidence=1.0,
                method="rules",
                labelled_at=NOW.isoformat(),
            ),
            lambda s=story: s.visited(3, id=f"{s.lead}-visit", page="/pricing"),
        ][::order]
        for publish in publications:
            publish()
            bus.flush()
    ends = [await story.scored(60) for story in (straight, crooked)]
    assert [end.data["band"] for end in ends] == ["B", "B"]


async def test_signals_received_before_the_capture_wait_for_it(scoring: Any, story: Story, eventually: Any) -> None:
    story.visited(1)
    story.visited(0.9)
    story.bus.flush()
    async with scoring.client(story.tenant) as client:

        async def stored() -> bool:
            async with scoring.database.worker() as work:
                row = await work.fetch_one("SELECT count(*) AS n FROM signal WHERE lead_id = :lead", lead=story.lead)
                return row["n"] == 2

        await eventually(stored)
        assert (await client.get(f"/v1/leads/{story.lead}/score")).status_code == 404
    assert not story.bus.seen("lead.scored", tenant=story.tenant)
    story.captured(2)
    assert (await story.scored()).data["engagement"] == 6


async def test_a_score_that_stays_the_same_is_not_published(scoring: Any, story: Story) -> None:
    story.captured()
    await story.scored()
    story.publish("engagement.recorded", 1, kind="something-of-their-own")
    story.visited(0)
    assert (await story.scored(9)).data["revision"] == 2


async def test_the_score_at_a_past_and_at_a_future_moment(scoring: Any, story: Story) -> None:
    story.captured(10)
    story.visited(4)
    story.visited(2)
    await story.scored()
    await story.scored(6 + 5)
    async with scoring.client(story.tenant, "viewer") as client:

        async def at(days_ago: float) -> Any:
            moment = (NOW - timedelta(days=days_ago)).isoformat()
            return await client.get(f"/v1/leads/{story.lead}/score", params={"as_of": moment})

        assert [(await at(days)).json()["engagement"] for days in (9, 4, 2)] == [0, 3, 6]
        assert (await at(-14)).json()["engagement"] == 3
        assert (await at(-400)).json()["engagement"] == 0
        assert (await at(11)).status_code == 404
        explained = await client.get(
            f"/v1/leads/{story.lead}/score/explanation?as_of={(NOW - timedelta(days=3)).isoformat()}"
        )
        assert [one["rule"] for one in explained.json()["contributions"]].count("visit") == 1
        assert (await client.get(f"/v1/leads/{story.lead}/score?as_of=yesterday")).status_code == 422


async def test_other_tenants_and_requests_without_a_token_are_refused(scoring: Any, story: Story) -> None:
    story.captured()
    await story.scored()
    path = f"/v1/leads/{story.lead}/score"
    async with scoring.client("somebody-else", "admin") as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.get(path + "/explanation")).status_code == 404
        assert (await client.post("/v1/models/1/test", json={"lead_id": str(story.lead)})).status_code == 404
    async with scoring.client() as client:
        assert (await client.get(path)).status_code == 401


async def test_the_same_lead_id_in_two_tenants_is_two_leads(scoring: Any, bus: Any, tenant: str) -> None:
    one = Story(bus, tenant)
    other = Story(bus, f"{tenant}-b", one.lead)
    one.captured()
    other.captured(source="referral")
    assert (await one.scored()).data["intent"] == 6
    assert (await other.scored()).data["intent"] == 8


async def test_a_score_that_fades_is_published_by_the_worker(bus: Any, tenant: str, start: Any, backend: Any) -> None:
    scoring = await start("scoring", refresh_seconds=0.2)
    story = Story(bus, tenant)
    story.captured()
    story.visited(0)
    story.visited(0.001)
    assert (await story.scored(12)).data["engagement"] == 6
    ahead = await start("scoring", only="workers", refresh_seconds=0.1)
    ahead.database.clock.advance(days=14)
    try:
        faded = await story.scored(9)
    finally:
        await ahead.stop()
    assert faded.data["engagement"] == 3
    assert faded.time > NOW + timedelta(days=13)
    async with scoring.client(tenant) as client:
        assert (await client.get(f"/v1/leads/{story.lead}/score")).json()["engagement"] == 3


async def test_a_merged_lead_has_the_signals_of_both_until_the_merge_is_undone(
    scoring: Any, bus: Any, tenant: str
) -> None:
    kept, alias = Story(bus, tenant), Story(bus, tenant)
    kept.captured(source="referral")
    alias.captured(5)
    alias.publish("engagement.recorded", 0, kind="form", page="/demo")
    await kept.scored(8)
    await alias.scored(32)
    data = {"lead_id": str(kept.lead), "alias_id": str(alias.lead), "merge_id": str(uuid7())}
    kept.publish("lead.merged", **data, version=2)
    assert (await kept.scored(34)).data["engagement"] == 6
    async with scoring.client(tenant) as client:
        answer = (await client.get(f"/v1/leads/{alias.lead}/score")).json()
        assert (answer["lead_id"], answer["total"]) == (str(kept.lead), 34)
    alias.publish("engagement.recorded", 0, kind="webinar")
    await kept.scored(42)
    kept.publish("lead.merged", **data, version=3, undone=True)
    assert (await kept.scored(8, count=2)).data["revision"] == 4
    assert (await alias.scored(40)).data["engagement"] == 14


async def test_an_erased_lead_is_deleted_and_its_later_events_are_dropped(
    scoring: Any, story: Story, eventually: Any
) -> None:
    story.captured()
    story.visited()
    await story.scored()
    story.publish("lead.erased", lead_id=str(story.lead))
    async with scoring.client(story.tenant) as client:

        async def gone() -> bool:
            return bool((await client.get(f"/v1/leads/{story.lead}/score")).status_code == 404)

        story.bus.flush()
        await eventually(gone)
        marker = Story(story.bus, story.tenant)
        story.captured()
        story.visited()
        marker.captured()
        await marker.scored()
        await eventually(gone)
    async with scoring.database.worker() as work:
        for table in ("signal", "lead"):
            assert not await work.fetch(f"SELECT 1 FROM {table} WHERE lead_id = :lead", lead=story.lead)
