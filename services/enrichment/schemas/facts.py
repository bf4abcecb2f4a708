"""Facts and settings as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.enrichment.store.leads import LeadRecord


class FactOut(BaseModel):
    value: Any
    source: str
    fetched_at: datetime
    confidence: float | None = None
    """How sure it is, from 0 to 1; below 0.5 it is a guess."""
    age_seconds: int


class ProviderRunOut(BaseModel):
    name: str
    outcome: str
    ms: int


class FactsOut(BaseModel):
    """What is known about a lead.

    `enriched_at` is null before its first `lead.enriched`: it waits for its providers, or enrichment is switched off.
    """

    lead_id: UUID
    facts: dict[str, FactOut]
    providers: list[ProviderRunOut]
    enriched_at: datetime | None

    @staticmethod
    def of(record: LeadRecord, now: datetime) -> dict[str, Any]:
        facts = {
            name: {
                **fact,
                "age_seconds": max(0, round((now - datetime.fromisoformat(fact["fetched_at"])).total_seconds())),
            }
            for name, fact in record.facts.items()
        }
        return {
            "lead_id": record.lead_id,
            "facts": facts,
            "providers": record.providers,
            "enriched_at": record.enriched_at,
        }


class SettingsBody(BaseModel):
    enabled: bool
