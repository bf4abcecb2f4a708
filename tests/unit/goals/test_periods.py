from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.days import day_of, day_start, weekday_numbers, working_days_between, zone, zone_name
from services.goals.rules.periods import containing, following, of_days, previous

BERLIN = ZoneInfo("Europe/Berlin")
zones = st.sampled_from(sorted(available_timezones())).map(zone)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
kinds = st.sampled_from(["week", "month", "quarter"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@given(instants, zones)
def test_every_instant_lies_in_its_local_day(instant, where):
    day = day_of(instant, where)
    assert day_start(day, where) <= instant < day_start(day + timedelta(days=1), where)


@given(kinds, instants, zones)
def test_periods_follow_each_other_without_gap_or_overlap(kind, instant, where):
    period = containing(kind, day_of(instant, where), where)
    assert period.start <= instant < period.end
    assert previous(kind, period, where).end == period.start
    assert following(kind, period, where).start == period.end
    assert previous(kind, following(kind, period, where), where) == period


def test_a_month_begins_at_local_midnight_and_is_an_hour_shorter_in_spring():
    march = containing("month", date(2025, 3, 15), BERLIN)
    assert (march.start, march.end) == (at("2025-03-01T00:00+01:00"), at("2025-04-01T00:00+02:00"))
    assert march.end - march.start == timedelta(days=31, hours=-1)


def test_february_of_a_leap_year_has_twenty_nine_days():
    assert containing("month", date(2024, 2, 3), UTC).last == date(2024, 2, 29)


def test_a_week_begins_on_monday_and_a_quarter_in_january_april_july_and_october():
    assert containing("week", date(2025, 11, 23), UTC).first == date(2025, 11, 17)
    assert containing("quarter", date(2025, 12, 31), UTC).first == date(2025, 10, 1)
    assert containing("quarter", date(2025, 12, 31), UTC).last == date(2025, 12, 31)


def test_a_day_without_midnight_begins_when_the_clock_jumps():
    santiago = zone("America/Santiago")
    assert day_start(date(2024, 9, 8), santiago) == at("2024-09-08T04:00+00:00")


def test_a_day_with_two_midnights_begins_at_the_first():
    havana = zone("America/Havana")
    assert day_start(date(2024, 11, 3), havana) == at("2024-11-03T04:00+00:00")


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", None, "../../etc/passwd", "America", "europe berlin", "/etc", "x" * 5000]
)
def test_an_unknown_time_zone_is_utc(name):
    assert zone(name) is UTC
    assert zone_name(name) == "UTC"


def test_a_known_time_zone_keeps_its_name():
    assert zone_name("Asia/Kolkata") == "Asia/Kolkata"


def test_a_day_counts_as_one_however_long_it_is_that_night():
    spring = of_days(date(2025, 3, 30), date(2025, 3, 30), BERLIN)
    assert spring.end - spring.start == timedelta(hours=23)
    assert working_days_between(spring.start, spring.end, BERLIN, None) == 1.0


def test_working_days_leave_the_weekend_out():
    week = containing("week", date(2025, 11, 19), BERLIN)
    monday_to_friday = weekday_numbers(["mon", "tue", "wed", "thu", "fri"])
    assert working_days_between(week.start, week.end, BERLIN, monday_to_friday) == 5.0
    assert working_days_between(week.start, week.start + timedelta(hours=36), BERLIN, monday_to_friday) == 1.5


@given(instants, st.timedeltas(timedelta(0), timedelta(days=40)), zones, st.floats(0, 1))
def test_working_days_add_up(start, length, where, share):
    end, middle = start + length, start + length * share
    whole = working_days_between(start, end, where, frozenset({0, 2, 6}))
    parts = working_days_between(start, middle, where, frozenset({0, 2, 6})) + working_days_between(
        middle, end, where, frozenset({0, 2, 6})
    )
    assert whole == pytest.approx(parts, abs=1e-6)
