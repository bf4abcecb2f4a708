import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.errors import Invalid
from shared.events import EngagementRecorded
from shared.events.envelope import decode
from shared.http.problems import problem_of
from shared.strict_json import has_half_pair, holds_zero, read_json, without_zeros


@pytest.mark.parametrize(
    ("body", "zero"),
    [
        (rb'"a\u0000b"', True),
        (rb'"a\\u0000b"', False),
        (rb'"a\\\u0000b"', True),
        (rb'"a\\\\u0000b"', False),
        (rb'["x\\u0000", "y\u0000"]', True),
        (rb'"C:\\u0000dir"', False),
        (b'"u0000"', False),
    ],
)
def test_a_zero_character_is_told_from_the_six_characters_that_look_like_it(body, zero):
    assert holds_zero(body) is zero
    assert ("\0" in "".join(json.loads(body))) is zero
    assert json.loads(without_zeros(body)) == _without(json.loads(body))


@pytest.mark.parametrize(
    ("text", "half"), [("", False), ("plain", False), ("\U0001f600", False), ("a\ud83d", True), ("\ude00 é", True)]
)
def test_half_of_a_surrogate_pair_is_what_utf_8_cannot_hold(text, half):
    assert has_half_pair(text) is half
    assert (text.encode(errors="replace").decode() != text) is half


def test_a_problem_that_quotes_half_of_a_surrogate_pair_can_be_written():
    answer = problem_of(Invalid("no stage \ud83d", [{"field": "a\ud83d", "message": "is ünknown"}]))
    assert answer.status_code == 422
    assert read_json(answer.body)["detail"] == "no stage ?"
    assert read_json(answer.body)["errors"] == [{"field": "a?", "message": "is ünknown"}]


def _without(value):
    return [_without(item) for item in value] if isinstance(value, list) else value.replace("\0", "")


@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b'{"a": -Infinity}', b"1e999", b"[" * 100_000])
def test_what_is_no_json_is_not_read(body):
    with pytest.raises(json.JSONDecodeError):
        read_json(body)


def test_whole_numbers_beyond_64_bits_are_texts_at_any_depth():
    long = b"9" * 400
    body = b'{"kind": "visit", "properties": {"id": 12345678901234567890123, "n": [%s, 5, 1.5, true]}}' % long
    attributes = {"ce_id": "1", "ce_source": "urn:test", "ce_type": "engagement.recorded", "ce_tenantid": "acme"}
    attributes |= {"ce_time": "2026-03-01T00:00:00Z", "ce_subject": str(uuid4())}
    headers = [(name, text.encode()) for name, text in attributes.items()]
    models = {"engagement.recorded": EngagementRecorded}
    received = decode("engagement.recorded", body, headers, datetime.now(UTC), models, keep_raw=True)
    properties = {"id": "12345678901234567890123", "n": ["9" * 400, 5, 1.5, True]}
    assert received.event.properties == received.raw["properties"] == properties
    assert EngagementRecorded(kind="visit", properties={"n": 2**63 - 1}).properties == {"n": 2**63 - 1}
