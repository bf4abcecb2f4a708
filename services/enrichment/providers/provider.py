"""The interface of a provider, and what a tenant has set up for its providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from services.enrichment.rules import Findings, Subject
from services.enrichment.rules.questions import Question


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A provider as its tenant has configured it. `generation` changes with all that its answers depend on."""

    name: str
    kind: str
    generation: UUID
    url: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 3_000
    confidence: float = 0.8
    rate_per_minute: int | None = None
    max_age_hours: float = 720
    enabled: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """With their values only where a request is made; they are secret."""
    paused: bool = False
    """Whether nothing is asked for now, by the circuit breaker or because the provider asked for it."""

    @property
    def timeout(self) -> float:
        return self.timeout_ms / 1_000

    @property
    def max_age(self) -> timedelta:
        return timedelta(hours=self.max_age_hours)


@dataclass(frozen=True, slots=True)
class TenantSetup:
    """What a tenant has set up for its providers, read once for a batch of leads."""

    directory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The facts of the tenant's company directory, by domain: only the companies that the batch asks for."""
    directory_names: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same by `name_key`, of companies that one name stands for."""
    providers: Sequence[ProviderConfig] = ()
    """The providers that the tenant has configured, in its order."""

    def position(self, name: str) -> int:
        """The place of a provider in the chain; one that is not configured stands before all that are."""
        return next((place for place, each in enumerate(self.providers) if each.name == name), -1)


class ProviderFailed(Exception):
    """A provider could not answer. The message gives the reason, without contact data.

    `again`: it may work later. `wait`: the provider asks to be left alone for so long.
    """

    def __init__(self, reason: str, *, again: bool = False, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.again = again
        self.wait = wait


class Provider(Protocol):
    """A source of facts about a lead and its company that needs no network: it is asked within a transaction."""

    @property
    def name(self) -> str:
        """The name of its runs in `lead.enriched`."""

    @property
    def timeout(self) -> float:
        """Seconds after which the chain goes on without an answer."""

    async def lookup(self, subject: Subject) -> Findings:
        """The facts that it finds, possibly none. Raises ProviderFailed or OSError when it cannot answer."""
        ...


class NetworkProvider(Protocol):
    """A provider that calls another system: asked by a worker, outside of a transaction, once for equal questions."""

    async def ask(self, question: Question) -> Findings:
        """The facts that it finds, possibly none. Raises ProviderFailed when it cannot answer."""
        ...
