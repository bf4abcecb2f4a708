"""`from` and `to`: dates as people write them, and RFC 3339 date-times; nothing else is guessed at."""

from datetime import UTC, datetime

import pytest

from services.goals.rules.date_ranges import InvalidRange, bounds, check_form
from services.goals.rules.days import zone


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2025-03-31", datetime(2025, 3, 30, 22, tzinfo=UTC)),
        (" 2025-03-31 ", datetime(2025, 3, 30, 22, tzinfo=UTC)),
        ("2025-03-31T10:00:00Z", datetime(2025, 3, 31, 10, tzinfo=UTC)),
        ("2025-03-31t10:00:00.5z", datetime(2025, 3, 31, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2025-03-31T10:00:00.1234567+05:30", datetime(2025, 3, 31, 4, 30, 0, 123_456, tzinfo=UTC)),
        ("2025-03-31T10:00:00 05:30", datetime(2025, 3, 31, 4, 30, tzinfo=UTC)),
        ("2025-03-31 10:00", datetime(2025, 3, 31, 8, tzinfo=UTC)),
    ],
)
def test_a_date_is_a_local_day_and_a_date_time_an_instant(text, start):
    check_form("from", text)
    assert bounds(text, "2025-06-01", zone("Europe/Berlin"))[0] == start


@pytest.mark.parametrize(
    "text",
    [
        "20250331",
        "2025-W13",
        "2025-W13-1",
        "2025W131",
        "2025-090",
        "20250331T100000Z",
        "2025-03-31T10",
        "2025-03-31T1000",
        "2025-03-31T10:00:00+0530",
        "2025-03-31T10:00:00+05:30:15",
        "2025-03-31T10:00:00,5Z",
        "2025-03-31x10:00:00Z",
        "２０２５-03-31",
        "",
    ],
)
def test_what_has_not_the_form_of_either_is_refused(text):
    with pytest.raises(InvalidRange, match="from is neither a date") as refused:
        check_form("from", text)
    assert refused.value.field == "from"


@pytest.mark.parametrize(
    "text", ["2025-02-30", "2025-03-31T24:00:00Z", "2025-03-31T10:00:60Z", "9999-12-31T23:00-14:00"]
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(InvalidRange, match="to is neither a date") as refused:
        bounds("2025-01-01", text, UTC)
    assert refused.value.field == "to"
