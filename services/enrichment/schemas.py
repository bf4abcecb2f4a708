"""HTTP bodies of the enrichment API."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.enrichment.store import Row

Short = Annotated[str, Field(min_length=1, max_length=300)]


class FactOut(BaseModel):
    value: Any
    source: str
    fetched_at: datetime


class ProviderRunOut(BaseModel):
    name: str
    outcome: str
    ms: int


class FactsOut(BaseModel):
    """What is known of a lead; `enriched_at` null: never enriched, because it was switched off."""

    lead_id: UUID
    facts: dict[str, FactOut]
    providers: list[ProviderRunOut]
    enriched_at: datetime | None

    @staticmethod
    def of(row: Row) -> dict[str, Any]:
        return {
            "lead_id": row.lead[1],
            "facts": row.facts,
            "providers": row.providers,
            "enriched_at": row.enriched_at,
        }


class SettingsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: bool


class Company(BaseModel):
    """One row of a company directory. Empty cells say nothing."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    domain: Annotated[str, Field(min_length=3, max_length=253, pattern=r"^(?i:[a-z0-9-]+(\.[a-z0-9-]+)+)$")]
    company_name: Short | None = None
    industry: Short | None = None
    employees: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    timezone: Short | None = None


class DirectoryBody(BaseModel):
    items: list[Company]


class DirectoryOut(BaseModel):
    companies: int
