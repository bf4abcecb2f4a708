import asyncio
from dataclasses import dataclass

from services.enrichment.gateways import subject_of
from services.enrichment.providers.chain import chain_of, run_chain
from services.enrichment.providers.directory import Directory
from services.enrichment.providers.local import Local
from services.enrichment.providers.provider import Provider, ProviderFailed, TenantSetup
from services.enrichment.rules import Finding, Findings, Subject

SUBJECT = subject_of({"email": "ann@acme.de"})


@dataclass
class Other:
    """Another provider, which may be slow or fail."""

    name: str = "other"
    timeout: float = 5.0
    uses_network: bool = True
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
    assert [provider.name for provider in chain_of(TenantSetup(), uses_network=False)] == ["local"]
    with_directory = chain_of(TenantSetup(directory=companies), uses_network=False)
    assert [provider.name for provider in with_directory] == ["local", "directory"]
    assert chain_of(TenantSetup(directory=companies), uses_network=True) == []


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
