"""The AsyncAPI 3.0 document of the whole system: topics as channels, who writes and who reads them as operations."""

from typing import Any

from shared.events import CATALOGUE, Event
from shared.events.documents.headers import headers_schema, headers_schema_of
from shared.events.documents.samples import samples
from shared.events.documents.schemas import meaning_of, name_of, schema_of
from shared.events.external import OTHER_SYSTEMS
from shared.events.readers import READS, readers, writers
from shared.events.topics import PARTITIONS, SETTINGS
from shared.names import group_of

_BINDING = "0.5.0"

_ABOUT = """\
The events of Leadflow on Kafka: CloudEvents 1.0, binary mode out, binary and structured mode in.
Topic = type, key = lead id. Records live 14 days. Unknown fields are no error; an unknown value of an
`x-extensible-enum` is read as `other`. See README.md beside this file for the same as a page."""


def document() -> dict[str, Any]:
    """The document. Made from the event models, the samples and the table of readers."""
    events = list(CATALOGUE.values())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Leadflow events",
            "version": "1",
            "description": _ABOUT,
            "tags": [{"name": service} for service in READS] + [{"name": OTHER_SYSTEMS}],
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The broker of the local run; elsewhere LEADFLOW_KAFKA_BOOTSTRAP.",
            }
        },
        "channels": {event.type: _channel(event) for event in events},
        "operations": {name: operation for event in events for name, operation in _operations(event)},
        "components": {
            "messages": {name_of(event): _message(event) for event in events},
            "schemas": {"headers": headers_schema()} | _schemas(events),
        },
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    return {
        "address": event.type,
        "summary": _first_line(event),
        "servers": [{"$ref": "#/servers/local"}],
        "messages": {name_of(event): {"$ref": f"#/components/messages/{name_of(event)}"}},
        "bindings": {
            "kafka": {
                "topic": event.type,
                "partitions": PARTITIONS,
                "topicConfiguration": {
                    "cleanup.policy": [SETTINGS["cleanup.policy"]],
                    "retention.ms": SETTINGS["retention.ms"],
                    "max.message.bytes": SETTINGS["max.message.bytes"],
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations(event: type[Event]) -> list[tuple[str, dict[str, Any]]]:
    made = [
        (f"{writer.replace(' ', '-')}.sends.{event.type}", _operation(event, "send", writer))
        for writer in writers(event)
    ]
    for reader in readers(event):
        operation = _operation(event, "receive", reader)
        group = {"type": "string", "enum": [group_of(reader)]}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING}}
        made.append((f"{reader}.reads.{event.type}", operation))
    return made


def _operation(event: type[Event], action: str, who: str) -> dict[str, Any]:
    verb = "publishes" if action == "send" else "reads"
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{event.type}"},
        "summary": f"{who} {'publish' if who == OTHER_SYSTEMS else verb} {event.type}",
        "tags": [{"name": who}],
        "messages": [{"$ref": f"#/channels/{event.type}/messages/{name_of(event)}"}],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    sample = samples()[event.type].to_json()
    return {
        "name": event.type,
        "title": event.type,
        "summary": _first_line(event),
        "description": meaning_of(event),
        "contentType": "application/json",
        "headers": {"allOf": [{"$ref": "#/components/schemas/headers"}, headers_schema_of(event)]},
        "payload": {"$ref": f"#/components/schemas/{name_of(event)}"},
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The {event.about}'s id, as in ce_subject."},
                "bindingVersion": _BINDING,
            }
        },
        "examples": [{"name": "sample", "headers": sample["headers"], "payload": sample["value"]}],
    }


def _schemas(events: list[type[Event]]) -> dict[str, Any]:
    """The payloads and their parts, each by name, with references inside this one document."""
    made: dict[str, Any] = {}
    for event in events:
        schema = schema_of(event)
        parts = schema.pop("$defs", {})
        payload = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
        for name, part in {name_of(event): payload, **parts}.items():
            moved = _moved(part)
            if made.setdefault(name, moved) != moved:
                raise ValueError(f"two different parts of events are called {name}")
    return made


def _moved(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
            for key, value in schema.items()
        }
    return [_moved(item) for item in schema] if isinstance(schema, list) else schema


def _first_line(event: type[Event]) -> str:
    return meaning_of(event).splitlines()[0]
