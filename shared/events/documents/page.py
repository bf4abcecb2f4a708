"""The catalogue as a page for people: what each event means, who publishes and reads it, its fields, an example."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from shared.events import CATALOGUE, Event
from shared.events.documents.headers import HEADERS
from shared.events.documents.samples import samples
from shared.events.documents.schemas import meaning_of, name_of, schema_of
from shared.events.readers import readers, writers

_INTRODUCTION = """\
<!-- Generated from the event models: python -m shared.events -->
# Events

The events that Leadflow publishes and reads on Kafka. Each event type has one topic of the same name; the key is the
lead's id; the value is the data as JSON; the attributes are headers (CloudEvents 1.0, binary mode). Structured mode
(`content-type: application/cloudevents+json`) is read too, batch mode is not.

- **Schemas**: [`schemas/`](schemas), JSON Schema 2020-12, one for each type and major version.
  **Samples**: [`samples/`](samples), a whole record each. **AsyncAPI 3.0**: [`asyncapi.json`](asyncapi.json).
- **Inside a major version** only optional fields and new values of a list are added. So: ignore unknown fields, and
  read an unknown value as `other`. A new major version is a new topic beside the old one.
  [`released/`](released) holds the schemas that others have built on; the tests compare with them.
  A schema that promised more than was ever taken is corrected there as well: nobody can have built on that.
- **An event is identified by** tenant, type, source and id: a second event with all four equal changes nothing.
- **Publishing**: partition by murmur2 over the key (librdkafka: `partitioner=murmur2_random`), at most 1 MiB. A record
  that cannot be read becomes a dead letter of each reader, with the reason: `leadflow dead-letters list SERVICE`.
- **Every `lead.submitted` is answered** by [`submission.answered`](#submissionanswered), whose `submission_id` and
  `ce_causationid` are the `ce_id` of the submission: with the id of the new or known lead and the warnings that
  `POST /v1/leads` would have answered, or with the reason why it was refused. A record whose tenant or id cannot be
  read is only a dead letter. A repeated submission is not answered again.
- In the tables `?` marks fields that may be absent or null. Names that end in `_on` or `_at` are RFC 3339 date-times
  with an offset.
- Records are kept for 14 days.
- **How to connect, publish, read, and learn what became of it**, with programs in three languages:
  [publish-and-read.md](publish-and-read.md).
"""


def page() -> str:
    """docs/events/README.md."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| event | published by | read by |"
    yield "|---|---|---|"
    for event in CATALOGUE.values():
        who, whom = ", ".join(writers(event)), ", ".join(readers(event)) or "-"
        yield f"| [`{event.type}`](#{_anchor(event)}) | {who} | {whom} |"
    yield ""
    yield from _headers()
    for event in CATALOGUE.values():
        yield from _event(event)


def _headers() -> Iterator[str]:
    yield "## Headers"
    yield ""
    yield "| header | needed | meaning |"
    yield "|---|---|---|"
    for header in HEADERS:
        yield f"| `{header.name}` | {'yes' if header.needed else ''} | {header.meaning} |"
    yield ""
    yield "All header values are UTF-8. A record of `lead.captured` (its value is shown below):"
    yield ""
    yield "```"
    for name, text in samples()["lead.captured"].headers.items():
        yield f"{name}: {text}"
    yield "```"
    yield ""


def _event(event: type[Event]) -> Iterator[str]:
    name, schema = name_of(event), schema_of(event)
    yield f"## {event.type}"
    yield ""
    yield meaning_of(event)
    yield ""
    yield f"Published by {', '.join(writers(event))}. Read by {', '.join(readers(event)) or 'nobody here'}."
    yield f"[Schema](schemas/{name}.json), [sample](samples/{name}.json)."
    yield ""
    yield from _fields(schema)
    for part, part_schema in schema.get("$defs", {}).items():
        yield f"**{part}**: {part_schema['description']}"
        yield ""
        yield from _fields(part_schema)
    for line in _conditions(schema):
        yield line
        yield ""
    yield "```json"
    yield orjson.dumps(samples()[event.type].to_json()["value"], option=orjson.OPT_INDENT_2).decode()
    yield "```"
    yield ""


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    needed = schema.get("required", ())
    for field, of_field in sorted(schema["properties"].items(), key=lambda item: item[0] not in needed):
        name = f"`{field}`{'' if field in needed else '?'}"
        yield f"| {name} | {_type(of_field)} | {of_field['description']}{_values(of_field)} |"
    yield ""


def _conditions(schema: Mapping[str, Any]) -> Iterator[str]:
    if "anyOf" in schema:
        either = " and ".join(f"`{choice['required'][0]}`" for choice in schema["anyOf"])
        yield f"At least one of {either} is needed."


def _type(schema: Mapping[str, Any]) -> str:
    """A type as people say it; `null` is left out of optional fields, where it means absent."""
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema:
        return f"{schema['$ref'].rsplit('/', 1)[-1]}"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"map of {_type(values)}" if isinstance(values, Mapping) and values else "object"
    return str({"date-time": "date-time", "uuid": "UUID"}.get(schema.get("format", ""), schema.get("type", "any")))


def _values(schema: Mapping[str, Any]) -> str:
    for one in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if "x-extensible-enum" in one:
            return " One of " + ", ".join(f"`{value}`" for value in one["x-extensible-enum"]) + "."
    return ""


def _anchor(event: type[Event]) -> str:
    return event.type.replace(".", "")
