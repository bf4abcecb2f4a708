import io
import random
import re
import zipfile
from datetime import date

import openpyxl
import pytest

from services.capture.gateways.uploaded_files import text_of
from services.capture.rules.records import NotText

ROWS = "E-Mail;Name\njuergen@x.example;Jürgen Groß\n"


def read(content: bytes, encoding: str = "") -> tuple[str, bytes]:
    with io.BytesIO() as scratch:
        file, was = text_of(io.BytesIO(content), encoding, scratch)
        file.seek(0)
        return was, file.read()


def a_workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    with io.BytesIO() as out:
        book.save(out)
        return out.getvalue()


def a_zip(**files: str) -> bytes:
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return out.getvalue()


@pytest.mark.parametrize(
    ("encoding", "was"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_the_encoding_of_a_file_is_recognised(encoding, was):
    recognised, text = read(ROWS.encode(encoding))
    assert (recognised, text.decode("utf-8-sig")) == (was, ROWS)


def test_an_encoding_is_recognised_by_the_whole_file():
    assert read(b"email\n" * 500_000 + "jürgen@x.example\n".encode("cp1252"))[0] == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_stray_zero_does_not_make_a_file_of_text_one_of_utf16(encoding):
    content = ROWS.replace("Groß", "Gr\0oß").encode(encoding)
    assert read(content) == (encoding, content if encoding == "utf-8" else content.decode("cp1252").encode())


@pytest.mark.parametrize("text", ["Имя;email\nЖанна;z@x.example\n", "氏名,email\n山田太郎,z@x.example\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_recognised_in_any_alphabet(encoding, text):
    assert read(text.encode(encoding)) == (encoding, text.encode())


def test_a_broken_character_does_not_make_a_utf8_file_one_of_another_encoding():
    content = (ROWS * 3).encode() + b"\xff;x\n"
    assert read(content) == ("utf-8", content)


@pytest.mark.parametrize("encoding", ["Windows-1250", "latin1", "UTF-16", "shift_jis"])
def test_an_encoding_may_be_named(encoding):
    text = "name\nイ\n" if encoding == "shift_jis" else "name\nÖ\n"
    assert read(text.encode(encoding), encoding)[1].decode() == text


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "zip", "punycode"])
def test_an_encoding_that_is_none_is_refused_with_examples(encoding):
    with pytest.raises(ValueError, match=r"windows-1252"):
        read(b"x", encoding)


def test_bytes_that_mean_nothing_in_an_encoding_cost_no_row():
    assert read(b"name\nA\x81\x8fB\n", "cp1252")[1].decode() == "name\nA\x80\x80B\n"


def test_a_workbook_is_read_as_text_row_by_row():
    content = a_workbook(
        ["E-Mail", "Phone", "Since", "Note", None],
        ["a@x.example", 491602229999, date(2026, 1, 2), "two\nlines", None],
        [],
        ["b@x.example", 1.5, True, "a;b,c", None],
    )
    was, text = read(content)
    assert was == "xlsx"
    assert text.decode().splitlines() == [
        "E-Mail,Phone,Since,Note",
        "a@x.example,491602229999,2026-01-02,two lines",
        "",
        'b@x.example,1.5,true,"a;b,c"',
    ]


SHEET = "xl/worksheets/sheet1.xml"


def with_sheet(content: bytes, pattern: str, replacement: str) -> bytes:
    """A workbook whose first sheet was written by another program."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    files[SHEET], changed = re.subn(pattern, replacement, files[SHEET])
    assert changed
    return a_zip(**files)


@pytest.mark.parametrize("dimension", ["A1", "A1:A1", "B2:B2", "A1:Z9"])
def test_a_sheet_is_read_whole_whatever_size_it_claims(dimension):
    content = a_workbook(["email", "name"], ["a@x.example", "A"], ["b@x.example", "B"])
    content = with_sheet(content, r'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"')
    assert read(content)[1].decode().split() == ["email,name", "a@x.example,A", "b@x.example,B"]


def test_a_row_that_no_sheet_has_is_refused_and_not_waited_for():
    content = with_sheet(a_workbook(["email"], ["a@x.example"]), r'<row r="2"', '<row r="2000000000"')
    with pytest.raises(NotText, match="beyond"):
        read(content)


def damaged(content: bytes, seed: int) -> bytes:
    """A workbook of which some bytes, or a part, are not what they were."""
    random.seed(seed)
    at, length = random.randrange(4, len(content)), random.choice([1, 2, 40])
    return content[:at] + random.randbytes(random.choice([0, length])) + content[at + length :]


def test_a_damaged_workbook_is_read_or_refused_and_raises_nothing_else():
    content = a_workbook(["email", "name", "since"], *([f"{n}@x.example", "A", date(2026, 1, 2)] for n in range(50)))
    encrypted = content.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0")
    assert encrypted != content
    refused = 0
    for one in (encrypted, *(damaged(content, seed) for seed in range(400))):
        try:
            read(one)
        except NotText:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (a_zip(**{"leads.csv": "email"}), "a zip archive without an Excel workbook"),
        (a_zip(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument file"),
        (a_zip(**{"xl/workbook.xml": "<x"}), "cannot be read"),
        (b"PK\x03\x04 torn", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file .* or one with a password"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "not text"),
    ],
    ids=["zip", "ods", "broken workbook", "torn zip", "xls", "picture"],
)
def test_a_file_that_is_no_text_is_refused_for_what_it_is(content, reason):
    with pytest.raises(NotText, match=reason):
        read(content)
