"""Inside a major version only optional fields and new values of a list may come; what was released is kept frozen."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.events.__main__ import main
from shared.events.documents import FOLDER, RELEASED, as_text, broken_promises, release, write
from shared.events.documents.compatibility import breaks
from tests.contracts.records import NAMES, golden

STAGE_CHANGED = golden("stage.changed.1").schema
ENRICHED = golden("lead.enriched.1").schema
REPLY = golden("reply.received.1").schema


def test_the_present_schemas_keep_what_was_released() -> None:
    assert broken_promises() == []


def test_every_event_version_has_been_released() -> None:
    assert sorted(path.stem for path in (FOLDER / RELEASED).glob("*.json")) == NAMES, (
        "python -m shared.events --release"
    )


def _changed(schema: dict[str, Any], *path: str, **new: Any) -> dict[str, Any]:
    """A copy of the schema in which the object at `path` has these keys; a key that is None is taken away."""
    copy = deepcopy(schema)
    place = copy
    for step in path:
        place = place[step]
    for key, value in new.items():
        key = {"x_extensible_enum": "x-extensible-enum"}.get(key, key)
        if value is None:
            del place[key]
        else:
            place[key] = value
    return copy


LABELS = REPLY["properties"]["label"]["x-extensible-enum"]
VIOLATIONS = {
    "a field is removed": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, "properties", revision=None),
        "revision: was removed",
    ),
    "an optional field is removed": (STAGE_CHANGED, _changed(STAGE_CHANGED, "properties", corrects=None), "corrects"),
    "an optional field becomes required": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, required=[*STAGE_CHANGED["required"], "corrects"]),
        "corrects: became required",
    ),
    "a new field is required": (
        STAGE_CHANGED,
        _changed(
            _changed(STAGE_CHANGED, "properties", colour={"type": "string"}),
            required=[*STAGE_CHANGED["required"], "colour"],
        ),
        "colour: became required",
    ),
    "a required field becomes optional": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, required=[name for name in STAGE_CHANGED["required"] if name != "revision"]),
        "revision: became optional",
    ),
    "a type changes": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, "properties", "revision", type="string"),
        "revision type: was 'integer', is 'string'",
    ),
    "a field may suddenly be null": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, "properties", to={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "to: type was removed",
    ),
    "a format changes": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, "properties", "occurred_at", format=None),
        "occurred_at: format was removed",
    ),
    "a limit is set": (
        STAGE_CHANGED,
        _changed(STAGE_CHANGED, "properties", "to", maxLength=10),
        "to: maxLength was added",
    ),
    "a value of a list is removed": (
        REPLY,
        _changed(REPLY, "properties", "label", x_extensible_enum=LABELS[1:]),
        f"label: the value {LABELS[0]!r} was removed",
    ),
    "a list of values is closed": (
        REPLY,
        _changed(REPLY, "properties", "label", enum=LABELS, x_extensible_enum=None),
        "label: enum was added",
    ),
    "a part loses a field": (
        ENRICHED,
        _changed(ENRICHED, "$defs", "Fact", "properties", source=None),
        "source: was removed",
    ),
    "unknown fields become an error": (
        ENRICHED,
        _changed(ENRICHED, additionalProperties=False),
        "additionalProperties was added",
    ),
}


@pytest.mark.parametrize("case", VIOLATIONS)
def test_a_change_that_would_hurt_others_is_noticed(case: str) -> None:
    released, present, complaint = VIOLATIONS[case]
    assert any(complaint in problem for problem in breaks(released, present)), breaks(released, present)


def _renamed_part(schema: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(as_text(schema).replace('"Fact"', '"Finding"').replace("#/$defs/Fact", "#/$defs/Finding"))


GROWTH = {
    "nothing changes": (REPLY, REPLY),
    "an optional field comes": (REPLY, _changed(REPLY, "properties", mood={"type": "string"})),
    "a new value comes": (
        REPLY,
        _changed(REPLY, "properties", "label", x_extensible_enum=[*LABELS, "on_parental_leave"]),
    ),
    "a meaning is said better": (REPLY, _changed(REPLY, "properties", "label", description="Better words.")),
    "a part of the model is renamed": (ENRICHED, _renamed_part(ENRICHED)),
    "a part grows": (ENRICHED, _changed(ENRICHED, "$defs", "Fact", "properties", checked_at={"type": "string"})),
}


@pytest.mark.parametrize("case", GROWTH)
def test_a_change_that_hurts_nobody_is_allowed(case: str) -> None:
    assert breaks(*GROWTH[case]) == []


def test_a_planted_violation_breaks_the_promise_and_cannot_be_released(tmp_path: Path) -> None:
    write(tmp_path)
    release(tmp_path)
    assert broken_promises(tmp_path) == []
    frozen = tmp_path / RELEASED / "lead.scored.1.json"
    was = orjson.loads(frozen.read_bytes())
    frozen.write_text(as_text(_changed(was, "properties", "total", type="number")))
    problem = "lead.scored.1: data.total type: was 'number', is 'integer'"
    assert broken_promises(tmp_path) == [problem]
    with pytest.raises(ValueError, match="was 'number'"):
        release(tmp_path)


def test_an_event_version_that_is_no_more_breaks_the_promise(tmp_path: Path) -> None:
    write(tmp_path)
    release(tmp_path)
    (tmp_path / RELEASED / "lead.sold.1.json").write_text("{}")
    assert [problem.partition(":")[0] for problem in broken_promises(tmp_path)] == ["lead.sold.1"]


def test_the_command_finds_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""
