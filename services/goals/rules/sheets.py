"""Rows as CSV that a spreadsheet only shows and never runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """The text of a cell. One that a spreadsheet would take for a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip(" ").startswith(_RUNS) else text


def lines(rows: Iterable[Sequence[object]]) -> str:
    """CSV lines (RFC 4180) for these rows."""
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows([cell(value) for value in row] for row in rows)
    return sheet.getvalue()
