import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.durations import UNKNOWN, median_seconds, place_of


@given(st.lists(st.floats(1, 3e8), min_size=1, max_size=200))
def test_the_median_from_the_scale_is_within_one_place_of_the_true_one(durations):
    places = [(place_of(seconds), 1) for seconds in durations]
    estimated = median_seconds(places)
    low, high = statistics.median_low(durations), statistics.median_high(durations)
    assert estimated is not None
    assert low / 1.19 <= estimated <= high * 1.19


def test_the_median_of_unknown_durations_is_none():
    assert median_seconds([(UNKNOWN, 5)]) is None
    assert median_seconds([]) is None


def test_durations_under_a_second_have_the_first_place_of_the_scale():
    assert (place_of(0.0), place_of(0.99), place_of(1.0), place_of(None)) == (0, 0, 1, UNKNOWN)
    assert median_seconds([(0, 3)]) == pytest.approx(0.5)
