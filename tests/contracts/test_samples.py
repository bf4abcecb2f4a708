"""The golden samples: records as they lie in the topics, read by our own decoder and written by our own encoder."""

from base64 import b64encode
from copy import deepcopy
from typing import Any, get_args, get_origin

import orjson
import pytest
from pydantic import BaseModel

from shared.errors import Invalid
from shared.events import CATALOGUE
from shared.events.base import open_enum
from shared.events.documents.headers import HEADERS
from shared.events.documents.samples import samples
from shared.events.envelope import decode, headers_of
from tests.contracts.records import NAMES, NOW, golden


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_record_is_read_and_written_back_to_the_same_bytes_and_headers(name: str) -> None:
    sample = golden(name)
    received = sample.read()
    assert received.event.model_dump_json(exclude_unset=True).encode() == sample.raw
    assert headers_of(received.envelope) == sample.headers
    assert type(received.event) is sample.model
    assert received.envelope.subject == sample.key


@pytest.mark.parametrize("name", NAMES)
def test_structured_mode_says_the_same_as_binary_mode(name: str) -> None:
    sample = golden(name)
    attributes = {header.removeprefix("ce_"): text for header, text in sample.headers.items() if header[:3] == "ce_"}
    body = {**attributes, "traceparent": sample.headers["traceparent"], "data": sample.value}
    structured = sample.read(body, {"content-type": "application/cloudevents+json; charset=utf-8"})
    assert structured == sample.read()


@pytest.mark.parametrize("name", NAMES)
def test_fields_that_nobody_knows_yet_are_no_error(name: str) -> None:
    sample = golden(name)
    grown = {**sample.value, "a_field_of_tomorrow": {"deep": [1, 2]}}
    assert sample.fits(grown)
    assert sample.read(grown) == sample.read()


def _open_enums(model: type[BaseModel], at: tuple[str, ...] = ()) -> Any:
    """(path, enum) of every open list of values in a model; a list's or map's items stand as `*`."""
    for field, info in model.model_fields.items():
        path = (*at, info.alias or field)
        for enum in [found for found in info.metadata if isinstance(found, open_enum)]:
            yield path, enum
        yield from _inside(info.annotation, path)


def _inside(annotation: Any, path: tuple[str, ...]) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _open_enums(annotation, path)
    for enum in [found for found in getattr(annotation, "__metadata__", ()) if isinstance(found, open_enum)]:
        yield path, enum
    container = get_origin(annotation) in (list, dict)
    for inner in get_args(annotation):
        yield from _inside(inner, (*path, "*") if container else path)


OPEN = [
    pytest.param(f"{event.type}.{event.major}", path, enum, id=f"{event.type}:{'.'.join(path)}")
    for event in CATALOGUE.values()
    for path, enum in _open_enums(event)
]


def _set(value: Any, path: tuple[str, ...], new: str) -> None:
    *way, last = path
    for step in way:
        value = (next(iter(value.values())) if isinstance(value, dict) else value[0]) if step == "*" else value[step]
    value[0 if last == "*" else last] = new


def _get(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = (next(iter(value.values())) if isinstance(value, dict) else value[0]) if step == "*" else value[step]
    return value


@pytest.mark.parametrize(("name", "path", "enum"), OPEN)
def test_a_value_that_nobody_knows_yet_is_read_as_other(name: str, path: tuple[str, ...], enum: open_enum) -> None:
    sample = golden(name)
    changed = deepcopy(sample.value)
    _set(changed, path, "something_of_tomorrow")
    assert sample.fits(changed)
    read = orjson.loads(sample.read(changed).event.model_dump_json(exclude_unset=True))
    assert _get(read, path) == enum.otherwise
    for known in enum.known:
        _set(changed, path, known)
        assert _get(orjson.loads(sample.read(changed).event.model_dump_json()), path) == known


def test_there_are_open_lists_to_test_in_data_and_in_its_parts() -> None:
    ids = {param.id for param in OPEN}
    assert {"reply.received:label", "lead.captured:consent.email", "lead.enriched:providers.*.outcome"} <= ids
    assert "outreach.exhausted:channels.*" in ids


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_holds_together(name: str) -> None:
    """What a record says twice, it says alike."""
    sample = golden(name)
    assert sample.headers["ce_type"] == sample.topic == name.rpartition(".")[0]
    assert sample.key == sample.headers.get("ce_subject")
    for field, header in (
        ("lead_id", "ce_subject"),
        ("goal_id", "ce_subject"),
        ("occurred_at", "ce_time"),
        ("scored_at", "ce_time"),
        ("caused_by", "ce_causationid"),
    ):
        if field in sample.value:
            assert sample.value[field] == sample.headers[header], field


def test_samples_tell_one_story_whose_sequences_have_no_gap() -> None:
    counts: dict[tuple[str, str | None], list[int]] = {}
    for sample in samples().values():
        if sample.envelope.sequence:
            counts.setdefault((sample.envelope.source, sample.key), []).append(sample.envelope.sequence)
    assert counts and all(seen == list(range(1, len(seen) + 1)) for seen in counts.values())
    ids = {sample.envelope.id for sample in samples().values()}
    assert len(ids) == len(CATALOGUE)
    causes = {sample.envelope.causation_id for sample in samples().values()} - {None}
    assert causes <= ids


def test_every_header_that_is_written_is_in_the_table() -> None:
    written = set().union(*(sample.headers for sample in samples().values()))
    assert written == {header.name for header in HEADERS}


@pytest.mark.parametrize("header", [header.name for header in HEADERS if header.needed] + ["ce_subject"])
def test_a_record_without_a_needed_header_is_refused(header: str) -> None:
    sample = golden("lead.captured.1")
    with pytest.raises(Invalid, match=header.removeprefix("ce_")):
        sample.read(headers={name: text for name, text in sample.headers.items() if name != header})


@pytest.mark.parametrize("header", [header.name for header in HEADERS if not header.needed])
def test_a_record_without_the_other_headers_is_read(header: str) -> None:
    sample = golden("lead.submitted.1")
    assert sample.read(headers={name: text for name, text in sample.headers.items() if name != header}).event


def test_data_in_base64_is_read_in_structured_mode() -> None:
    sample = golden("lead.captured.1")
    attributes = {header.removeprefix("ce_"): text for header, text in sample.headers.items() if header[:3] == "ce_"}
    body = {**attributes, "traceparent": sample.headers["traceparent"], "data_base64": b64encode(sample.raw).decode()}
    headers = {"content-type": "application/cloudevents+json"}
    assert sample.read(body, headers) == sample.read()
    with pytest.raises(Invalid, match="Base64"):
        sample.read({**body, "data_base64": "not base64!"}, headers)


@pytest.mark.parametrize("number", ["12345678901234567890", "18446744073709551617", "-9223372036854775809", "7"])
def test_whole_numbers_keep_their_digits_in_structured_mode_as_in_binary_mode(number: str) -> None:
    sample = golden("engagement.recorded.1")
    data = b'{"kind": "visit", "properties": {"n": ' + number.encode() + b"}}"
    binary = [(name, text.encode()) for name, text in sample.headers.items()]
    attributes = {header.removeprefix("ce_"): text for header, text in sample.headers.items() if header[:3] == "ce_"}
    attributes["traceparent"] = sample.headers["traceparent"]
    body = orjson.dumps(attributes)[:-1] + b', "data": ' + data + b"}"
    in_structured_mode = [
        ("content-type", b"application/cloudevents+json"),
        ("traceparent", attributes["traceparent"].encode()),
    ]
    expected = decode(sample.topic, data, binary, NOW, CATALOGUE)
    assert decode(sample.topic, body, in_structured_mode, NOW, CATALOGUE).event == expected.event
    with pytest.raises(Invalid, match="not JSON"):
        decode(sample.topic, body.replace(number.encode(), b"1" * 5_000), in_structured_mode, NOW, CATALOGUE)
    deep = b"[" * 900 + b"1" * 20 + b"]" * 900
    with pytest.raises(Invalid):
        decode(sample.topic, body.replace(number.encode(), deep), in_structured_mode, NOW, CATALOGUE)


def test_headers_of_other_systems_are_left_alone() -> None:
    sample = golden("lead.captured.1")
    pairs = [(name, text.encode()) for name, text in sample.headers.items()]
    received = decode(sample.topic, sample.raw, [*pairs, ("x-trace", b"\xff\xfe")], NOW, CATALOGUE)
    assert received == sample.read()


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("ce_correlationid", "x" * 257),
        ("ce_correlationid", "a\nb"),
        ("traceparent", "00-" + "x" * 5_000),
        ("traceparent", "anything"),
    ],
)
def test_what_is_copied_into_other_events_is_short_and_well_formed_or_ignored(header: str, text: str) -> None:
    sample = golden("lead.captured.1")
    received = sample.read(None, {**sample.headers, header: text})
    copied = {"ce_correlationid": received.envelope.correlation_id, "traceparent": received.envelope.traceparent}
    assert copied[header] is None


@pytest.mark.parametrize("version", [1_000_001, 2_147_483_647])
def test_a_version_that_no_lead_reaches_is_refused(version: int) -> None:
    sample = golden("lead.updated.1")
    with pytest.raises(Invalid, match="version"):
        sample.read({**sample.value, "version": version})


def test_a_meeting_that_does_not_end_after_it_starts_is_refused_as_over_http() -> None:
    sample = golden("meeting.booked.1")
    for ends_at in (sample.value["starts_at"], "2026-03-18T12:59:59Z"):
        with pytest.raises(Invalid, match="ends_at must be after starts_at"):
            sample.read({**sample.value, "ends_at": ends_at})


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ({"kind": " \t"}, "kind: Value error, is blank"),
        ({"properties": {str(n): n for n in range(201)}}, "more than 200 entries"),
        ({"properties": {"a": "x" * 64_001}}, "more than 64000 characters"),
    ],
)
def test_an_engagement_beyond_the_limits_of_http_is_refused(planted: dict[str, Any], reason: str) -> None:
    sample = golden("engagement.recorded.1")
    with pytest.raises(Invalid, match=reason):
        sample.read({**sample.value, **planted})
