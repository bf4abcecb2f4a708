"""Providers that use a network, as tenants and readers of `lead.enriched` see them: configured, slow, hostile."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy.exc import DBAPIError

from shared.ids import uuid7
from shared.testing.running import Running
from tests.integration.enrichment import hostile_web as web
from tests.integration.enrichment.hostile_web import HostileWeb, hostile_web

BOUND = 5.0
SLACK = 15.0
"""Seconds that a loaded machine may take besides."""
PAGE = b"""<html lang="de"><title>Acme | Tools</title><meta name="description" content="Tools &amp; more">
<meta property="og:site_name" content="Acme Tools"><script type="application/ld+json">
{"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, {"@type": "Organization", "name": "Acme Tools GmbH",
"numberOfEmployees": {"@type": "QuantitativeValue", "value": 240}, "address": {"addressCountry": "Germany"},
"industry": "Machinery", "sameAs": ["https://www.linkedin.com/company/acme/"]}]}</script>
<a href="mailto:info@acme.example">mail</a><a href="mailto:eva.meier@acme.example">Eva</a>
<a href="tel:+49%2030%201">call</a>
<a href="https://twitter.com/share?u=1">share</a></html>"""


class Leads:
    """Publishes leads as capture does, and reads what is published of them."""

    def __init__(self, bus: Any, tenant: str) -> None:
        self.bus, self.tenant = bus, tenant

    def capture(self, **fields: Any) -> UUID:
        lead = uuid7()
        now = datetime.now(UTC)
        data = {"lead_id": str(lead), "source": "website", "created_on": now.isoformat(), **fields}
        self.bus.publish("lead.captured", data, tenant=self.tenant, subject=lead, time=now)
        return lead

    async def enriched(self, lead: UUID, count: int = 1, within: float = 30) -> list[Any]:
        return await self.bus.read(
            "lead.enriched", tenant=self.tenant, where=lambda s: s.lead_id == str(lead), count=count
        )


def values(seen: Any) -> dict[str, Any]:
    return {name: fact["value"] for name, fact in seen.data["facts"].items()}


def outcomes(seen: Any) -> dict[str, str]:
    return {run["name"]: run["outcome"] for run in seen.data["providers"]}


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[HostileWeb]:
    async with hostile_web() as running:
        yield running


@pytest.fixture(scope="module")
async def polite_site() -> AsyncIterator[HostileWeb]:
    """One that asks robots for something; what it asks is remembered."""
    async with hostile_web() as running:
        running.routes["/robots.txt"] = web.answer(b"User-agent: *\nDisallow: /private\n", kind="text/plain")
        yield running


@pytest.fixture(scope="module")
async def enrichment(start: Any, site: HostileWeb, polite_site: HostileWeb) -> Running:
    run: Running = await start(
        "enrichment",
        allowed_private_hosts=[f"127.0.0.1:{site.port}", f"127.0.0.1:{polite_site.port}"],
        first_within_seconds=BOUND,
        poll_seconds=0.05,
        consumer_group="leadflow-enrichment-providers",
    )
    return run


@pytest.fixture
def leads(bus: Any, tenant: str) -> Leads:
    return Leads(bus, tenant)


def api(site: HostileWeb, path: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "crm",
        "kind": "json_api",
        "url": f"{site.url}/{path}?domain={{domain}}",
        "mapping": {"industry": "company.category", "employees": "company.size"},
        "timeout_ms": 2_000,
        **more,
    }


def company(category: str = "Machinery", **more: Any) -> web.Behaviour:
    return web.answer(
        orjson.dumps({"company": {"category": category, "size": "1,200"}}), kind="application/json", **more
    )


async def configure(enrichment: Running, tenant: str, *items: Mapping[str, Any]) -> Any:
    async with enrichment.client(tenant) as client:
        answer = await client.put("/v1/providers", json={"items": items})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


async def health(enrichment: Running, tenant: str) -> Any:
    async with enrichment.client(tenant, "viewer") as client:
        return (await client.get("/v1/providers")).json()["items"][0]


async def test_a_json_api_answers_and_its_facts_are_in_the_first_event(
    enrichment: Running, leads: Leads, site: HostileWeb
) -> None:
    site.routes["/ok"] = company()
    item = api(site, "ok", headers={"Authorization": "Bearer s3cret-token"})
    (shown,) = await configure(enrichment, leads.tenant, item)
    assert (shown["name"], shown["headers"], shown["state"]) == ("crm", {"Authorization": "********"}, "unused")
    lead = leads.capture(email="ada@one.example")
    (seen,) = await leads.enriched(lead)
    assert (values(seen)["industry"], values(seen)["employees"]) == ("Machinery", 1_200)
    assert outcomes(seen) == {"local": "found", "crm": "found"}
    fact = seen.data["facts"]["industry"]
    assert (fact["source"], fact["confidence"]) == ("crm", 0.8)
    request = next(each for each in site.asked if each.path == "/ok?domain=one.example")
    assert request.headers["authorization"] == "Bearer s3cret-token"
    now = await health(enrichment, leads.tenant)
    assert (now["state"], now["last_error"], now["rate"]["asked"]) == ("working", None, 1)
    async with enrichment.client(leads.tenant) as client:
        for path in ("/v1/providers", f"/v1/leads/{lead}/facts"):
            assert "s3cret" not in (await client.get(path)).text
        facts = (await client.get(f"/v1/leads/{lead}/facts")).json()["facts"]
    assert facts["industry"]["age_seconds"] < 60


async def test_leads_of_a_company_share_one_answer_and_one_flight(
    enrichment: Running, leads: Leads, site: HostileWeb
) -> None:
    site.routes["/shared"] = web.after(0.2, company())
    await configure(enrichment, leads.tenant, api(site, "shared"))
    first = [leads.capture(email=f"p{n}@shared.example") for n in range(5)]
    for lead in first:
        assert outcomes((await leads.enriched(lead))[0])["crm"] == "found"
    later = leads.capture(email="later@shared.example")
    assert outcomes((await leads.enriched(later))[0])["crm"] == "cached"
    assert sum(path.startswith("/shared") for path in site.paths()) == 1


async def test_a_website_is_read_with_its_structured_data(enrichment: Running, leads: Leads, site: HostileWeb) -> None:
    site.routes["/acme"] = web.answer(PAGE, kind="text/html; charset=utf-8")
    await configure(enrichment, leads.tenant, {"name": "site", "kind": "website"})
    lead = leads.capture(email="x@gmail.com", website=f"{site.url}/acme")
    (seen,) = await leads.enriched(lead)
    assert {name: value for name, value in values(seen).items() if not name.startswith("email_")} == {
        "company_name": "Acme Tools GmbH",
        "company_description": "Tools & more",
        "website_title": "Acme | Tools",
        "website_language": "de",
        "employees": 240,
        "industry": "Machinery",
        "country": "DE",
        "company_email": "info@acme.example",
        "company_phone": "+49 30 1",
        "company_linkedin": "https://linkedin.com/company/acme",
    }
    assert "/robots.txt" in site.paths()


async def test_what_robots_txt_refuses_is_not_read(enrichment: Running, leads: Leads, polite_site: HostileWeb) -> None:
    polite_site.routes["/private/acme"] = web.answer(PAGE)
    await configure(enrichment, leads.tenant, {"name": "site", "kind": "website"})
    lead = leads.capture(email="x@gmail.com", website=f"{polite_site.url}/private/acme")
    assert outcomes((await leads.enriched(lead))[0])["site"] == "failed"
    assert polite_site.paths() == ["/robots.txt"]
    assert "robots" in (await health(enrichment, leads.tenant))["last_error"]["reason"]


HOSTILE: Sequence[tuple[str, web.Behaviour]] = (
    ("silent", web.silent),
    ("reset", web.reset),
    ("garbage", web.garbage),
    ("drip", web.drip),
    ("endless", web.endless_body),
    ("headers", web.endless_headers),
    ("hints", web.endless_informational),
    ("gzip", web.bomb("gzip")),
    ("deflate", web.bomb("deflate")),
    ("loop", web.redirect("/loop")),
    ("metadata", web.redirect("http://169.254.169.254/latest")),
    ("error", web.answer(b"", status="500 Oops")),
    ("busy", web.answer(b"", status="429 Slow Down", Retry_After="3600")),
    ("refused", web.answer(b"", status="401 No")),
    ("liar", web.answer(b'{"company": {"category": {"a": 1}, "size": "lots"}}', kind="application/json")),
    ("nested", web.answer(b"[" * 50_000, kind="application/json")),
    ("html", web.NESTED),
    ("late", web.after(BOUND + 1.0, company())),
)


@pytest.mark.parametrize("kind", ["json_api", "website"])
async def test_whatever_a_provider_does_each_lead_gets_one_first_event_within_the_bound(
    enrichment: Running, leads: Leads, site: HostileWeb, bus: Any, kind: str
) -> None:
    """All of them at once, each in a tenant of its own, beside a tenant whose provider is honest."""
    site.routes |= {f"/bad-{name}": behaviour for name, behaviour in HOSTILE} | {"/good": company()}
    site.routes["/bad-loop"] = web.redirect("/bad-loop")
    crowd: dict[str, tuple[Leads, list[UUID]]] = {}
    for name in [name for name, _ in HOSTILE] + ["honest"]:
        tenant = f"{leads.tenant}-{name}"
        path = "good" if name == "honest" else f"bad-{name}"
        item = api(site, path, timeout_ms=10_000 if name == "late" else 1_000)
        if kind == "website" and name != "honest":
            item |= {"kind": "website", "url": f"{site.url}/{path}?{{domain}}", "mapping": {}}
        await configure(enrichment, tenant, item)
        crowd[name] = (Leads(bus, tenant), [])
    began = time.monotonic()
    for name, (each, ids) in crowd.items():
        ids += [each.capture(email=f"ada@{name}-{n}.example") for n in range(2)]
    bus.flush()
    firsts = {}
    for name, (each, ids) in crowd.items():
        for lead in ids:
            firsts[name] = (await each.enriched(lead))[0]
    assert time.monotonic() - began < BOUND + SLACK
    assert values(firsts["honest"])["industry"] == "Machinery"
    for name, seen in firsts.items():
        assert values(seen)["email_free"] is False
        if name not in ("honest", "late"):
            assert "industry" not in values(seen)
    for each, ids in crowd.values():
        for lead in ids:
            events = bus.seen("lead.enriched", tenant=each.tenant)
            assert len({seen.id for seen in events if seen.lead_id == str(lead)}) == 1 or each.tenant.endswith("late")
        await configure(enrichment, each.tenant)


async def test_a_late_answer_is_published_as_a_newer_event(
    enrichment: Running, leads: Leads, site: HostileWeb, eventually: Any
) -> None:
    site.routes["/slow"] = web.after(BOUND + 1, company("Optics"))
    await configure(enrichment, leads.tenant, api(site, "slow", timeout_ms=10_000))
    lead = leads.capture(email="ada@slow.example")
    first, second = await leads.enriched(lead, 2)
    assert (outcomes(first)["crm"], "industry" in values(first)) == ("timeout", False)
    assert (outcomes(second)["crm"], values(second)["industry"]) == ("found", "Optics")
    assert first.headers["ce_correlationid"] == second.headers["ce_correlationid"]
    assert second.time >= first.time


async def test_a_provider_that_fails_is_left_alone_and_tried_again(
    enrichment: Running, leads: Leads, site: HostileWeb, eventually: Any
) -> None:
    site.routes["/broken"] = web.answer(b"", status="500 Oops")
    await configure(enrichment, leads.tenant, api(site, "broken"))
    for number in range(6):
        await leads.enriched(leads.capture(email=f"ada@broken-{number}.example"))

    async def is_paused() -> Any:
        now = await health(enrichment, leads.tenant)
        return now if now["state"] == "paused" else None

    paused = await eventually(is_paused)
    assert paused["last_error"]["reason"] == "it answers 500"
    asked = sum(path.startswith("/broken") for path in site.paths())
    began = time.monotonic()
    (seen,) = await leads.enriched(leads.capture(email="ada@while-paused.example"))
    assert outcomes(seen)["crm"] == "skipped"
    assert time.monotonic() - began < BOUND + SLACK
    assert sum(path.startswith("/broken") for path in site.paths()) == asked
    site.routes["/broken"] = company("Steel")
    enrichment.database.clock.advance(minutes=11)
    try:
        lead = leads.capture(email="ada@mended.example")
        (seen,) = await leads.enriched(lead)
        assert values(seen)["industry"] == "Steel"
    finally:
        enrichment.database.clock.advance(minutes=-11)


async def test_a_busy_provider_is_asked_again_when_it_said(
    enrichment: Running, leads: Leads, site: HostileWeb, eventually: Any
) -> None:
    site.routes["/busy-once"] = web.answer(b"", status="429 Slow", Retry_After="300")
    await configure(enrichment, leads.tenant, api(site, "busy-once"))
    lead = leads.capture(email="ada@busy.example")
    await leads.enriched(lead)
    now = await health(enrichment, leads.tenant)
    assert (now["state"], now["last_error"]["reason"]) == ("paused", "it answers 429")
    wait = datetime.fromisoformat(now["paused_until"]) - datetime.now(UTC)
    assert timedelta(seconds=200) < wait <= timedelta(seconds=301)
    site.routes["/busy-once"] = company("Paper")
    enrichment.database.clock.advance(minutes=6)
    try:
        assert values((await leads.enriched(lead, 2))[1])["industry"] == "Paper"
    finally:
        enrichment.database.clock.advance(minutes=-6)


async def test_old_answers_are_refreshed_after_what_leads_wait_for(
    enrichment: Running, leads: Leads, site: HostileWeb
) -> None:
    from services.enrichment.workers import refresh_answers

    site.routes["/aging"] = company("Wood")
    await configure(enrichment, leads.tenant, api(site, "aging", max_age_hours=1))
    lead = leads.capture(email="ada@aging.example")
    await leads.enriched(lead)
    site.routes["/aging"] = company("Furniture")
    enrichment.database.clock.advance(hours=2)
    try:
        assert await refresh_answers(enrichment.database) >= 1
        assert values((await leads.enriched(lead, 2))[1])["industry"] == "Furniture"
    finally:
        enrichment.database.clock.advance(hours=-2)


async def test_a_lead_enriched_on_request_asks_again(enrichment: Running, leads: Leads, site: HostileWeb) -> None:
    site.routes["/again"] = company("Glass")
    lead = leads.capture(email="ada@again.example")
    await leads.enriched(lead)
    await configure(enrichment, leads.tenant, api(site, "again"))
    async with enrichment.client(leads.tenant, "reviewer") as client:
        assert (await client.post(f"/v1/leads/{lead}/enrich")).status_code == 202
    assert values((await leads.enriched(lead, 3))[2])["industry"] == "Glass"


async def test_the_order_of_the_list_decides_which_value_counts(
    enrichment: Running, leads: Leads, site: HostileWeb
) -> None:
    site.routes |= {"/first": company("First"), "/second": company("Second")}
    items = [api(site, "first", name="a"), api(site, "second", name="b", confidence=0.9)]
    await configure(enrichment, leads.tenant, *items)
    (seen,) = await leads.enriched(leads.capture(email="ada@order.example"))
    assert seen.data["facts"]["industry"]["source"] == "a"
    items[0]["confidence"] = 0.3
    await configure(enrichment, leads.tenant, *items)
    (seen,) = await leads.enriched(leads.capture(email="bob@order.example"))
    assert seen.data["facts"]["industry"]["source"] == "b"


async def test_the_database_shows_no_secret_to_the_api(enrichment: Running, leads: Leads, site: HostileWeb) -> None:
    await configure(enrichment, leads.tenant, api(site, "ok", headers={"X-Key": "s3cret"}))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with enrichment.database.tenant(leads.tenant) as work:
            await work.fetch("SELECT value FROM provider_secret")


async def test_a_masked_header_keeps_its_secret_but_not_for_another_host(
    enrichment: Running, leads: Leads, site: HostileWeb
) -> None:
    site.routes["/kept"] = company()
    await configure(enrichment, leads.tenant, api(site, "ok", headers={"X-Key": "s3cret"}))
    item = api(site, "kept", headers={"X-Key": "********"})
    await configure(enrichment, leads.tenant, item)
    await leads.enriched(leads.capture(email="ada@kept.example"))
    assert next(each for each in site.asked if each.path.startswith("/kept")).headers["x-key"] == "s3cret"
    async with enrichment.client(leads.tenant) as client:
        for wrong in (
            {**item, "url": "https://evil.example/?d={domain}"},
            {**item, "name": "other"},
            {**item, "headers": {"X-Other": "********"}},
        ):
            answer = await client.put("/v1/providers", json={"items": [wrong]})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"].startswith("items.0.headers.")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://127.0.0.1:1/"}, "items.0"),
        ({"url": "http://10.0.0.1/{domain}"}, "items.0"),
        ({"url": "http://[::1]/{domain}"}, "items.0"),
        ({"url": "http://localhost/{domain}"}, "items.0"),
        ({"url": "ftp://api.example/"}, "items.0"),
        ({"url": "https://{domain}/"}, "items.0"),
        ({"url": "https://api.example/{secret}"}, "items.0.url"),
        ({"url": None}, "items.0"),
        ({"mapping": {}}, "items.0"),
        ({"mapping": {"industry": "a["}}, "items.0.mapping"),
        ({"mapping": {"Industry!": "a"}}, "items.0.mapping"),
        ({"headers": {"X": "a\r\nY: b"}}, "items.0.headers"),
        ({"headers": {"Host": "other.example"}}, "items.0.headers"),
        ({"timeout_ms": 0}, "items.0.timeout_ms"),
        ({"kind": "ftp"}, "items.0.kind"),
        ({"name": ""}, "items.0.name"),
    ],
)
async def test_a_configuration_that_cannot_work_is_refused_with_the_field(
    enrichment: Running, leads: Leads, site: HostileWeb, change: dict[str, Any], field: str
) -> None:
    async with enrichment.client(leads.tenant) as client:
        answer = await client.put("/v1/providers", json={"items": [api(site, "ok") | change]})
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
        assert (await client.get("/v1/providers")).json() == {"items": [], "next_cursor": None}
    async with enrichment.client(leads.tenant, "operator") as client:
        assert (await client.put("/v1/providers", json={"items": []})).status_code == 403


async def test_erasure_leaves_no_string_of_the_person_in_any_table(
    enrichment: Running, leads: Leads, site: HostileWeb, bus: Any, eventually: Any
) -> None:
    """Facts that were found by the person's address go; what a colleague's company is known by stays."""

    async def about_a_person(asked: web.Asked, write: web.Write) -> None:
        await company("Ada-Lovelace-Fan" if "ada" in asked.path else "Clerks")(asked, write)

    site.routes |= {"/person": about_a_person, "/company": company("Machinery")}
    person = api(site, "person", name="person", url=f"{site.url}/person?email={{email}}&title={{job_title}}")
    await configure(enrichment, leads.tenant, api(site, "company"), person)
    colleague = leads.capture(email="bob@shared-erasure.example", job_title="Clerk")
    ada = leads.capture(
        email="ada.lovelace@shared-erasure.example", job_title="Enchantress of Numbers", phone="+4917055555550"
    )
    alone = leads.capture(email="ada@lovelace-only.example", job_title="Enchantress of Numbers")
    for lead in (colleague, ada, alone):
        await leads.enriched(lead)
    bad = {"lead_id": str(ada), "source": 5, "created_on": "never", "email": "ada.lovelace@shared-erasure.example"}
    bus.publish("lead.updated", bad, tenant=leads.tenant, subject=ada, time=datetime.now(UTC))
    bus.flush()
    strings = ["ada.lovelace", "Enchantress", "17055555550", "Ada-Lovelace-Fan", "lovelace-only"]

    async def found() -> dict[str, set[str]]:
        """The strings that stand in each table."""
        async with enrichment.database.worker() as work:
            tables = await work.fetch(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                " AND relname <> 'alembic_version' AND has_table_privilege(oid, 'SELECT')"
            )
            hits: dict[str, set[str]] = {}
            for table in [row["relname"] for row in tables]:
                raw = "encode(r.value, 'escape')" if table in ("dead_letter", "outbox", "outbox_refused") else "''"
                rows = await work.fetch(
                    f"SELECT r::text || {raw} AS text FROM {table} r WHERE r.tenant_id = :tenant", tenant=leads.tenant
                )
                text = "\n".join(row["text"] for row in rows)
                if here := {each for each in strings if each in text}:
                    hits[table] = here
            return hits

    async def buried() -> bool:
        return {"lead", "lookup", "dead_letter"} <= set(await found())

    await eventually(buried)
    for lead in (ada, alone):
        bus.publish("lead.erased", {"lead_id": str(lead)}, tenant=leads.tenant, subject=lead, time=datetime.now(UTC))
    bus.flush()

    async def gone() -> bool:
        assert await found() == {}
        return True

    await eventually(gone)
    async with enrichment.database.worker() as work:
        kept = await work.fetch("SELECT question FROM lookup WHERE tenant_id = :tenant", tenant=leads.tenant)
    assert {"company_domain": "shared-erasure.example"} in [row["question"] for row in kept]
