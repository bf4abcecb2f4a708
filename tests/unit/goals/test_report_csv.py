import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.endpoints.report_csv import csv_cell, csv_lines
from tests.unit.goals.builders import at


@pytest.mark.parametrize("text", ["=1+1", "+41 79", "-2", "@x", "\tx", "\r=x", " =cmd|' /C calc'!A0", "＝1"])
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(text):
    assert csv_cell(text).startswith("'")


@given(st.text())
def test_no_cell_of_text_begins_with_a_formula(text):
    assert not csv_cell(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_times_and_plain_text_stay_as_they_are():
    assert csv_lines([[-3, at(), "web", None, 'a "b", c']]) == '-3,2025-03-01T09:00:00Z,web,,"a ""b"", c"\r\n'
