"""Company tables, uploaded as JSON or CSV."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from json import JSONDecodeError
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.enrichment.gateways.reference_data import zone_name
from services.enrichment.rules.facts import host_of
from shared.countries import country_code
from shared.errors import Invalid, Malformed, TooLarge, UnsupportedMedia
from shared.events.envelope import errors_of
from shared.mail_addresses import registrable
from shared.strict_json import read_json

Short = Annotated[str, Field(min_length=1, max_length=300)]


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
    """One row of a company directory, with a domain, a name, or both.

    Headers may be written in any case; empty cells are ignored.
    """

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    domain: Annotated[str, Field(min_length=3, max_length=253, pattern=r"^[\w-]+(\.[\w-]+)+$")] | None = None
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

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.domain is None and self.company_name is None:
            raise ValueError("a company needs a domain or a company_name")
        return self

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
        return _known(cell, country_code, "is not a known country; write its two-letter ISO code")

    @field_validator("timezone", mode="before")
    @classmethod
    def _zone_name(cls, cell: Any) -> Any:
        return _known(cell, zone_name, "is not an IANA time zone, such as Europe/Berlin")


def _known(cell: Any, look_up: Callable[[str], str | None], otherwise: str) -> Any:
    """The text of a cell by its proper name. ValueError, with the sentence, for one that has none."""
    if not isinstance(cell, str):
        return cell
    if (name := look_up(cell)) is None:
        raise ValueError(otherwise)
    return name


class DirectoryBody(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "domain": "analytical.example",
                            "company_name": "Analytical Ltd",
                            "industry": "software",
                            "employees": 120,
                            "country": "GB",
                        }
                    ]
                }
            ]
        }
    )

    items: list[Company]


def is_blank(cell: object) -> bool:
    """Whether a cell is empty or has only blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


class DirectoryOut(BaseModel):
    """How many companies the directory has now, and how many rows repeated the domain of a later row."""

    companies: int
    repeated: int


MAX_COMPANIES = 100_000


def read_directory(body: bytes, content_type: str) -> list[Company]:
    """The companies in an uploaded table, JSON or CSV.

    Raises UnsupportedMedia for another content type, Malformed if the body cannot be read, Invalid with the fields of
    the rows that are wrong, and for CSV with their lines (the header is line 1).
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/csv", "application/csv", "text/plain", "text/tab-separated-values"):
        items, lines = _csv_items(body)
    elif kind == "application/json" or kind.endswith("+json"):
        items, lines = _json_items(body), []
    else:
        raise UnsupportedMedia("send application/json, text/csv, or multipart/form-data with the part `file`")
    if isinstance(items, list) and len(items) > MAX_COMPANIES:
        raise TooLarge(f"a directory has at most {MAX_COMPANIES} companies; this table has {len(items)}")
    try:
        return DirectoryBody.model_validate({"items": items}).items
    except ValidationError as error:
        errors = [_with_line(one, lines) for one in errors_of(error)]
        detail = "; ".join(f"{_place(one)}: {one['message']}" for one in errors[:5])
        raise Invalid(detail + ("; and more" if len(errors) > 5 else ""), errors[:100]) from None


def _with_line(error: dict[str, Any], lines: Sequence[int]) -> dict[str, Any]:
    """The error with the line of its row, where the table has lines."""
    parts = str(error["field"]).split(".")
    if len(parts) > 1 and parts[1].isdigit() and int(parts[1]) < len(lines):
        return {**error, "line": lines[int(parts[1])], "column": ".".join(parts[2:])}
    return error


def _place(error: Mapping[str, Any]) -> str:
    return f"line {error['line']}, {error['column'] or 'the row'}" if "line" in error else str(error["field"])


def _json_items(body: bytes) -> Any:
    try:
        content = read_json(body)
    except JSONDecodeError:
        raise Malformed("the body is not JSON") from None
    items = content.get("items") if isinstance(content, dict) else content
    if not isinstance(items, list):
        return items
    return [row for row in items if not isinstance(row, Mapping) or not all(map(is_blank, row.values()))]


def _csv_items(body: bytes) -> tuple[list[dict[str, str]], list[int]]:
    """The rows that are not empty, and the line on which each ends."""
    text = _text(body)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    items: list[dict[str, str]] = []
    lines: list[int] = []
    try:
        reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
        for row in reader:
            item = {name: value for name, value in row.items() if name and isinstance(value, str)}
            if not all(map(is_blank, item.values())):
                items.append(item)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}: the file is not CSV: {error}") from None
    return items, lines


def _text(body: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, or else Windows-1252, which spreadsheets write."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return body.decode("utf-16")
        except UnicodeDecodeError:
            raise Malformed("the file begins like UTF-16, and is not") from None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")
