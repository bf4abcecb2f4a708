"""The interface of a provider, and what a tenant has set up for its providers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.enrichment.rules import Findings, Subject


@dataclass(frozen=True, slots=True)
class TenantSetup:
    """What a tenant has set up for its providers, read once for a batch of leads."""

    directory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The facts of the tenant's company directory, by domain: only the companies that the batch asks for."""


class ProviderFailed(Exception):
    """A provider could not answer. The message gives the reason, without contact data."""


class Provider(Protocol):
    """A source of facts about a lead and its company."""

    @property
    def name(self) -> str:
        """The name of its runs in `lead.enriched`."""

    @property
    def timeout(self) -> float:
        """Seconds after which the chain goes on without an answer."""

    @property
    def uses_network(self) -> bool:
        """Whether it calls another system. If so it must run in a worker, outside of a transaction."""

    async def lookup(self, subject: Subject) -> Findings:
        """The facts that it finds, possibly none. Raises ProviderFailed or OSError when it cannot answer."""
        ...
