"""The chain of providers: which ones there are, in which order they are asked, and for which tenants.

A provider that fails or is slow never stops a lead: the chain goes on without its answer.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from services.enrichment.providers.directory import Directory
from services.enrichment.providers.local import Local
from services.enrichment.providers.provider import Provider, ProviderFailed, TenantSetup
from services.enrichment.rules import Findings, Subject, join_findings
from shared.events import ProviderRun

CHAIN: Sequence[Callable[[TenantSetup], Sequence[Provider]]] = (
    Local.of,  # every tenant
    Directory.of,  # tenants whose company directory has a company of the batch
)
"""All kinds of providers, in the order in which they are asked: the earlier value of a fact wins over the later ones.

Each entry returns the tenant's providers of one kind: none if the tenant has not set it up, several if it has set up
several. To add a provider, write its class and put its `of` here.
"""


def chain_of(setup: TenantSetup, *, uses_network: bool) -> list[Provider]:
    """The tenant's providers in the order of the chain: those that use a network, or those that do not."""
    return [provider for of in CHAIN for provider in of(setup) if provider.uses_network is uses_network]


async def run_chain(chain: Sequence[Provider], subject: Subject) -> tuple[Findings, list[ProviderRun]]:
    """Ask the providers one after the other: all facts found, and the outcome of each provider."""
    answers: list[Findings] = []
    runs: list[ProviderRun] = []
    for provider in chain:
        started = time.perf_counter()
        findings: Findings = {}
        try:
            async with asyncio.timeout(provider.timeout):
                findings = await provider.lookup(subject)
            outcome = "found" if findings else "nothing"
        except TimeoutError:
            outcome = "timeout"
        except (ProviderFailed, OSError):
            outcome = "failed"
        answers.append(findings)
        ms = round((time.perf_counter() - started) * 1_000)
        runs.append(ProviderRun(name=provider.name, outcome=outcome, ms=ms))
    return join_findings(answers), runs
