import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.forecast import forecast
from services.goals.rules.pace import ElapsedDays

numbers = st.integers(0, 10_000)
elapsed = st.tuples(st.floats(0, 92), st.floats(0.1, 92)).map(lambda t: ElapsedDays(min(t), max(*t, 0.1)))
histories = st.lists(st.integers(0, 500), max_size=60)


def test_two_a_day_so_far_and_before_makes_sixty_in_thirty_days():
    found = forecast(30, ElapsedDays(15, 30), [2] * 28, falls=False)
    assert found.expected == pytest.approx(60.0)
    assert 50 <= found.low <= 60 <= found.high <= 72


def test_in_the_first_hour_the_history_dominates():
    found = forecast(1, ElapsedDays(0.05, 30), [3] * 28, falls=False)
    assert 85 <= found.expected <= 98


def test_days_in_bursts_make_the_range_wider():
    even = forecast(30, ElapsedDays(15, 30), [2] * 28, falls=False)
    bursts = forecast(30, ElapsedDays(15, 30), [0] * 13 + [28] + [0] * 13 + [28], falls=False)
    assert bursts.high - bursts.low > even.high - even.low


@pytest.mark.parametrize("burst", [1, 5])
def test_the_range_holds_the_result_in_about_eight_of_ten_periods(burst):
    """Leads that come at random, singly or in bursts: 400 periods of 30 days, forecast on the tenth day."""
    chance, held = random.Random(7), 0
    for _ in range(400):
        days = [burst * sum(chance.random() < 0.03 for _ in range(100)) for _ in range(56 + 30)]
        found = forecast(sum(days[56:66]), ElapsedDays(10, 30), days[:56], falls=False)
        held += found.low <= sum(days[56:]) <= found.high
    assert 0.74 <= held / 400 <= 0.92


def test_days_before_the_first_count_are_not_history():
    assert forecast(0, ElapsedDays(0, 30), [0] * 40 + [2] * 14, falls=False) == forecast(
        0, ElapsedDays(0, 30), [2] * 14, falls=False
    )


@given(numbers, elapsed, histories, st.booleans())
def test_the_forecast_lies_in_its_range_and_names_its_method(value, days, history, falls):
    found = forecast(value, days, history, falls=falls)
    assert found.low <= found.expected + 0.05 <= found.high + 0.1
    assert found.low >= (0 if falls else value)
    assert "daily rate" in found.method


@given(numbers, histories, st.booleans())
def test_when_the_period_is_over_the_forecast_is_the_value(value, history, falls):
    found = forecast(value, ElapsedDays(30, 30), history, falls=falls)
    assert (found.low, found.expected, found.high) == (value, value, value)
