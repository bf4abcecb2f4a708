from datetime import UTC, datetime

import pytest

from cli.errors import Refused
from cli.recovery import parse_time


def test_a_time_may_have_any_offset():
    assert parse_time("2026-11-01T02:00:00+02:00") == datetime(2026, 11, 1, tzinfo=UTC)
    assert parse_time("2026-11-01T00:00:00Z") == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-01T00:00:00", "yesterday"])
def test_a_time_without_an_offset_is_refused(text):
    with pytest.raises(Refused):
        parse_time(text)


def test_the_error_for_a_missing_offset_shows_a_valid_time():
    with pytest.raises(Refused, match="write 2026-11-01T00:00:00Z for UTC"):
        parse_time("2026-11-01")
