"""The records of an uploaded CSV or NDJSON file, read page by page from the offset of any record.

A page is read from a window of the file. The bytes alone decide where a record begins and ends and on which physical
line it is, so a worker that continues in the middle of a file reads the same records as the worker before it.
"""

import csv
import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from typing import Any

from shared.limits import MAX_JSON_DEPTH
from shared.strict_json import is_too_deep, read_json

MAX_ROW_BYTES = 1_048_576
# The reader's own limit for one value would end a record in the middle of it, and its other lines would become rows.
csv.field_size_limit(MAX_ROW_BYTES)
DELIMITERS = ",;\t|"
ERROR_COLUMNS = ("line", "column", "value", "reason")
"""The first columns of an error file; behind them stand those of the file that was imported."""
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\s*\Z')
_LINE_END = re.compile(rb"\n|\r\n|\r(?!\Z)")
_SAMPLE_LINES = 50
"""Lines at the beginning of a CSV file that its delimiter is found from."""
_SAMPLE_ROWS = 200
"""Rows of an NDJSON file whose names are looked at for those that nothing will take."""


class NotText(ValueError):
    """The file is neither CSV nor NDJSON, nor a workbook that can be read as such."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written. `format`: csv or ndjson; `start` and `line`: byte and line of the first record.

    `columns`: of a CSV file, a repeated header with its number. `names`: those in the first rows of an NDJSON file.
    `was`: what the file was before it was stored as text in `encoding`, such as windows-1252 or xlsx.
    """

    format: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    start: int
    line: int
    names: tuple[str, ...] = ()
    was: str = "utf-8"
    leading: int = 0
    """Columns at the beginning that are no part of the row: those of an error file, which is uploaded again."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record, its first physical line (the header is line 1), and where the next record begins.

    `values` is None for a record that cannot be read, with the `reason` why. `raw`: its bytes in the file.
    """

    line: int
    next_line: int
    next_offset: int
    values: Mapping[str, Any] | None
    reason: str = ""
    raw: bytes = b""


def read_layout(head: bytes, *, name: str = "", was: str = "utf-8") -> Layout:
    """How a file of UTF-8 text is written, from its first bytes and its name.

    Raises ValueError, with a sentence for people, for a file that cannot be read.
    """
    encoding = "utf-8"
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    line = 1
    lines = head[start:].splitlines(keepends=True)
    while lines and not lines[0].strip(b" \t\r\n" + DELIMITERS.encode()):
        start, line = start + len(lines.pop(0)), line + 1
    if not lines:
        raise ValueError("the file is empty")
    if name.lower().endswith((".ndjson", ".jsonl")) or lines[0].lstrip().startswith(b"{"):
        layout = Layout("ndjson", encoding, "", (), start, line, was=was)
        first = islice(_ndjson(lines, layout, start, line), _SAMPLE_ROWS)
        names = dict.fromkeys(_visible(str(key)) for record in first for key in record.values or ())
        return replace(layout, names=tuple(names)[:_SAMPLE_ROWS])
    if lines[0].lstrip().startswith(b"[{") or lines[0].strip() == b"[":
        raise ValueError("the file is a list in JSON; write one object in each line (NDJSON)")
    try:
        header = lines[0].decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"the header is not {encoding}; say which `encoding` the file has") from None
    delimiter = ""
    if (named := _SEPARATOR.match(header)) is not None and len(lines) > 1:
        # Excel writes and reads such a first line.
        delimiter, start, line = named[1], start + len(lines.pop(0)), line + 1
    delimiter = delimiter or delimiter_of(lines[:_SAMPLE_LINES], encoding)
    record = next(_csv(lines, Layout("csv", encoding, delimiter, (), start, line), start, line), None)
    if record is None:
        raise ValueError("the file is empty")
    columns = record.values.get("") if record.values else None
    if not columns:
        raise ValueError(f"the header cannot be read: {record.reason}")
    leading = len(ERROR_COLUMNS) if tuple(columns[: len(ERROR_COLUMNS)]) == ERROR_COLUMNS < tuple(columns) else 0
    own = ["" if n < leading else _visible(column) for n, column in enumerate(columns)]
    return Layout(
        "csv", encoding, delimiter, numbered(own), record.next_offset, record.next_line, was=was, leading=leading
    )


def _visible(name: str) -> str:
    """A header without what nobody sees and Postgres does not store: zeros, and the marks of files that were joined."""
    return name.replace("\0", "").replace("\ufeff", "").strip()


def delimiter_of(lines: Sequence[bytes], encoding: str) -> str:
    """The delimiter of a file: the one that gives its rows as many values as its header, and most of them."""

    def fit(delimiter: str) -> tuple[bool, float, int]:
        text = [line.decode(encoding, errors="replace") for line in lines]
        try:
            rows = [row for row in csv.reader(text, delimiter=delimiter) if any(value.strip() for value in row)]
        except csv.Error:
            return False, 0.0, 0
        width = len(rows[0]) if rows else 0
        alike = sum(len(row) == width for row in rows[1:]) / max(1, len(rows) - 1)
        return width > 1, alike if len(rows) > 1 else 1.0, width

    return max(DELIMITERS, key=fit)


def numbered(columns: Sequence[str]) -> tuple[str, ...]:
    """The headers, each a name of its own: of two columns `Mail` the second is `Mail (2)`."""
    named: list[str] = []
    for column in columns:
        number, name = 1, column
        while column and name in named:
            number += 1
            name = f"{column} ({number})"
        named.append(name)
    return tuple(named)


Place = tuple[int, int]
"""A byte of the file and the physical line that it is in."""
Records = Generator[Record, None, Place]
"""Records; returns the place behind the last line that was read, which may have been blank."""


def read_records(window: bytes, layout: Layout, offset: int, line: int, *, ended: bool) -> Records:
    """The complete records in a window of the file that begins at byte `offset` and physical line `line`.

    `ended`: the window reaches the end of the file. Otherwise an incomplete last record is left for the next page. A
    line that is longer than a record may be ends the page before it: see `LongLine`.
    """
    lines = window.splitlines(keepends=True)
    if not ended and lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    long = next((number for number, each in enumerate(lines) if len(each) > MAX_ROW_BYTES), None)
    read = _ndjson if layout.format == "ndjson" else _csv
    records = read(lines[:long], layout, offset, line, None if ended else offset + len(window))
    while True:
        try:
            record = next(records)
        except StopIteration as stop:
            place: Place = stop.value
            return place
        named = layout.format == "ndjson" or record.values is None
        yield record if named else _with_column_names(record, layout)


def is_long_line(window: bytes) -> bool:
    """Whether the first line of a window is longer than a record may be."""
    return len(window) > MAX_ROW_BYTES and _LINE_END.search(window, 0, MAX_ROW_BYTES) is None


class LongLine:
    """A line that is longer than a record may be. It is one record without values, with what it has begun to quote.

    Otherwise the other lines of a note would be read as rows.
    """

    def __init__(self, layout: Layout, offset: int, line: int) -> None:
        self._layout = layout
        self._line = line
        self._quotes = 0
        self.offset = offset
        """Where the next window begins."""

    def pass_over(self, window: bytes, *, ended: bool) -> bool:
        """Pass over what of the line is in a window; whether that is its end."""
        end = _LINE_END.search(window)
        # The carriage return at the end of a window may be half of a line's end.
        passed = end.end() if end else len(window) - (not ended and window.endswith(b"\r"))
        self._quotes += window.count(b'"', 0, passed)
        self.offset += passed
        return end is not None or ended

    def record(self, window: bytes, *, ended: bool) -> Record:
        """The record, from the window behind the line: a value that it leaves open may be closed there."""
        used = 0
        lines = window.splitlines(keepends=True)
        if not ended and lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        if self._layout.format == "csv" and self._quotes % 2 and lines:
            try:
                _, used = _Rows([b'"' + lines[0], *lines[1:]], self._layout).read(0)
            except (_Unfinished, _TooLong, UnicodeDecodeError, csv.Error):
                used = 0  # never closed: it costs its first line
        behind = self.offset + sum(map(len, lines[:used]))
        return Record(self._line, self._line + 1 + used, behind, None, f"is longer than {MAX_ROW_BYTES} bytes")


def _ndjson(lines: Sequence[bytes], layout: Layout, offset: int, line: int, goes_on_at: int | None = None) -> Records:
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
        except (ValueError, RecursionError) as error:
            reason = f"cannot be read: {type(error).__name__}"
        if not isinstance(values, dict):
            values, reason = None, reason or "is not a JSON object"
        elif is_too_deep(text, values):
            values, reason = None, f"is nested more than {MAX_JSON_DEPTH} levels deep"
        yield Record(number, number + 1, offset, values, reason, raw)
    return offset, line + len(lines)


class _Unfinished(Exception):
    """A quoted value continues after the last line of the window."""


class _TooLong(Exception):
    """A quoted value is larger than a record may be: its quote was never closed."""


def _csv(lines: Sequence[bytes], layout: Layout, offset: int, line: int, goes_on_at: int | None = None) -> Records:
    """CSV records as `{"": [values]}`; blank lines are skipped. `goes_on_at`: where the file goes on behind them."""
    rows = _Rows(lines, layout)
    blank = b" \t\r\n" + layout.delimiter.encode()
    at = 0
    while at < len(lines):
        used, values, reason = 1, None, ""
        first = lines[at]
        if not first.strip(blank):  # a spreadsheet writes delimiters for rows that were emptied
            at, offset, line = at + 1, offset + len(first), line + 1
            continue
        try:
            values, used = rows.read(at)
        except _Unfinished:
            if goes_on_at is not None and goes_on_at - offset < MAX_ROW_BYTES:
                return offset, line
            reason = "a quote is opened and never closed"
        except _TooLong:
            reason = "a quote is opened and never closed"
        except UnicodeDecodeError:
            reason = f"is not {layout.encoding} text"
        except csv.Error as error:
            reason = f"is not valid CSV: {error}"
        raw = first if used == 1 else b"".join(lines[at : at + used])
        offset += len(raw)
        if values is not None and not any(value.strip() for value in values[layout.leading :]):
            at, line = at + used, line + used
            continue
        yield Record(line, line + used, offset, None if values is None else {"": values}, reason, raw)
        at, line = at + used, line + used
    return offset, line


class _Rows:
    """Reads CSV records from lines, each in the time of its own bytes, however many quotes are never closed."""

    def __init__(self, lines: Sequence[bytes], layout: Layout) -> None:
        self._lines = lines
        self._layout = layout
        self._ends = list(accumulate(map(len, lines)))
        self._open_until = 0
        """A quote that is open at the end of any earlier line is open until this one: an earlier record has shown it.
        So the lines between are not read once more for each record that opens a quote among them."""

    def read(self, at: int) -> tuple[list[str], int]:
        """The values of the record that begins at a line, and how many lines it has."""
        last = at

        def lines() -> Iterator[str]:
            nonlocal last
            yield self._text(at)
            last = max(at + 1, self._open_until)
            while True:
                if last >= len(self._lines):
                    raise _Unfinished
                if self._ends[last] - self._ends[at] + len(self._lines[at]) > MAX_ROW_BYTES:
                    raise _TooLong
                yield self._text(last)
                last += 1

        try:
            values = self._values(lines())
        except (_Unfinished, _TooLong, UnicodeDecodeError, csv.Error):
            self._open_until = max(self._open_until, last)
            raise
        if at + 1 < last and self._open_until > at + 1:
            values = self._values(map(self._text, range(at, last + 1)))
        return values, last - at + 1

    def _values(self, lines: Iterable[str]) -> list[str]:
        return next(csv.reader(lines, delimiter=self._layout.delimiter, strict=True))

    def _text(self, number: int) -> str:
        return self._lines[number].decode(self._layout.encoding)


def _with_column_names(record: Record, layout: Layout) -> Record:
    values: list[str] = record.values[""] if record.values else []
    columns = layout.columns
    extra = [value for value in values[len(columns) :] if value.strip()]
    if extra:
        reason = f"has {len(values)} values, the header names {len(columns)} columns"
        return replace(record, values=None, reason=reason)
    if layout.leading:
        values = [_as_written(value) for value in values]
    return replace(record, values={column: value for column, value in zip(columns, values, strict=False) if column})


def _as_written(cell: str) -> str:
    """A cell of an error file without the apostrophe that keeps spreadsheets from running it."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ")[:1] in tuple("=+-@\t\r\n|%＝＋－＠") else cell


def cells_of(raw: bytes, layout: Layout) -> list[str]:
    """The values of one stored record of a CSV file, without those of an error file; for the next error file."""
    # The lines of bytes, as the import reads them: as text, a line would also end at U+2028 and other characters.
    lines = [line.decode(layout.encoding, errors="replace") for line in raw.splitlines(keepends=True)]
    try:
        row = next(csv.reader(lines, delimiter=layout.delimiter), [])
    except csv.Error:
        row = ["".join(lines)]
    return row[layout.leading :]
