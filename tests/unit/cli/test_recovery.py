from datetime import UTC, datetime

import pytest

from cli.options import Refused
from cli.recovery import instant


def test_a_time_is_read_in_any_offset():
    assert instant("2026-11-01T02:00:00+02:00") == datetime(2026, 11, 1, tzinfo=UTC)
    assert instant("2026-11-01T00:00:00Z") == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-01T00:00:00", "yesterday"])
def test_a_time_that_could_mean_two_things_is_refused(text):
    with pytest.raises(Refused):
        instant(text)
