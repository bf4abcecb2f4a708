"""Facts and settings as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

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

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01",
                    "facts": {
                        "seniority": {
                            "value": "c_level",
                            "source": "local",
                            "fetched_at": "2026-03-02T09:30:00Z",
                            "confidence": 0.9,
                            "age_seconds": 60,
                        }
                    },
                    "providers": [{"name": "local", "outcome": "ok", "ms": 2}],
                    "enriched_at": "2026-03-02T09:30:00Z",
                }
            ]
        }
    )

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
    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    enabled: bool
