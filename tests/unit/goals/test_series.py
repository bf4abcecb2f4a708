from collections import Counter
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.leads import METRICS, Count, Traits
from services.goals.rules.series import Series, daily, filter_of, needed, passes
from services.goals.rules.sheets import cell, lines
from tests.unit.goals.builders import at

ONE = UUID(int=1)
EVA = Traits("web", "spring", "eva")


def test_equal_filters_have_one_form():
    assert filter_of({"source": "web", "owner": ["tom", "eva"]}) == filter_of(
        {"owner": ["eva", "tom"], "source": ["web"]}
    )
    assert filter_of(None) == filter_of({}) == ()


def test_a_lead_passes_when_every_field_has_one_of_the_values():
    assert passes(filter_of({"source": ["web", "fair"], "owner": "eva"}), EVA)
    assert not passes(filter_of({"source": "web", "owner": "tom"}), EVA)
    assert not passes(filter_of({"campaign": "spring"}), Traits("web", None, None))


def test_a_count_falls_on_the_local_day():
    late = at(hours=14.5)
    counts = {Count("won", late, EVA): 1}
    assert daily([Series(ONE, "acme", "won", "UTC")], counts) == {(ONE, date(2025, 3, 1)): 1}
    assert daily([Series(ONE, "acme", "won", "Europe/Berlin")], counts) == {(ONE, date(2025, 3, 2)): 1}


def test_a_series_takes_only_its_metric_and_its_filter():
    counts = {
        Count("won", at(), EVA): 2,
        Count("won", at(), Traits("fair", None, None)): 5,
        Count("first_qualified", at(), EVA): 9,
    }
    assert daily([Series(ONE, "acme", "won", "UTC", filter_of({"source": "web"}))], counts) == {
        (ONE, date(2025, 3, 1)): 2
    }


def test_differences_that_cancel_out_are_left_out():
    counts = {Count("won", at(), EVA): 1, Count("won", at(hours=1), EVA): -1}
    assert daily([Series(ONE, "acme", "won", "UTC")], counts) == Counter()


@pytest.mark.parametrize("metric", METRICS)
def test_a_goal_needs_its_metric_and_the_steps(metric):
    assert needed(metric)[0] == metric
    assert len(needed(metric)) == 6


@pytest.mark.parametrize("text", ["=1+1", "+41 79", "-2", "@x", "\tx", "\r=x", " =cmd|' /C calc'!A0", "＝1"])
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(text):
    assert cell(text).startswith("'")


@given(st.text())
def test_no_cell_of_text_begins_with_a_formula(text):
    assert not cell(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_times_and_plain_words_stay_as_they_are():
    assert lines([[-3, at(), "web", None, 'a "b", c']]) == '-3,2025-03-01T09:00:00Z,web,,"a ""b"", c"\r\n'
