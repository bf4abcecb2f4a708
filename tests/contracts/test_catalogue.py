"""The AsyncAPI document and the page: every event, its topic, who writes it, who reads it."""

import re
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from shared.events import CATALOGUE, topics
from shared.events.documents import FOLDER
from shared.events.external import OTHER_SYSTEMS
from shared.events.readers import READS, readers, writers
from shared.limits import MAX_RECORD_BYTES
from shared.names import SERVICES

DOCUMENT: dict[str, Any] = orjson.loads((FOLDER / "asyncapi.json").read_bytes())
PAGE = (FOLDER / "README.md").read_text()
KEY = re.compile(r"[A-Za-z0-9._-]+\Z")


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _resolve(reference: str) -> Any:
    assert reference.startswith("#/"), f"{reference} leads out of the document"
    place: Any = DOCUMENT
    for step in reference[2:].split("/"):
        place = place[step.replace("~1", "/").replace("~0", "~")]
    return place


def test_every_reference_resolves() -> None:
    references = list(_references(DOCUMENT))
    assert len(references) > 200
    for reference in references:
        assert _resolve(reference) is not None
    with pytest.raises(KeyError):
        _resolve("#/components/messages/lead.sold.1")


def test_it_is_asyncapi_3_with_nothing_that_is_not_in_the_specification() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT.keys() <= {
        "asyncapi",
        "id",
        "info",
        "defaultContentType",
        "servers",
        "channels",
        "operations",
        "components",
    }
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for server in DOCUMENT["servers"].values():
        assert server["protocol"] == "kafka" and "://" not in server["host"]
    for kind in ("channels", "operations"):
        assert all(KEY.match(key) for key in DOCUMENT[kind])
    for components in DOCUMENT["components"].values():
        assert all(KEY.match(key) for key in components)


def test_there_is_a_channel_for_every_topic_with_its_settings() -> None:
    assert list(DOCUMENT["channels"]) == list(CATALOGUE)
    for topic, channel in DOCUMENT["channels"].items():
        binding = channel["bindings"]["kafka"]
        assert channel["address"] == binding["topic"] == topic
        assert binding["partitions"] == topics.PARTITIONS == 12
        documented = binding["topicConfiguration"]
        assert documented == {
            "cleanup.policy": ["delete"],
            "retention.ms": 14 * 24 * 3600 * 1000,
            "max.message.bytes": MAX_RECORD_BYTES,
        }
        assert all(
            topics.SETTINGS[name] == (value[0] if isinstance(value, list) else value)
            for name, value in documented.items()
        )


def test_an_operation_s_messages_are_those_of_its_channel() -> None:
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        channel = operation["channel"]["$ref"]
        assert _resolve(channel)["address"] in name
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_the_operations_are_who_writes_and_who_reads() -> None:
    said = {
        (operation["tags"][0]["name"], operation["action"], _resolve(operation["channel"]["$ref"])["address"])
        for operation in DOCUMENT["operations"].values()
    }
    expected = {(writer, "send", type_) for type_, event in CATALOGUE.items() for writer in writers(event)}
    expected |= {(reader, "receive", type_) for type_, event in CATALOGUE.items() for reader in readers(event)}
    assert said == expected


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["messages"]))
def test_payload_and_headers_of_every_example_fit_the_document(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    for example in message["examples"]:
        for part in ("payload", "headers"):
            schema = {"components": DOCUMENT["components"], "allOf": [message[part]]}
            Draft202012Validator.check_schema(schema)
            assert Draft202012Validator(schema).is_valid(example[part]), part


def test_every_event_has_one_publisher_and_one_place_that_says_who_reads_it() -> None:
    assert set(READS) == set(SERVICES)
    for event in CATALOGUE.values():
        assert event.publisher in (*SERVICES, OTHER_SYSTEMS)
        assert event.publisher in writers(event)


def test_every_service_but_capture_learns_what_capture_says_of_leads() -> None:
    for service in set(SERVICES) - {"capture"}:
        assert {"lead.captured", "lead.updated", "lead.merged", "lead.erased"} <= {e.type for e in READS[service]}


def test_the_page_has_a_chapter_for_every_event_and_its_links_lead_somewhere() -> None:
    chapters = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert chapters == ["Headers", *CATALOGUE]
    anchors = {chapter.lower().replace(".", "") for chapter in chapters}
    for text, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in anchors, text
        else:
            assert (FOLDER / target).exists(), target
