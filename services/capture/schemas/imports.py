"""HTTP bodies of imports."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel


class ImportOut(BaseModel):
    """The progress of an import; `total` is an estimate until it is done."""

    import_id: UUID
    state: Literal["running", "done", "failed"]
    read: int
    taken: int
    rejected: int
    total: int | None
    source: str
    file: str
    created_on: AwareDatetime
    finished_on: AwareDatetime | None
    reason: str | None
    encoding: str
    """What the file was when it was uploaded: the name of an encoding, or `xlsx`."""
    mapping: dict[str, str]
    """Which column, or path in a JSON record, fills which field."""
    unmapped: list[str]
    """The columns that no field takes; of an NDJSON file the names in its first rows."""


class ImportErrorOut(BaseModel):
    """Why a row was not taken."""

    line: int
    column: str | None
    value: str
    reason: str


class ImportWarningOut(ImportErrorOut):
    """What a person should know of a row that was taken as the lead `lead_id`: a value was left out, or is in doubt."""

    lead_id: UUID


class PreviewRow(BaseModel):
    """One row: the lead that it would be (null for one that would be rejected), and what is wrong or in doubt."""

    line: int
    lead: dict[str, Any] | None
    errors: list[dict[str, str]]
    warnings: list[dict[str, str]]


class ImportPreviewOut(BaseModel):
    """How a file would be read. `problems`: what would stop the import, or most of its rows, as sentences."""

    format: Literal["csv", "ndjson"]
    encoding: str
    delimiter: str
    columns: list[str]
    mapping: dict[str, str]
    unmapped: list[str]
    rows: list[PreviewRow]
    read: int
    """Rows that were looked at."""
    taken: int
    rejected: int
    problems: list[str]
