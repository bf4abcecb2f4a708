import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.capture.rules.records import (
    MAX_ROW_BYTES,
    LongLine,
    _Rows,
    cells_of,
    is_long_line,
    read_layout,
    read_records,
)
from tests.unit.capture.builders import calls

FILE = b'email,company\nada@x.example,"Acme, Ltd"\n\ngrace@x.example,"two\nlines"\r\nbob@x.example,"say ""hi"""\n'


def records(data, start=None, line=None, ended=True, layout=None):
    layout = layout or read_layout(data)
    start = layout.start if start is None else start
    return list(read_records(data[start:], layout, start, line or layout.line, ended=ended))


def test_lines_are_physical_lines_and_the_header_is_line_one():
    assert [(r.line, r.values["email"]) for r in records(FILE)] == [
        (2, "ada@x.example"),
        (4, "grace@x.example"),
        (6, "bob@x.example"),
    ]
    assert [r.values["company"] for r in records(FILE)] == ["Acme, Ltd", "two\nlines", 'say "hi"']


def test_reading_can_continue_after_any_record():
    whole = records(FILE)
    for n, record in enumerate(whole):
        rest = records(FILE, record.next_offset, record.next_line, layout=read_layout(FILE))
        assert rest == whole[n + 1 :]


@pytest.mark.parametrize("cut", range(14, len(FILE)))
def test_a_window_leaves_an_incomplete_last_record_for_the_next(cut):
    layout = read_layout(FILE)
    first = list(read_records(FILE[layout.start : cut], layout, layout.start, layout.line, ended=False))
    at, line = (first[-1].next_offset, first[-1].next_line) if first else (layout.start, layout.line)
    assert first + records(FILE, at, line, layout=layout) == records(FILE)


@pytest.mark.parametrize(
    ("data", "delimiter"), [(b"email;name\na@x.example;A", ";"), (b"email\tname\n", "\t"), (b"email\n", ",")]
)
def test_the_delimiter_is_the_one_that_the_header_uses(data, delimiter):
    assert read_layout(data).delimiter == delimiter


def test_a_byte_order_mark_and_blank_lines_before_the_header_are_skipped():
    data = b"\xef\xbb\xbf\n\nemail\na@x.example\n"
    assert [(r.line, r.values) for r in records(data)] == [(4, {"email": "a@x.example"})]


def test_a_quote_that_is_never_closed_costs_one_record_only():
    data = b'email,name\n"a@x.example,A\nb@x.example,B\n'
    assert [(r.line, r.reason) for r in records(data)] == [(2, "a quote is opened and never closed"), (3, "")]


def test_a_quote_that_stays_open_for_too_long_costs_one_record_only():
    rows = MAX_ROW_BYTES // len(b"b@x.example,B\n") + 1
    read = records(b'email,name\n"a@x.example,A\n' + b"b@x.example,B\n" * rows, ended=False)
    assert read[0].reason == "a quote is opened and never closed"
    assert len(read) == rows + 1


@pytest.mark.parametrize("cell", ["eve@x.example,Eve\n" * 5_000, "x" * 200_000, "\n" * 1_000 + '""' + "\n" * 1_000])
def test_a_quote_that_is_closed_is_one_value_however_long(cell):
    data = f'email,note\nada@x.example,"{cell}"\nbob@x.example,B\n'.encode()
    assert [(r.values["email"], r.values["note"]) for r in records(data)] == [
        ("ada@x.example", cell.replace('""', '"')),
        ("bob@x.example", "B"),
    ]
    assert records(data)[-1].line == 3 + cell.count("\n")


class Forgetful(_Rows):
    """Reads each record as if it were the first."""

    def read(self, at):
        self._open_until = 0
        return super().read(at)


@given(st.text('a",\n', max_size=60), st.integers(1, 20))
@example('z","w\n' * 12, 30)
@example('"a\n\n\nz","w\nb"\n', 10)
def test_what_earlier_records_have_shown_changes_no_record(text, most):
    data = f"email,name,x,y\n{text}".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.capture.rules.records.MAX_ROW_BYTES", most)
        read = records(data, ended=False), records(data)
        patch.setattr("services.capture.rules.records._Rows", Forgetful)
        assert read == (records(data, ended=False), records(data))


@pytest.mark.parametrize("row", [b'z","w\n', b'"x\n', b'a,b\n"c,d\n', b'"\xff\n'])
@pytest.mark.parametrize("end", [b"", b'"x\n', b"\xff\n"])
def test_a_file_of_open_quotes_costs_as_much_for_each_row_as_a_small_one(row, end):
    few, many = (b"email,name\n" + row * count + end for count in (100, 1_600))
    assert calls(lambda: records(many)) < 2 * 16 * calls(lambda: records(few))


def in_windows(data, size, most):
    """All records of a file that is read window by window, as the import does it, where a record has `most` bytes."""
    layout = read_layout(data)
    place, found = (layout.start, layout.line), []

    def window(offset):
        part = data[offset : offset + size]
        return {"window": part, "ended": offset + len(part) >= len(data)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.capture.rules.records.MAX_ROW_BYTES", most)
        while place[0] < len(data):
            before, reader = place, read_records(**window(place[0]), layout=layout, offset=place[0], line=place[1])
            while True:
                try:
                    found.append(next(reader))
                except StopIteration as stop:
                    place = stop.value
                    break
            if place == before:
                assert is_long_line(data[place[0] : place[0] + size]), (place, found)
                long = LongLine(layout, *place)
                while not long.pass_over(**window(long.offset)):
                    pass
                found.append(long.record(**window(long.offset)))
                place = found[-1].next_offset, found[-1].next_line
    return found


LONG = b"x" * 45


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (b'"first\n' + LONG + b'",eve@x.co\n', [(2, False), (3, False), (4, True)]),
        (b"\n,,\n" + LONG + b"\n", [(4, False), (5, True)]),
        (b'"' + LONG + b'\nann,a@x.co\n"",""\nbob,b@x.co\n",eve@x.co\n', [(2, False), (7, True)]),
        (b'"' + LONG + b'\r\nann,a@x.co\r\n",eve@x.co\r\n', [(2, False), (5, True)]),
        (b'"' + LONG + b"\nann,a@x.co\n", [(2, False), (3, True), (4, True)]),
        (b'"' + LONG + b'"",\nann,a@x.co\n"",",eve@x.co\n', [(2, False), (5, True)]),
        (b'"' + LONG + b'",eve@x.co\n', [(2, False), (3, True)]),
        (b"ann,a@x.co\n" + LONG + b"\n" + LONG + b"\n", [(2, True), (3, False), (4, False), (5, True)]),
        (b'"",""\n' * 60, [(62, True)]),
        (b" , \n" * 60, [(62, True)]),
    ],
)
def test_a_line_longer_than_a_record_costs_its_record_and_no_line_of_a_note_becomes_a_row(rows, lines):
    for size in range(80, 160):
        found = in_windows(b"name,email\n" + rows + b"last,last@x.co\n", size, 40)
        assert [(record.line, record.values is not None) for record in found] == lines, size
        assert found[-1].values["email"] == "last@x.co"


@given(st.text('a",\n\r ', max_size=150), st.integers(8, 20), st.integers(40, 80))
def test_the_size_of_the_windows_changes_no_record(text, most, size):
    data = f"email,name,x,y\n{text}".encode()
    whole, parts = in_windows(data, 200, most), in_windows(data, size, most)
    assert [(r.line, r.next_line, r.next_offset, r.values) for r in parts] == [
        (r.line, r.next_line, r.next_offset, r.values) for r in whole
    ]


def test_each_bad_record_has_a_reason_and_good_records_are_read():
    data = b'email,name\na@x.example,A,too,many\n\xff\xfe,B\n"a"b,C\nd@x.example\n'
    assert [(r.line, r.reason.split(":")[0]) for r in records(data)] == [
        (2, "has 4 values, the header names 2 columns"),
        (3, "is not utf-8 text"),
        (4, "is not valid CSV"),
        (5, ""),
    ]


def test_ndjson_is_one_object_a_line():
    data = b'{"email": "a@x.example"}\n\n[1]\n{"email": \nnull\n{"email": "b@x.example"}'
    assert [(r.line, r.reason.split(":")[0]) for r in records(data)] == [
        (1, ""),
        (3, "is not a JSON object"),
        (4, "is not JSON"),
        (5, "is not a JSON object"),
        (6, ""),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'{"score": ' + b"7" * 5_000 + b"}", "is not JSON: a number has more than 1000 digits"),
        (b'{"score": 1e999}', "is not JSON: 1e999 is no number in JSON"),
        (b'{"score": NaN}', "is not JSON: NaN is no number in JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not JSON: it is nested too deeply"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "is nested more than 64 levels deep"),
    ],
    ids=["digits", "infinite", "nan", "very deep", "deep"],
)
def test_a_row_that_no_reader_accepts_costs_one_row(row, reason):
    good = b'{"email": "a@x.example"}\n'
    read = records(good + row + b"\n" + good)
    assert [record.reason.partition(" (")[0] for record in read] == ["", reason, ""]


@pytest.mark.parametrize("head", [b"", b"\n\n", b"\xff,\n", b",;,\n", b'""\n', b'" "\n', b"sep=;\n\n", b"sep=;\n;;;\n"])
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(head):
    with pytest.raises(ValueError, match=r"\w"):
        read_layout(head)


def test_two_columns_of_one_header_are_numbered():
    data = b"email,phone,email,,email\na@x.example,,b@x.example,,\n"
    assert read_layout(data).columns == ("email", "phone", "email (2)", "", "email (3)")
    (record,) = records(data)
    assert record.values == {"email": "a@x.example", "phone": "", "email (2)": "b@x.example", "email (3)": ""}


def test_rows_of_nothing_but_delimiters_are_blank_rows():
    data = b';;\nemail;name;x\n;;\na@x.example;A;\n ; ;\n"";;\n;;;;;\nb@x.example;B;\n;;'
    assert [(record.line, record.reason) for record in records(data)] == [(4, ""), (8, "")]


def test_an_ndjson_file_says_which_names_its_rows_have():
    data = b'{"email": "a@x.example", "plan": 1}\n{"mail": 2, "email": ""}\n'
    assert read_layout(data).names == ("email", "plan", "mail")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("email,name\na@x.example,A\n", ","),
        ("email;name\na@x.example;A\n", ";"),
        ("email\tname\na@x.example\tA, B\n", "\t"),
        ("email|name\na@x.example|A\n", "|"),
        ("email;Name, Vorname;Amt, Ort\na@x.example;King, Ada;Amt\nb@x.example;Roe;Amt\n", ";"),
        ('"Mail; privat",name\na@x.example,A\n', ","),
        ("sep=;\nemail;name,x,y,z\na@x.example;A\n", ";"),
        ("email\na@x.example\n", ","),
    ],
)
def test_the_delimiter_is_the_one_that_fits_the_rows(text, delimiter):
    layout = read_layout(text.encode())
    assert layout.delimiter == delimiter
    records = list(read_records(text.encode()[layout.start :], layout, layout.start, layout.line, ended=True))
    assert records[0].values[layout.columns[0]] == "a@x.example"
    assert records[0].line == (3 if text.startswith("sep") else 2)


def test_an_error_file_is_read_as_the_rows_that_it_repeats():
    text = (
        "line,column,value,reason,email,phone\r\n"
        "2,email,x,is not an address,ada@x.example,'+4915123456789\r\n"
        "2,phone,y,is not a phone number,,\r\n"
    )
    layout = read_layout(text.encode())
    assert (layout.columns, layout.leading) == (("", "", "", "", "email", "phone"), 4)
    (record,) = read_records(text.encode()[layout.start :], layout, layout.start, layout.line, ended=True)
    assert record.values == {"email": "ada@x.example", "phone": "+4915123456789"}
    assert cells_of(record.raw, layout) == ["ada@x.example", "'+4915123456789"]


@pytest.mark.parametrize("data", [b'[{"email": "a@x.example"}]', b'[\n  {"email": "a@x.example"}\n]\n'])
def test_a_list_in_json_is_refused_with_what_to_do(data):
    with pytest.raises(ValueError, match="one object in each line"):
        read_layout(data, name="leads.json")
