"""Cursors come back from clients: only what this list gave out is read, anything else is malformed."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.errors import Invalid
from shared.http.pages import decode_cursor, encode_cursor, moment, number, text


def test_a_position_comes_back_as_it_was():
    at = datetime(2026, 1, 2, 3, tzinfo=UTC)
    cursor = encode_cursor({"at": at.isoformat(), "id": str(UUID(int=3)), "n": 7, "band": "A"})
    position = decode_cursor(cursor, band=text, at=moment, id=UUID, n=number)
    assert position == {"at": at, "id": UUID(int=3), "n": 7, "band": "A"}


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "\N{SNOWMAN}", "", "AA", encode_cursor({"before": 5})])
def test_what_is_no_cursor_or_another_list_s_is_refused(cursor: str):
    with pytest.raises(Invalid):
        decode_cursor(cursor, after=UUID)


@pytest.mark.parametrize("value", [5, "no", None, [], {}, "\0", True, 1.5])
@pytest.mark.parametrize("read", [UUID, moment])
def test_a_position_of_another_kind_is_refused(value: object, read):
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor({"after": value}), after=read)


@pytest.mark.parametrize("value", ["5", None, [], True, 1.5, 2**63])
def test_a_number_is_a_whole_one_that_the_database_can_hold(value: object):
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor({"after": value}), after=number)


def test_a_moment_without_an_offset_is_refused():
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor({"at": "2026-01-02T03:00:00"}), at=moment)
