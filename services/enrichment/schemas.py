"""HTTP bodies of the enrichment API."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import datetime
from json import JSONDecodeError
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.enrichment.gateways import country_code
from services.enrichment.rules.facts import host_of
from services.enrichment.rules.mail import registrable
from services.enrichment.store import LeadRecord
from shared.errors import Invalid, Malformed, UnsupportedMedia
from shared.events.envelope import errors_of
from shared.strict_json import read_json

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
    """What is known about a lead. `enriched_at` is null if it was never enriched, because that was switched off."""

    lead_id: UUID
    facts: dict[str, FactOut]
    providers: list[ProviderRunOut]
    enriched_at: datetime | None

    @staticmethod
    def of(record: LeadRecord) -> dict[str, Any]:
        return {
            "lead_id": record.lead_id,
            "facts": record.facts,
            "providers": record.providers,
            "enriched_at": record.enriched_at,
        }


class SettingsBody(BaseModel):
    enabled: bool


_OTHER_HEADERS = {
    "company_domain": "domain",
    "website": "domain",
    "company": "company_name",
    "name": "company_name",
    "employee_count": "employees",
    "time_zone": "timezone",
}
"""Headers of a company table that are accepted besides the names of our fields."""

_THOUSANDS = re.compile(r"\d{1,3}([,.' \u00a0\u202f\u2019]\d{3})+")


class Company(BaseModel):
    """One row of a company directory. Headers may be written in any case; empty cells are ignored."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    domain: Annotated[str, Field(min_length=3, max_length=253, pattern=r"^[\w-]+(\.[\w-]+)+$")]
    company_name: Short | None = None
    industry: Short | None = None
    employees: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    timezone: Short | None = None

    @model_validator(mode="before")
    @classmethod
    def _rename_headers(cls, row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        cells = {"_".join(str(name).lower().split()): cell for name, cell in row.items() if not is_blank(cell)}
        return {_OTHER_HEADERS[name]: cell for name, cell in cells.items() if name in _OTHER_HEADERS} | cells

    @field_validator("domain", mode="before")
    @classmethod
    def _registrable_domain(cls, cell: Any) -> Any:
        host = host_of(cell) if isinstance(cell, str) else None
        return cell if host is None else registrable(host)

    @field_validator("employees", mode="before")
    @classmethod
    def _without_separators(cls, cell: Any) -> Any:
        if isinstance(cell, str) and _THOUSANDS.fullmatch(cell.strip()):
            return re.sub(r"\D", "", cell)
        return cell

    @field_validator("country", mode="before")
    @classmethod
    def _country_code(cls, cell: Any) -> Any:
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
    """Whether a cell is empty or has only blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


class DirectoryOut(BaseModel):
    companies: int


def read_directory(body: bytes, content_type: str) -> list[Company]:
    """The companies in an uploaded table, JSON or CSV.

    Raises UnsupportedMedia for another content type, Malformed if the body cannot be read, Invalid with the fields of
    the rows that are wrong.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/csv":
        items = _csv_items(body)
    elif kind == "application/json" or kind.endswith("+json"):
        items = _json_items(body)
    else:
        raise UnsupportedMedia("send application/json or text/csv")
    try:
        return DirectoryBody.model_validate({"items": items}).items
    except ValidationError as error:
        errors = errors_of(error)
        raise Invalid("; ".join(f"{one['field']}: {one['message']}" for one in errors[:5]), errors[:100]) from None


def _json_items(body: bytes) -> Any:
    try:
        content = read_json(body)
    except JSONDecodeError:
        raise Malformed("the body is not JSON") from None
    return content.get("items") if isinstance(content, dict) else None


def _csv_items(body: bytes) -> list[dict[str, str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed("the file is not UTF-8") from None
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise Malformed(f"the file is not CSV: {error}") from None
    return [{name: value for name, value in row.items() if name and isinstance(value, str)} for row in rows]
