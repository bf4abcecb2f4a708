"""The records of an uploaded CSV or NDJSON file, read page by page from the offset of any record.

A page is read from a window of the file. The bytes alone decide where a record begins and ends and on which physical
line it is, so a worker that continues in the middle of a file reads the same records as the worker before it.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.limits import MAX_JSON_DEPTH
from shared.strict_json import is_too_deep, read_json

MAX_ROW_LINES = 100
MAX_ROW_BYTES = 1_048_576
DELIMITERS = ",;\t|"
ENCODINGS = ("utf-8", "windows-1252", "iso-8859-1", "iso-8859-15")


class NotText(ValueError):
    """The file is neither CSV nor NDJSON, for example a spreadsheet."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written. `format`: csv or ndjson; `start` and `line`: byte and line of the first record."""

    format: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record, its first physical line (the header is line 1), and where the next record begins.

    `values` is None for a record that cannot be read, with the `reason` why.
    """

    line: int
    next_line: int
    next_offset: int
    values: Mapping[str, Any] | None
    reason: str = ""


def read_layout(head: bytes, *, name: str = "", encoding: str = "utf-8") -> Layout:
    """How a file is written, from its first bytes and its name.

    Raises NotText or ValueError, with a sentence for people, for a file that cannot be read.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding {encoding!r} is not supported; use one of {', '.join(ENCODINGS)}")
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise NotText("this is a spreadsheet file; save it as CSV (UTF-8)")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:1_000]:
        raise NotText("the file is not UTF-8 text; save it as CSV (UTF-8)")
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    line = 1
    lines = head[start:].splitlines(keepends=True)
    while lines and not lines[0].strip():
        start, line = start + len(lines.pop(0)), line + 1
    if not lines:
        raise ValueError("the file is empty")
    if name.lower().endswith((".ndjson", ".jsonl")) or lines[0].lstrip().startswith(b"{"):
        return Layout("ndjson", encoding, "", (), start, line)
    try:
        header = lines[0].decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"the header is not {encoding}") from None
    delimiter = max(DELIMITERS, key=header.count)
    record = next(_csv(lines, Layout("csv", encoding, delimiter, (), start, line), start, line, ended=True))
    columns = record.values.get("") if record.values else None
    if not columns:
        raise ValueError(f"the header cannot be read: {record.reason}")
    return Layout("csv", encoding, delimiter, tuple(c.strip() for c in columns), record.next_offset, record.next_line)


def read_records(window: bytes, layout: Layout, offset: int, line: int, *, ended: bool) -> Iterator[Record]:
    """The complete records in a window of the file that begins at byte `offset` and physical line `line`.

    `ended`: the window reaches the end of the file. Otherwise an incomplete last record is left for the next page; a
    record that fills the whole window is too long, and is returned with that reason.
    """
    lines = window.splitlines(keepends=True)
    if not ended and lines and not lines[-1].endswith(b"\n"):
        if len(lines) == 1 and len(window) >= MAX_ROW_BYTES:
            yield Record(line, line, offset + len(window), None, f"is longer than {MAX_ROW_BYTES} bytes")
            return
        lines.pop()
    read = _ndjson if layout.format == "ndjson" else _csv
    for record in read(lines, layout, offset, line, ended=ended):
        named = layout.format == "ndjson" or record.values is None
        yield record if named else _with_column_names(record, layout.columns)


def _ndjson(lines: Sequence[bytes], layout: Layout, offset: int, line: int, *, ended: bool) -> Iterator[Record]:
    for number, raw in enumerate(lines, start=line):
        offset += len(raw)
        if not raw.strip():
            continue
        text, values, reason = b"", None, ""
        try:
            text = raw.decode(layout.encoding).encode()
            values = read_json(text)
        except UnicodeDecodeError:
            reason = f"is not {layout.encoding} text"
        except json.JSONDecodeError as error:
            reason = f"is not JSON: {error.msg.removesuffix(' at')} (character {error.colno})"
        if not isinstance(values, dict):
            values, reason = None, reason or "is not a JSON object"
        elif is_too_deep(text, values):
            values, reason = None, f"is nested more than {MAX_JSON_DEPTH} levels deep"
        yield Record(number, number + 1, offset, values, reason)


class _Unfinished(Exception):
    """A quoted value continues after the last line of the window."""


class _TooLong(Exception):
    """A quoted value has too many lines: its quote was never closed."""


def _csv(lines: Sequence[bytes], layout: Layout, offset: int, line: int, *, ended: bool) -> Iterator[Record]:
    """CSV records as `{"": [values]}`; blank lines are skipped."""
    at = 0
    while at < len(lines):
        used, values, reason = 1, None, ""
        first = lines[at]
        if not first.strip(b" \t\r\n"):
            at, offset, line = at + 1, offset + len(first), line + 1
            continue
        try:
            values, used = _csv_record(lines, at, layout)
        except _Unfinished:
            if not ended and (at or sum(map(len, lines)) < MAX_ROW_BYTES):
                return
            reason = "a quote is opened and never closed"
        except _TooLong:
            reason = "a quote is opened and never closed"
        except UnicodeDecodeError:
            reason = f"is not {layout.encoding} text"
        except csv.Error as error:
            reason = f"is not valid CSV: {error}"
        offset += sum(map(len, lines[at : at + used]))
        yield Record(line, line + used, offset, None if values is None else {"": values}, reason)
        at, line = at + used, line + used


def _csv_record(lines: Sequence[bytes], at: int, layout: Layout) -> tuple[list[str], int]:
    used = 0

    def next_lines() -> Iterator[str]:
        nonlocal used
        while True:
            if used >= MAX_ROW_LINES:
                raise _TooLong
            if at + used >= len(lines):
                raise _Unfinished
            used += 1
            yield lines[at + used - 1].decode(layout.encoding)

    return next(csv.reader(next_lines(), delimiter=layout.delimiter, strict=True)), used


def _with_column_names(record: Record, columns: Sequence[str]) -> Record:
    values: list[str] = record.values[""] if record.values else []
    extra = [value for value in values[len(columns) :] if value.strip()]
    if extra:
        reason = f"has {len(values)} values, the header names {len(columns)} columns"
        return Record(record.line, record.next_line, record.next_offset, None, reason)
    named = {column: value for column, value in zip(columns, values, strict=False) if column}
    return Record(record.line, record.next_line, record.next_offset, named)
