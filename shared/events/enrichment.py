"""What enrichment publishes: facts about the person and the company."""

from typing import Annotated, Any
from uuid import UUID

from shared.events.base import Event, Model, Moment, Text, open_enum


class Fact(Model):
    """One fact, with its source, when it was fetched, and how sure it is (0 to 1)."""

    value: Any
    source: Text
    fetched_at: Moment
    confidence: float | None = None


class ProviderRun(Model):
    """The outcome of one provider of the chain; `ms` is its duration in milliseconds."""

    name: Text
    outcome: Annotated[str, open_enum("found", "nothing", "failed", "timeout", "skipped", "cached")]
    ms: int


class LeadEnriched(Event):
    """All facts known of the lead now, by name."""

    type = "lead.enriched"
    publisher = "enrichment"
    lead_id: UUID | None = None
    facts: dict[str, Fact]
    providers: list[ProviderRun]
