"""HTTP bodies of the enrichment API."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.enrichment.gateways import country_code
from services.enrichment.rules.facts import host_of
from services.enrichment.rules.mail import registrable
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
    enabled: bool


_NAMES = {
    "company_domain": "domain",
    "website": "domain",
    "company": "company_name",
    "name": "company_name",
    "employee_count": "employees",
    "time_zone": "timezone",
}
_THOUSANDS = re.compile(r"\d{1,3}([,.' \u00a0\u202f\u2019]\d{3})+")


class Company(BaseModel):
    """One row of a company directory, as people keep such tables: header in any case, empty cells say nothing."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    domain: Annotated[str, Field(min_length=3, max_length=253, pattern=r"^[\w-]+(\.[\w-]+)+$")]
    company_name: Short | None = None
    industry: Short | None = None
    employees: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    timezone: Short | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_our_names(cls, row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        said = {"_".join(str(name).lower().split()): cell for name, cell in row.items() if not is_blank(cell)}
        return {_NAMES[name]: cell for name, cell in said.items() if name in _NAMES} | said

    @field_validator("domain", mode="before")
    @classmethod
    def _host(cls, cell: Any) -> Any:
        host = host_of(cell) if isinstance(cell, str) else None
        return cell if host is None else registrable(host)

    @field_validator("employees", mode="before")
    @classmethod
    def _digits(cls, cell: Any) -> Any:
        if isinstance(cell, str) and _THOUSANDS.fullmatch(cell.strip()):
            return re.sub(r"\D", "", cell)
        return cell

    @field_validator("country", mode="before")
    @classmethod
    def _code(cls, cell: Any) -> Any:
        return (country_code(cell) or cell) if isinstance(cell, str) else cell


class DirectoryBody(BaseModel):
    items: list[Company]

    @field_validator("items", mode="before")
    @classmethod
    def _without_empty_rows(cls, rows: Any) -> Any:
        if not isinstance(rows, list):
            return rows
        return [row for row in rows if not isinstance(row, Mapping) or not all(map(is_blank, row.values()))]


def is_blank(cell: object) -> bool:
    """Whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


class DirectoryOut(BaseModel):
    companies: int
