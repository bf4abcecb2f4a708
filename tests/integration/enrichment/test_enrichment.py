"""Leads are received over Kafka, their facts are published as `lead.enriched` and served over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.ids import uuid7

NOW = datetime.now(UTC)
HEAD = {"email": "eva@acme-tools.de", "phone": "+491701234567", "job_title": "Leiterin Einkauf"}


class Story:
    """Publishes one lead's events as capture does."""

    def __init__(self, bus: Any, tenant: str, lead: UUID | None = None) -> None:
        self.bus, self.tenant, self.lead = bus, tenant, lead or uuid7()

    def publish(self, type: str, id: str | None = None, **data: Any) -> str:
        data = {"lead_id": str(self.lead), **data}
        return self.bus.publish(type, data, tenant=self.tenant, subject=self.lead, time=NOW, id=id)

    def captured(self, id: str | None = None, **fields: Any) -> str:
        data = {"source": "website", "created_on": (NOW - timedelta(days=1)).isoformat(), **fields}
        return self.publish("lead.captured", id, **data)

    def updated(self, version: int, *changed: str, **fields: Any) -> str:
        data = {"source": "website", "created_on": NOW.isoformat(), "changed": changed, "version": version, **fields}
        return self.publish("lead.updated", **data)

    async def enriched(self, count: int = 1) -> list[Any]:
        lead = str(self.lead)
        return await self.bus.read("lead.enriched", tenant=self.tenant, where=lambda s: s.lead_id == lead, count=count)

    def published(self) -> int:
        return sum(s.lead_id == str(self.lead) for s in self.bus.seen("lead.enriched", tenant=self.tenant))


def values(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: fact["value"] for name, fact in facts.items()}


@pytest.fixture
async def enrichment(start: Any) -> Any:
    return await start("enrichment")


@pytest.fixture
def story(bus: Any, tenant: str) -> Story:
    return Story(bus, tenant)


async def test_a_captured_lead_is_enriched_without_a_network(enrichment: Any, story: Story) -> None:
    cause = story.captured(**HEAD)
    (seen,) = await story.enriched()
    assert values(seen.data["facts"]) == {
        "email_free": False,
        "email_disposable": False,
        "email_role": False,
        "phone_country": "DE",
        "phone_type": "mobile",
        "seniority": "head",
        "department": "procurement",
        "timezone": "Europe/Berlin",
        "company_name": "Acme Tools",
        "company_domain": "acme-tools.de",
        "country": "DE",
    }
    assert seen.data["facts"]["seniority"]["source"] == "local:job_title"
    assert [(run["name"], run["outcome"]) for run in seen.data["providers"]] == [("local", "found")]
    assert seen.headers["ce_causationid"] == cause
    assert seen.headers["ce_source"] == "urn:leadflow:enrichment"
    async with enrichment.client(story.tenant, "viewer") as client:
        answer = (await client.get(f"/v1/leads/{story.lead}/facts")).json()
    assert values(answer["facts"]) == values(seen.data["facts"])
    assert datetime.fromisoformat(answer["facts"]["country"]["fetched_at"]) >= NOW - timedelta(minutes=1)


async def test_only_a_newer_change_of_a_fact_field_is_enriched(enrichment: Any, story: Story, bus: Any) -> None:
    story.captured(**HEAD)
    await story.enriched()
    story.updated(2, "campaign", **HEAD, campaign="spring")
    story.updated(3, "job_title", **HEAD | {"job_title": "Geschäftsführerin"})
    seen = await story.enriched(2)
    assert values(seen[1].data["facts"])["seniority"] == "c_level"
    story.updated(5, "campaign", **HEAD | {"job_title": "Geschäftsführerin"}, campaign="summer")
    story.updated(4, "job_title", **HEAD | {"job_title": "Praktikantin"})
    marker = Story(bus, story.tenant)
    marker.captured()
    await marker.enriched()
    assert story.published() == 2


async def test_newer_facts_are_never_timed_before_older_ones(enrichment: Any, story: Story, bus: Any) -> None:
    """Readers take the newest by its time, and another system's clock may be minutes ahead."""
    ahead = datetime.now(UTC) + timedelta(minutes=4)
    data = {"lead_id": str(story.lead), "source": "website", "created_on": NOW.isoformat(), **HEAD}
    bus.publish("lead.captured", data, tenant=story.tenant, subject=story.lead, time=ahead)
    await story.enriched()
    story.updated(2, "job_title", **HEAD | {"job_title": "Geschäftsführerin"})
    await story.enriched(2)
    async with enrichment.client(story.tenant, "reviewer") as client:
        assert (await client.post(f"/v1/leads/{story.lead}/enrich")).status_code == 202
    times = [seen.time for seen in await story.enriched(3)]
    assert times == sorted(set(times))
    assert times[0] >= ahead - timedelta(milliseconds=1)


async def test_an_event_received_twice_enriches_once(enrichment: Any, story: Story, bus: Any) -> None:
    for _ in range(3):
        story.captured("the-same", **HEAD)
    marker = Story(bus, story.tenant)
    marker.captured()
    await marker.enriched()
    await story.enriched()
    assert story.published() == 1


async def test_a_tenant_switches_enrichment_off_and_on(
    enrichment: Any, story: Story, bus: Any, eventually: Any
) -> None:
    other = Story(bus, f"{story.tenant}-b")
    async with enrichment.client(story.tenant) as client:
        assert (await client.get("/v1/settings")).json() == {"enabled": True}
        assert (await client.put("/v1/settings", json={"enabled": False})).json() == {"enabled": False}
        assert (await client.post(f"/v1/leads/{uuid7()}/enrich")).status_code == 404, "also while it is switched off"
        story.captured(**HEAD)
        story.bus.flush()
        other.captured(**HEAD)
        await other.enriched()

        async def known() -> Any:
            answer = await client.get(f"/v1/leads/{story.lead}/facts")
            return answer.json() if answer.status_code == 200 else None

        nothing = {"lead_id": str(story.lead), "facts": {}, "providers": [], "enriched_at": None}
        assert await eventually(known) == nothing
        assert story.published() == 0
        assert (await client.post(f"/v1/leads/{story.lead}/enrich")).status_code == 409
        await client.put("/v1/settings", json={"enabled": True})
        answer = await client.post(f"/v1/leads/{story.lead}/enrich")
        assert (answer.status_code, answer.json()["facts"]["country"]["value"]) == (202, "DE")
        (seen,) = await story.enriched()
        assert values(seen.data["facts"]) == values(answer.json()["facts"])


async def test_enriching_a_lead_on_request_publishes_its_facts_again(enrichment: Any, story: Story) -> None:
    story.captured(**HEAD)
    await story.enriched()
    async with enrichment.client(story.tenant, "reviewer") as client:
        assert (await client.post(f"/v1/leads/{story.lead}/enrich")).status_code == 202
    assert len({seen.id for seen in await story.enriched(2)}) == 2


async def test_the_company_directory_is_looked_up_by_domain(enrichment: Any, story: Story, bus: Any) -> None:
    async with enrichment.client(story.tenant, "operator") as client:
        sent = await client.put(
            "/v1/directory",
            json={"items": [{"domain": "Acme-Tools.de", "company_name": "Acme Tools GmbH", "employees": 320}]},
        )
        assert (sent.status_code, sent.json()) == (200, {"companies": 1, "repeated": 0})
        story.captured(**HEAD)
        (seen,) = await story.enriched()
        facts = values(seen.data["facts"])
        assert (facts["company_name"], facts["employees"]) == ("Acme Tools GmbH", 320)
        assert seen.data["facts"]["employees"]["source"] == "directory"
        table = "domain;company_name;employees;country\nbeta.example;Beta;12;AT\n"
        sent = await client.put("/v1/directory", content=table.encode(), headers={"Content-Type": "text/csv"})
        assert sent.json()["companies"] == 1
        listed = (await client.get("/v1/directory")).json()
        assert [(one["domain"], one["employees"]) for one in listed["items"]] == [("beta.example", 12)]
        wrong = await client.put("/v1/directory", json={"items": [{"domain": "x", "employees": -1}]})
        assert wrong.status_code == 422
        assert {error["field"] for error in wrong.json()["errors"]} == {"items.0.domain", "items.0.employees"}
    other = Story(bus, f"{story.tenant}-b")
    other.captured(email="a@beta.example")
    (seen,) = await other.enriched()
    assert "employees" not in seen.data["facts"]


async def test_other_tenants_and_lesser_roles_are_refused(enrichment: Any, story: Story) -> None:
    story.captured(**HEAD)
    await story.enriched()
    path = f"/v1/leads/{story.lead}"
    async with enrichment.client("somebody-else", "admin") as client:
        assert (await client.get(f"{path}/facts")).status_code == 404
        assert (await client.post(f"{path}/enrich")).status_code == 404
    async with enrichment.client(story.tenant, "viewer") as client:
        assert (await client.post(f"{path}/enrich")).status_code == 403
        assert (await client.put("/v1/settings", json={"enabled": False})).status_code == 403
        assert (await client.put("/v1/directory", json={"items": []})).status_code == 403


async def test_an_alias_shows_the_facts_of_its_lead_and_an_erased_lead_is_gone(
    enrichment: Any, story: Story, bus: Any, eventually: Any
) -> None:
    alias = Story(bus, story.tenant)
    story.captured(**HEAD)
    alias.captured(email="other@gmail.com")
    await story.enriched()
    await alias.enriched()
    story.publish("lead.merged", alias_id=str(alias.lead), merge_id=str(uuid7()), version=2)
    bus.flush()
    async with enrichment.client(story.tenant) as client:

        async def answers_for() -> bool:
            return bool((await client.get(f"/v1/leads/{alias.lead}/facts")).json()["lead_id"] == str(story.lead))

        async def gone() -> bool:
            return bool((await client.get(f"/v1/leads/{story.lead}/facts")).status_code == 404)

        await eventually(answers_for)
        story.publish("lead.erased")
        bus.flush()
        await eventually(gone)
    story.updated(5, "email", **HEAD)
    marker = Story(bus, story.tenant)
    marker.captured()
    await marker.enriched()
    assert story.published() == 1
    async with enrichment.database.worker() as work:
        ids = [story.lead, alias.lead]
        assert not await work.fetch("SELECT 1 FROM lead WHERE lead_id = ANY (CAST(:ids AS uuid[]))", ids=ids)
