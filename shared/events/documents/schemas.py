"""A JSON Schema (2020-12) for each event type and major version, made from the models."""

from inspect import cleandoc
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from shared.events import CATALOGUE, Event
from shared.events.documents.meanings import meaning

_NOT_EMPTY = {"type": "string", "pattern": "\\S"}
_CONDITIONS: dict[str, JsonSchemaValue] = {
    "lead.submitted": {
        "anyOf": [
            {"required": ["email"], "properties": {"email": _NOT_EMPTY}},
            {"required": ["phone"], "properties": {"phone": _NOT_EMPTY}},
        ]
    }
}
"""What a model checks beyond its fields, for the schema."""


class _Plain(GenerateJsonSchema):
    """Without a title for each field: the field's name is one."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def name_of(event: type[Event]) -> str:
    """The file name of an event version, without its ending."""
    return f"{event.type}.{event.major}"


def schema_of(event: type[Event]) -> JsonSchemaValue:
    """The schema of an event's data. Its `$id` is the value of the header `ce_dataschema`."""
    made = event.model_json_schema(schema_generator=_Plain)
    parts = {name: _explained(name, part) for name, part in made.get("$defs", {}).items()}
    explained = _explained(event.type, made)
    schema: JsonSchemaValue = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:leadflow:{event.type}:{event.major}",
        "title": event.type,
        "description": meaning_of(event),
        "type": "object",
        "required": explained.get("required", []),
        "properties": explained["properties"],
        **_CONDITIONS.get(event.type, {}),
    }
    if parts:
        schema["$defs"] = parts
    return schema


def schemas() -> dict[str, JsonSchemaValue]:
    """All schemas, by the name of the event version."""
    return {name_of(event): schema_of(event) for event in CATALOGUE.values()}


def meaning_of(event: type[Event]) -> str:
    """The meaning of an event, from its docstring. Raises ValueError when it has none."""
    if not event.__doc__:
        raise ValueError(f"{event.__name__} has no docstring that explains the event")
    return cleandoc(event.__doc__)


def _explained(where: str, schema: JsonSchemaValue) -> JsonSchemaValue:
    properties = {
        field: {**_without_default_null(description), "description": meaning(where, field)}
        for field, description in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _without_default_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Leave out `default: null`: it means the same as an absent default."""
    return {key: value for key, value in schema.items() if key != "default" or value is not None}
