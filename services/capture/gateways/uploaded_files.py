"""Uploaded files as UTF-8 text: encodings are recognised, and an Excel sheet becomes CSV."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any, NamedTuple
from zipfile import ZipFile

from services.capture.rules.records import NotText

_BLOCK = 1_048_576
_MOST_UNPACKED = 1_000_000_000
"""Bytes: what a workbook may have when it is unpacked."""
_MOST_ROWS = 1_048_576
"""Rows of a sheet, as Excel has them: a row names its number, and openpyxl hands out all that are missing before it."""
_ENCODINGS = frozenset(
    codecs.lookup(name).name
    for name in """
    ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be cp1250 cp1251 cp1252 cp1253 cp1254
    cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6
    iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman
    shift-jis cp932 euc-jp iso2022-jp gb2312 gbk gb18030 big5 euc-kr cp949 tis-620
    """.split()
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS = 0.05
"""The share of zero bytes in UTF-16: every ASCII character has one. Fewer are stray ones in a file of text."""
_STRAY = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")


class TextFile(NamedTuple):
    """A file of UTF-8 text, and what it was before: the name of an encoding, or `xlsx`."""

    file: IO[bytes]
    was: str


def text_of(file: IO[bytes], encoding: str, scratch: IO[bytes]) -> TextFile:
    """The file as UTF-8 text: itself, or what is written to `scratch` for it.

    `encoding`: what the caller says that it has; "" to recognise it.

    Raises NotText for a file that is neither text nor a workbook, ValueError for an encoding that is not known. Both
    have a sentence for people. It reads the whole file: call it in a thread.
    """
    file.seek(0)
    head = file.read(4_096)
    if head.startswith(b"PK\x03\x04"):
        return TextFile(_workbook_as_csv(file, scratch), "xlsx")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotText(
            "this is an old Excel file (.xls) or one with a password; save it as .xlsx without one, or as CSV"
        )
    name = _lookup(encoding) if encoding else _recognise(file, head)
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return TextFile(file, "utf-8")
    return TextFile(_as_utf8(file, name, scratch), name)


def _lookup(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        name = ""
    if name not in _ENCODINGS:
        raise ValueError(f"encoding {encoding!r} is not known; for example utf-8, windows-1252 or utf-16")
    return name


def _recognise(file: IO[bytes], head: bytes) -> str:
    """The encoding by its mark, by the zero bytes of UTF-16, by whether the whole file is UTF-8; else Windows-1252."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > _ZEROS * len(head):
        if min(even, odd) > 0.2 * max(even, odd):
            raise NotText("the file is not text; save it as CSV (UTF-8)")
        return "utf-16-le" if odd > even else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = stray = 0
    for block in _blocks(file):
        if not block.isascii():
            text = decoder.decode(block)
            good += len(_BEYOND_ASCII.findall(text))
            stray += len(_STRAY.findall(text))
    # A few broken characters in a UTF-8 file cost their rows; they do not make it a file of another encoding.
    return "utf-8" if good >= stray else "cp1252"


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block


def _as_utf8(file: IO[bytes], encoding: str, out: IO[bytes]) -> IO[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("as-control")
    for block in _blocks(file):
        out.write(decoder.decode(block).encode(errors="replace"))
    out.write(decoder.decode(b"", True).encode(errors="replace"))
    return out


def _as_control(error: UnicodeError) -> tuple[str, int]:
    """Bytes that mean nothing in an encoding become control characters, which no field keeps."""
    assert isinstance(error, UnicodeDecodeError)
    return "\x80" * (error.end - error.start), error.end


codecs.register_error("as-control", _as_control)


def _workbook_as_csv(file: IO[bytes], out: IO[bytes]) -> IO[bytes]:
    """The first sheet of an Excel workbook: one line for each row, formulas as their values."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    try:
        for row in _rows_of(file):
            while row and not row[-1]:
                row.pop()
            writer.writerow(row)
    finally:
        text.detach()
    return out


def _rows_of(file: IO[bytes]) -> Iterator[list[str]]:
    """The rows of a workbook's first sheet. Raises NotText."""
    # Only now: it takes longer to load than the service's own code, and most services never see a workbook.
    import openpyxl

    problem = "the file is a damaged zip archive"
    try:
        file.seek(0)
        with ZipFile(file) as archive:
            names = set(archive.namelist())
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if "xl/workbook.xml" not in names:
            kind = "an OpenDocument file" if "mimetype" in names else "a zip archive without an Excel workbook"
            raise NotText(f"this is {kind}; upload a .xlsx file or CSV")
        if unpacked > _MOST_UNPACKED:
            raise NotText("the workbook is too large when it is unpacked; save it as CSV")
        problem = "the workbook cannot be read; save it again, or as CSV"
        file.seek(0)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        if not book.worksheets:
            raise NotText("the workbook has no sheet with cells")
        sheet = book.worksheets[0]
        # Some programs write a wrong size of the sheet, by which its other rows and columns would be left out.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(values_only=True)):
            if number == _MOST_ROWS:
                raise NotText(f"the workbook has a row beyond the {_MOST_ROWS}th; save it as CSV")
            yield [_cell(value) for value in row]
    except NotText:
        raise
    except Exception:  # noqa: BLE001 - whatever two libraries raise on a stranger's bytes, they cannot be read
        raise NotText(problem) from None


def _cell(value: Any) -> str:
    """A cell as one line of text: whole numbers without decimals, dates as ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return " ".join(str(value).split())
