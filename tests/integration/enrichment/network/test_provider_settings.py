"""What a tenant may configure, who sees its secrets, and what is left of a person who is erased."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.db import DatabaseError
from shared.testing.running import Running
from tests.integration.enrichment.network import hostile_web as web
from tests.integration.enrichment.network.hostile_web import HostileWeb
from tests.integration.enrichment.network.provider_stories import Leads, api, company, configure
from tests.persons import places


async def test_the_database_shows_no_secret_to_the_api(enrichment: Running, leads: Leads, site: HostileWeb) -> None:
    await configure(enrichment, leads.tenant, api(site, "ok", headers={"X-Key": "s3cret"}))
    with pytest.raises(DatabaseError, match="permission denied"):
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
        ({"url": "https://api.example/{companyDomain}"}, "items.0.url"),
        ({"url": "https://api.example/{{{domain}}}"}, "items.0.url"),
        ({"url": "https://api.example/{domain}?q=}"}, "items.0.url"),
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
    backend: Any, enrichment: Running, leads: Leads, site: HostileWeb, bus: Any, eventually: Any
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
    change = {"lead_id": str(ada), "source": "website", "created_on": datetime.now(UTC).isoformat(), "version": 2}
    change |= {
        "changed": ["job_title", "phone"],
        "email": "ada.lovelace@shared-erasure.example",
        "job_title": "Countess",
    }
    bus.publish("lead.updated", change, tenant=leads.tenant, subject=ada, time=datetime.now(UTC))
    bad = {"lead_id": str(ada), "source": 5, "created_on": "never", "email": "ada.lovelace@shared-erasure.example"}
    bus.publish("lead.updated", bad, tenant=leads.tenant, subject=ada, time=datetime.now(UTC))
    bus.flush()
    strings = ["ada.lovelace", "enchantress", "17055555550", "ada-lovelace-fan", "lovelace-only", "countess"]

    async def found(*words: str) -> set[str]:
        """The tables in which one of these words stands."""
        return {table for table, _ in await places(backend.owner_url("enrichment"), leads.tenant, words)}

    async def buried() -> bool:
        """What is known of her now, and perhaps what was asked before she had another title."""
        return "lookup" in await found("countess") and {"lead", "dead_letter"} <= await found(*strings)

    await eventually(buried)
    for lead in (ada, alone):
        bus.publish("lead.erased", {"lead_id": str(lead)}, tenant=leads.tenant, subject=lead, time=datetime.now(UTC))
    bus.flush()

    async def gone() -> bool:
        assert await found(*strings) == set()
        return True

    await eventually(gone)
    async with enrichment.database.worker() as work:
        kept = await work.fetch("SELECT question FROM lookup WHERE tenant_id = :tenant", tenant=leads.tenant)
    assert {"company_domain": "shared-erasure.example"} in [row["question"] for row in kept]
