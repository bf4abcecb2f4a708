"""The chain of providers: which ones there are, in which order they are asked, and for which tenants.

A provider that fails or is slow never stops a lead: the chain goes on without its answer.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.enrichment.providers import json_api, website
from services.enrichment.providers.directory import Directory
from services.enrichment.providers.json_api import JsonApi
from services.enrichment.providers.local import Local
from services.enrichment.providers.provider import (
    NetworkProvider,
    Provider,
    ProviderConfig,
    ProviderFailed,
    TenantSetup,
)
from services.enrichment.providers.tools import Tools
from services.enrichment.providers.website import Website
from services.enrichment.rules import Findings, Subject, join_findings
from services.enrichment.rules.questions import Question
from shared.events import ProviderRun

CHAIN: Sequence[Callable[[TenantSetup], Sequence[Provider]]] = (
    Local.of,  # every tenant
    Directory.of,  # tenants whose company directory has a company of the batch
)
"""The kinds of providers that need no network, in the order in which they are asked.

Each entry returns the tenant's providers of one kind: none if the tenant has not set it up. To add a provider, write
its class and put its `of` here.
"""


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """A kind of provider that a tenant configures, and that is asked by a worker."""

    question: Callable[[ProviderConfig, Subject], Question | None]
    """What it is asked about a lead; None if the lead lacks what it takes to ask."""
    make: Callable[[ProviderConfig, Tools], NetworkProvider]
    breaks: bool
    """Whether failures in a row pause it: not if each question goes to another server."""


NETWORK: Mapping[str, NetworkKind] = {
    "website": NetworkKind(website.question_about, Website, breaks=False),
    "json_api": NetworkKind(json_api.question_about, JsonApi, breaks=True),
}
"""The kinds that use a network. They come after CHAIN, in the order of the tenant's list."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """What a provider that uses a network has answered before, in its place in the chain."""

    name: str
    outcome: str
    ms: int = 0
    findings: Findings = field(default_factory=dict)


def chain_of(setup: TenantSetup) -> list[Provider]:
    """The tenant's providers that need no network, in the order of the chain."""
    return [provider for of in CHAIN for provider in of(setup)]


def in_order(setup: TenantSetup, links: Sequence[Provider | KnownAnswer]) -> list[Provider | KnownAnswer]:
    """In the order that decides which value of a fact wins: the tenant's list, after what is not in it."""
    return sorted(links, key=lambda link: setup.position(link.name))


async def run_chain(chain: Sequence[Provider | KnownAnswer], subject: Subject) -> tuple[Findings, list[ProviderRun]]:
    """Ask the providers one after the other: all facts found, and the outcome of each provider."""
    answers: list[Findings] = []
    runs: list[ProviderRun] = []
    for link in chain:
        answer = link if isinstance(link, KnownAnswer) else await _asked(link, subject)
        answers.append(answer.findings)
        runs.append(ProviderRun(name=answer.name, outcome=answer.outcome, ms=answer.ms))
    return join_findings(answers), runs


async def _asked(provider: Provider, subject: Subject) -> KnownAnswer:
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
    return KnownAnswer(provider.name, outcome, round((time.perf_counter() - started) * 1_000), findings)
