import asyncio
from dataclasses import dataclass
from uuid import uuid4

from services.enrichment.gateways.reference_data import subject_of
from services.enrichment.providers.chain import KnownAnswer, chain_of, in_order, run_chain
from services.enrichment.providers.directory import Directory
from services.enrichment.providers.local import Local
from services.enrichment.providers.provider import Provider, ProviderConfig, ProviderFailed, TenantSetup
from services.enrichment.rules import Finding, Findings, Subject

SUBJECT = subject_of({"email": "ann@acme.de"})


@dataclass
class Other:
    """Another provider, which may be slow or fail."""

    name: str = "other"
    timeout: float = 5.0
    seconds: float = 0.0
    error: Exception | None = None

    async def lookup(self, subject: Subject) -> Findings:
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        return {"employees": Finding(12, self.name)}


async def outcomes(*chain: Provider) -> dict[str, str]:
    _, runs = await run_chain(chain, SUBJECT)
    return {run.name: run.outcome for run in runs}


def test_the_chain_asks_the_local_provider_and_then_the_directory_of_tenants_that_have_one() -> None:
    companies = {"acme.de": {"employees": 40}}
    assert [provider.name for provider in chain_of(TenantSetup())] == ["local"]
    with_directory = chain_of(TenantSetup(directory=companies))
    assert [provider.name for provider in with_directory] == ["local", "directory"]
    switched_off = (ProviderConfig("ours", "directory", uuid4(), enabled=False),)
    assert [each.name for each in chain_of(TenantSetup(directory=companies, providers=switched_off))] == ["local"]


def test_the_tenants_list_decides_the_order_after_what_is_not_in_it() -> None:
    crm, ours = ProviderConfig("crm", "json_api", uuid4()), ProviderConfig("ours", "directory", uuid4())
    setup = TenantSetup(directory={"acme.de": {"employees": 40}}, providers=(crm, ours))
    links = in_order(setup, [*chain_of(setup), KnownAnswer("crm", "cached")])
    assert [link.name for link in links] == ["local", "crm", "ours"]


async def test_a_known_answer_stands_in_its_place_with_its_own_outcome() -> None:
    answer = KnownAnswer("crm", "found", 80, {"employees": Finding(12, "crm"), "company_name": Finding("Acme", "crm")})
    findings, runs = await run_chain([Local(), answer, Directory({"acme.de": {"employees": 40}})], SUBJECT)
    assert [(run.name, run.outcome, run.ms) for run in runs][1] == ("crm", "found", 80)
    assert (findings["employees"].value, findings["company_name"].value) == (12, "Acme")


async def test_the_directory_finds_a_company_by_its_name_where_the_domain_is_unknown() -> None:
    named = Directory({"acme.de": {"employees": 40}}, {"acme tools": {"employees": 7}})
    for fields, employees in (
        ({"email": "a@gmail.com", "company": "ACME Tools GmbH & Co. KG"}, 7),
        ({"email": "a@acme.de", "company": "Acme Tools"}, 40),
    ):
        findings, _ = await run_chain([Local(), named], subject_of(fields))
        assert findings["employees"].value == employees


async def test_a_slow_provider_costs_its_timeout_and_no_more() -> None:
    findings, runs = await run_chain([Local(), Other("slow", seconds=60, timeout=0.05), Other()], SUBJECT)
    assert [(run.name, run.outcome) for run in runs] == [("local", "found"), ("slow", "timeout"), ("other", "found")]
    assert 40 <= runs[1].ms < 1_000
    assert findings["employees"].source == "other"


async def test_a_provider_that_fails_does_not_stop_the_chain() -> None:
    broken, away = Other("broken", error=ProviderFailed("status 500")), Other("away", error=ConnectionRefusedError())
    assert await outcomes(broken, away, Local()) == {"broken": "failed", "away": "failed", "local": "found"}


async def test_the_directory_finds_a_company_by_its_domain() -> None:
    directory = Directory({"acme.de": {"company_name": "Acme GmbH", "employees": 40, "industry": None}})
    findings, _ = await run_chain([Local(), directory], SUBJECT)
    assert (findings["company_name"], findings["employees"]) == (
        Finding("Acme GmbH", "directory"),
        Finding(40, "directory"),
    )
    assert "industry" not in findings
    assert await outcomes(Directory({})) == {"directory": "nothing"}
