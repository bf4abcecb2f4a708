"""The chain of providers and its contract. A provider that is slow or fails costs a bounded time, never the lead.

To add one: a class with `name`, `kind`, `timeout` and `lookup`, put into the chain. One that calls out of the system
runs in a worker, never in a consumer.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.enrichment.rules import Findings, Subject, join


class ProviderFailed(Exception):
    """A provider could not answer; the message says why, without a detail of the lead."""


class Provider(Protocol):
    """Finds facts about a lead. `timeout`: seconds after which the chain goes on without it."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def timeout(self) -> float: ...

    async def lookup(self, subject: Subject) -> Findings:
        """What it knows, perhaps nothing. Raises ProviderFailed or OSError when it cannot answer."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """How a provider did: found, nothing, failed or timeout, in so many milliseconds."""

    name: str
    outcome: str
    ms: int


async def run_chain(chain: Sequence[Provider], subject: Subject) -> tuple[Findings, list[Run]]:
    """Ask each provider in turn. The earlier one's word stands, but for its guesses."""
    answers: list[Findings] = []
    runs: list[Run] = []
    for provider in chain:
        begun = time.perf_counter()
        found: Findings = {}
        try:
            async with asyncio.timeout(provider.timeout):
                found = await provider.lookup(subject)
            outcome = "found" if found else "nothing"
        except TimeoutError:
            outcome = "timeout"
        except (ProviderFailed, OSError):
            outcome = "failed"
        answers.append(found)
        runs.append(Run(provider.name, outcome, round((time.perf_counter() - begun) * 1_000)))
    return join(answers), runs
