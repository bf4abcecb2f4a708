"""The rows of a report as CSV (RFC 4180), with cells that a spreadsheet shows and never runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.http.csv_injection import neutralise

COLUMNS = ("lead_id", "counted_on", "created_on", "source", "campaign", "owner", "stage", "status")


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The CSV lines of these rows."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([csv_cell(value) for value in row] for row in rows)
    return text.getvalue()


def csv_cell(value: object) -> str:
    """The text of a cell. Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return neutralise(value) if isinstance(value, str) else str(value)
