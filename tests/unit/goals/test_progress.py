import random
from datetime import UTC, date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules import progress
from services.goals.rules.missing import missing
from services.goals.rules.periods import containing, of_days, working
from services.goals.rules.progress import Calendar, forecast, pace
from tests.unit.goals.builders import at

MARCH = containing("month", date(2025, 3, 1), UTC)
numbers = st.integers(0, 10_000)
calendars = st.tuples(st.floats(0, 92), st.floats(0.1, 92)).map(lambda t: Calendar(min(t), max(*t, 0.1)))
histories = st.lists(st.integers(0, 500), max_size=60)


def test_the_first_day_of_march_nine_in_the_morning_is_three_eighths_of_a_day_into_it():
    assert progress.calendar(MARCH, at(), UTC, None) == Calendar(0.375, 31.0)


def test_working_days_measure_the_pace_by_working_days_only():
    weekdays = working(["mon", "tue", "wed", "thu", "fri"])
    monday_nine = at(days=2)
    assert progress.calendar(MARCH, monday_nine, UTC, weekdays) == Calendar(0.375, 21.0)


def test_a_period_without_a_working_day_is_measured_in_all_its_days():
    weekend = of_days(date(2025, 3, 1), date(2025, 3, 2), UTC)
    assert progress.calendar(weekend, at(days=1), UTC, working(["mon"])).total == 2.0


def test_half_the_target_at_half_the_time_is_on_track():
    assert pace(25, 50, Calendar(15, 30)).state == "on_track"
    assert pace(30, 50, Calendar(15, 30)).state == "ahead"
    assert pace(20, 50, Calendar(15, 30)).state == "behind"
    assert pace(50, 50, Calendar(15, 30)).state == "achieved"


def test_what_each_day_left_has_to_bring_is_said():
    assert pace(20, 50, Calendar(15, 30)).needed_per_day == 2.0
    assert pace(50, 50, Calendar(15, 30)).needed_per_day is None
    assert pace(20, 50, Calendar(30, 30)).needed_per_day is None


def test_two_a_day_so_far_and_before_makes_sixty_in_thirty_days():
    found = forecast(30, Calendar(15, 30), [2] * 28, falls=False)
    assert found.expected == pytest.approx(60.0)
    assert 50 <= found.low <= 60 <= found.high <= 72


def test_in_the_first_hour_the_days_before_lead():
    found = forecast(1, Calendar(0.05, 30), [3] * 28, falls=False)
    assert 85 <= found.expected <= 98


def test_days_in_bursts_make_the_range_wider():
    even = forecast(30, Calendar(15, 30), [2] * 28, falls=False)
    bursts = forecast(30, Calendar(15, 30), [0] * 13 + [28] + [0] * 13 + [28], falls=False)
    assert bursts.high - bursts.low > even.high - even.low


@pytest.mark.parametrize("burst", [1, 5])
def test_the_range_holds_the_result_in_about_eight_of_ten_periods(burst):
    """Leads that come at random, singly or in bursts: 400 periods of 30 days, forecast on the tenth day."""
    chance, held = random.Random(7), 0
    for _ in range(400):
        days = [burst * sum(chance.random() < 0.03 for _ in range(100)) for _ in range(56 + 30)]
        found = forecast(sum(days[56:66]), Calendar(10, 30), days[:56], falls=False)
        held += found.low <= sum(days[56:]) <= found.high
    assert 0.74 <= held / 400 <= 0.92


def test_days_before_the_first_count_are_no_history():
    assert forecast(0, Calendar(0, 30), [0] * 40 + [2] * 14, falls=False) == forecast(
        0, Calendar(0, 30), [2] * 14, falls=False
    )


@given(numbers, calendars, histories, st.booleans())
def test_the_forecast_lies_in_its_range_and_says_its_method(value, calendar, history, falls):
    found = forecast(value, calendar, history, falls=falls)
    assert found.low <= found.expected + 0.05 <= found.high + 0.1
    assert found.low >= (0 if falls else value)
    assert "daily rate" in found.method


@given(numbers, histories, st.booleans())
def test_when_the_period_is_over_the_forecast_is_the_value(value, history, falls):
    found = forecast(value, Calendar(30, 30), history, falls=falls)
    assert (found.low, found.expected, found.high) == (value, value, value)


def test_what_is_missing_is_worked_backwards_through_the_rates():
    found = missing(38, 50, 2, [400, 200, 50, 10, 5])
    assert found.missing == 12
    assert found.captured_leads == 96
    assert [(step.step, step.needed, step.rate) for step in found.steps] == [
        ("captured", 96, None),
        ("contacted", 48, 0.5),
        ("qualified", 12, 0.25),
    ]


def test_nothing_is_missing_once_the_target_is_reached():
    assert missing(50, 50, 2, [400, 200, 50, 10, 5]).captured_leads == 0


def test_where_nobody_ever_took_a_step_the_rates_cannot_tell():
    found = missing(0, 5, 4, [400, 200, 50, 0, 0])
    assert found.captured_leads is None
    assert [step.rate for step in found.steps] == [None, 0.5, 0.25, 0.0, None]


@given(numbers, numbers, st.integers(1, 4), st.lists(st.integers(1, 1_000), min_size=5, max_size=5))
def test_each_step_back_needs_at_least_as_many_leads(value, target, step, reached):
    falling = sorted(reached, reverse=True)
    needed = [part.needed for part in missing(value, target, step, falling).steps]
    assert needed == sorted(needed, reverse=True)
