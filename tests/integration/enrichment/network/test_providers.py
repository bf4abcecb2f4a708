"""Providers that use a network, as tenants and readers of `lead.enriched` see them: configured, slow, hostile."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.testing.running import Running
from tests.integration.enrichment.network import hostile_web as web
from tests.integration.enrichment.network.hostile_web import HostileWeb
from tests.integration.enrichment.network.provider_stories import (
    BOUND,
    PAGE,
    SLACK,
    Leads,
    api,
    company,
    configure,
    health,
    outcomes,
    values,
)


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
    site.routes["/shared"] = web.after(1, company())
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


async def test_what_robots_txt_refuses_is_not_read_behind_a_redirect(
    enrichment: Running, leads: Leads, polite_site: HostileWeb
) -> None:
    polite_site.routes["/"] = web.redirect("/private/acme")
    polite_site.routes["/private/acme"] = web.answer(PAGE)
    await configure(enrichment, leads.tenant, {"name": "site", "kind": "website"})
    lead = leads.capture(email="x@gmail.com", website=f"{polite_site.url}/")
    assert outcomes((await leads.enriched(lead))[0])["site"] == "failed"
    assert polite_site.paths() == ["/robots.txt", "/"]


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
        item = api(site, path, timeout_ms=10_000 if name in ("late", "honest") else 1_000)
        if kind == "website" and name != "honest":
            item |= {"kind": "website", "url": f"{site.url}/{path}?{{domain}}", "mapping": {}}
        await configure(enrichment, tenant, item)
        crowd[name] = (Leads(bus, tenant), [])
    try:
        began = time.monotonic()
        for name, (each, ids) in crowd.items():
            ids += [each.capture(email=f"ada@{name}-{n}.example") for n in range(2)]
        bus.flush()
        for each, ids in crowd.values():
            for lead in ids:
                assert values((await each.enriched(lead))[0])["email_free"] is False
        assert time.monotonic() - began < BOUND + SLACK
        honest, (lead, _) = crowd["honest"]
        await bus.read("lead.enriched", tenant=honest.tenant, where=lambda s: values(s).get("industry") == "Machinery")
        published = Counter(seen.lead_id for seen in bus.seen("lead.enriched"))
        for name, (_, ids) in crowd.items():
            for lead in ids:
                # Only a fact that came later makes a second event.
                assert published[str(lead)] == 1 or (name in ("honest", "late", *LATER[kind])), name
    finally:
        for each, _ in crowd.values():
            await configure(enrichment, each.tenant)


LATER: Mapping[str, Sequence[str]] = {"json_api": (), "website": ("endless",)}
"""What may give a website's facts late: a page is read as far as it goes."""


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
