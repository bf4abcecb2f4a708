"""The golden samples as other systems see them: from the checked-in files, not from the code."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from jsonschema import Draft202012Validator, FormatChecker

from shared.errors import Invalid
from shared.events import CATALOGUE, Event, Received
from shared.events.documents import FOLDER
from shared.events.envelope import decode, parse_time

NOW = datetime(2026, 4, 1, tzinfo=UTC)
"""The broker's clock when the samples arrive."""

NAMES = sorted(f"{event.type}.{event.major}" for event in CATALOGUE.values())
_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=Invalid)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(parse_time(value))


@_formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(UUID(value))


@dataclass
class Golden:
    """A checked-in sample beside its checked-in schema."""

    name: str
    topic: str
    key: str | None
    headers: dict[str, str]
    value: dict[str, Any]
    schema: dict[str, Any]

    @property
    def model(self) -> type[Event]:
        return CATALOGUE[self.topic]

    @property
    def raw(self) -> bytes:
        """The value's bytes."""
        return orjson.dumps(self.value)

    def fits(self, value: object) -> bool:
        """Whether the schema, formats included, takes this value."""
        return Draft202012Validator(self.schema, format_checker=_formats).is_valid(value)

    def read(self, value: object | None = None, headers: dict[str, str] | None = None) -> Received[Event]:
        """What one of our consumers makes of the record, or of this value and these headers in its place."""
        body = self.raw if value is None else orjson.dumps(value)
        pairs = [(name, text.encode()) for name, text in (headers or self.headers).items()]
        return decode(self.topic, body, pairs, NOW, CATALOGUE)

    def is_read(self, value: object) -> bool:
        try:
            self.read(value)
        except Invalid:
            return False
        return True


def golden(name: str, folder: Path = FOLDER) -> Golden:
    sample = orjson.loads((folder / "samples" / f"{name}.json").read_bytes())
    return Golden(name, **sample, schema=orjson.loads((folder / "schemas" / f"{name}.json").read_bytes()))


def parts(schema: dict[str, Any], value: Any) -> list[tuple[dict[str, Any], Any]]:
    """Every object of a value with the schema that describes it: the data itself and the parts inside."""
    return list(_parts(schema, value, schema))


def _parts(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    for choice in schema.get("anyOf", ()):
        if "$ref" in choice or "items" in choice:
            yield from _parts(choice, value, root)
    if isinstance(value, list):
        for item in value:
            yield from _parts(schema.get("items", {}), item, root)
    elif isinstance(value, dict):
        if "properties" in schema:
            yield schema, value
        for name, said in schema.get("properties", {}).items():
            if name in value:
                yield from _parts(said, value[name], root)
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            for item in value.values():
                yield from _parts(values, item, root)
