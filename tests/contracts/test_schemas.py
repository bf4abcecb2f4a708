"""The schemas are what other systems build on: they are checked in, and say the same as the models that read."""

from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.events import CATALOGUE, Event
from shared.events.documents import stale, write
from shared.events.documents.meanings import meaning, unused
from shared.events.documents.schemas import meaning_of, schemas
from tests.contracts.records import NAMES, golden, parts

WRONG = {"string": 5, "integer": "5", "number": "much", "boolean": "yes", "array": {}, "object": []}
"""For each JSON type a value that is not of it."""


def test_the_documents_are_what_the_models_say() -> None:
    assert stale() == [], "python -m shared.events writes them anew"


def test_a_changed_a_missing_and_a_left_over_document_are_noticed(tmp_path: Any) -> None:
    write(tmp_path)
    assert stale(tmp_path) == []
    (tmp_path / "schemas" / "lead.captured.1.json").write_text("{}")
    (tmp_path / "samples" / "lead.erased.1.json").unlink()
    (tmp_path / "samples" / "lead.forgotten.1.json").write_text("{}")
    assert stale(tmp_path) == [
        "samples/lead.erased.1.json",
        "samples/lead.forgotten.1.json",
        "schemas/lead.captured.1.json",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_a_valid_schema_and_explains_every_field(name: str) -> None:
    schema = golden(name).schema
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:leadflow:{name.rpartition('.')[0]}:{name.rpartition('.')[2]}"
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["description"]
        for field, said in part["properties"].items():
            assert said["description"], field


def test_no_word_is_explained_that_no_event_has() -> None:
    fields: dict[str, frozenset[str]] = {}
    for schema in schemas().values():
        fields[schema["title"]] = frozenset(schema["properties"])
        for part, said in schema.get("$defs", {}).items():
            fields[part] = frozenset(said["properties"])
    assert unused(fields) == []
    assert unused({}) != []


def test_an_event_or_a_field_without_a_meaning_is_refused() -> None:
    class Unsaid(Event):
        type = "lead.unsaid"
        publisher = "capture"

    Unsaid.__doc__ = None
    with pytest.raises(ValueError, match="no docstring"):
        meaning_of(Unsaid)
    with pytest.raises(KeyError, match="shoe_size"):
        meaning("lead.captured", "shoe_size")


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_sample_fits_its_schema(name: str) -> None:
    sample = golden(name)
    assert sample.fits(sample.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_sample_says_every_field_once(name: str) -> None:
    sample = golden(name)
    said: dict[str, set[str]] = {}
    for schema, value in parts(sample.schema, sample.value):
        said.setdefault(schema["description"], set()).update(value)
    described = [sample.schema, *sample.schema.get("$defs", {}).values()]
    assert said == {schema["description"]: set(schema["properties"]) for schema in described}


@pytest.mark.parametrize("name", NAMES)
def test_schema_and_model_agree_on_what_is_required(name: str) -> None:
    sample = golden(name)
    count = len(parts(sample.schema, sample.value))
    for number in range(count):
        for field in list(parts(sample.schema, sample.value)[number][1]):
            changed = deepcopy(sample.value)
            schema, part = parts(sample.schema, changed)[number]
            del part[field]
            allowed = field not in schema.get("required", ())
            assert sample.fits(changed) is allowed, field
            assert sample.is_read(changed) is allowed, field


@pytest.mark.parametrize("name", NAMES)
def test_schema_and_model_agree_on_types(name: str) -> None:
    sample = golden(name)
    for number in range(len(parts(sample.schema, sample.value))):
        for field in list(parts(sample.schema, sample.value)[number][1]):
            changed = deepcopy(sample.value)
            schema, part = parts(sample.schema, changed)[number]
            for wrong in _wrong(schema["properties"][field]):
                part[field] = wrong
                assert not sample.fits(changed), (field, wrong)
                assert not sample.is_read(changed), (field, wrong)


def _wrong(schema: dict[str, Any]) -> list[Any]:
    """Values that a field may not have: of another type, and for date-times and UUIDs a text that is none."""
    choices = schema.get("anyOf", [schema])
    types = {choice.get("type") for choice in choices if "type" in choice}
    wrong = [WRONG[type_] for type_ in types if type_ in WRONG]
    if any(choice.get("format") in ("date-time", "uuid") for choice in choices):
        wrong.append("yesterday")
    return wrong


def test_a_submitted_lead_needs_an_email_or_a_phone() -> None:
    sample = golden("lead.submitted.1")
    for reachable, contact in (
        (False, {}),
        (False, {"email": " ", "phone": ""}),
        (True, {"email": "a@b.example"}),
        (True, {"phone": "0170 1"}),
    ):
        value = {"source": "website", **contact}
        assert sample.fits(value) is reachable, contact
        assert sample.is_read(value) is reachable, contact


def test_every_event_of_the_catalogue_has_one_type_and_one_topic() -> None:
    assert all(type_ == event.type for type_, event in CATALOGUE.items())
    assert len({event.__name__ for event in CATALOGUE.values()}) == len(CATALOGUE) >= 25
