import asyncio
from dataclasses import dataclass

from services.enrichment.gateways import subject_of
from services.enrichment.providers import Provider, ProviderFailed, run_chain
from services.enrichment.providers.directory import Directory
from services.enrichment.providers.local import Local
from services.enrichment.rules import Finding, Findings, Subject

SUBJECT = subject_of({"email": "ann@acme.de"})


@dataclass
class Other:
    """A provider as somebody may add it."""

    name: str = "other"
    kind: str = "test"
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


async def test_a_provider_that_is_slow_costs_its_time_out_and_not_more() -> None:
    findings, runs = await run_chain([Local(), Other("slow", seconds=60, timeout=0.05), Other()], SUBJECT)
    assert [(run.name, run.outcome) for run in runs] == [("local", "found"), ("slow", "timeout"), ("other", "found")]
    assert 40 <= runs[1].ms < 1_000
    assert findings["employees"].source == "other"


async def test_a_provider_that_fails_stops_nobody() -> None:
    broken, away = Other("broken", error=ProviderFailed("status 500")), Other("away", error=ConnectionRefusedError())
    assert await outcomes(broken, away, Local()) == {"broken": "failed", "away": "failed", "local": "found"}


async def test_the_directory_knows_a_company_by_its_domain() -> None:
    directory = Directory({"acme.de": {"company_name": "Acme GmbH", "employees": 40, "industry": None}})
    findings, _ = await run_chain([Local(), directory], SUBJECT)
    assert (findings["company_name"], findings["employees"]) == (
        Finding("Acme GmbH", "directory"),
        Finding(40, "directory"),
    )
    assert "industry" not in findings
    assert await outcomes(Directory({})) == {"directory": "nothing"}
