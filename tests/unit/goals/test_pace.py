from datetime import UTC, date

from services.goals.rules.days import weekday_numbers
from services.goals.rules.pace import ElapsedDays, elapsed_days, pace
from services.goals.rules.periods import containing, of_days
from tests.unit.goals.builders import at

MARCH = containing("month", date(2025, 3, 1), UTC)


def test_the_first_day_of_march_nine_in_the_morning_is_three_eighths_of_a_day_into_it():
    assert elapsed_days(MARCH, at(), UTC, None) == ElapsedDays(0.375, 31.0)


def test_working_days_measure_the_pace_by_working_days_only():
    weekdays = weekday_numbers(["mon", "tue", "wed", "thu", "fri"])
    monday_nine = at(days=2)
    assert elapsed_days(MARCH, monday_nine, UTC, weekdays) == ElapsedDays(0.375, 21.0)


def test_a_period_without_a_working_day_is_measured_in_all_its_days():
    weekend = of_days(date(2025, 3, 1), date(2025, 3, 2), UTC)
    assert elapsed_days(weekend, at(days=1), UTC, weekday_numbers(["mon"])).total == 2.0


def test_half_the_target_at_half_the_time_is_on_track():
    assert pace(25, 50, ElapsedDays(15, 30)).state == "on_track"
    assert pace(30, 50, ElapsedDays(15, 30)).state == "ahead"
    assert pace(20, 50, ElapsedDays(15, 30)).state == "behind"
    assert pace(50, 50, ElapsedDays(15, 30)).state == "achieved"


def test_the_pace_names_what_each_day_left_has_to_bring():
    assert pace(20, 50, ElapsedDays(15, 30)).needed_per_day == 2.0
    assert pace(50, 50, ElapsedDays(15, 30)).needed_per_day is None
    assert pace(20, 50, ElapsedDays(30, 30)).needed_per_day is None
