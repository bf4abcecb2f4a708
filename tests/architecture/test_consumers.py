"""How the services hang on Kafka: what a library's default would do wrong is set, on every subscriber."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.events import CATALOGUE
from shared.events.readers import READS, SERVICES_MAY_WRITE
from shared.messaging import Consumer
from tests.architecture.apps import SERVICES, consumer_of
from tests.architecture.tree import sources


def faults(broker: KafkaBroker) -> list[str]:
    """What is dangerous about a broker's subscribers."""
    found = []
    if broker.config.broker_config.allow_auto_create_topics:
        found.append("topics are created by themselves")
    for subscriber in broker.subscribers:
        settings = subscriber._connection_args
        if subscriber.ack_policy is not AckPolicy.NACK_ON_ERROR:
            found.append(f"ack policy {subscriber.ack_policy}")
        if settings["partition_assignment_strategy"] != (RangePartitionAssignor,):
            found.append("topics are not co-partitioned")
        if settings["enable_auto_commit"]:
            found.append("offsets are committed by themselves")
        if settings["auto_offset_reset"] != "earliest":
            found.append(f"a new group begins at the {settings['auto_offset_reset']}")
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_one_batch_subscriber_and_it_is_safe(name: str) -> None:
    consumer = consumer_of(name)
    assert list(consumer.broker.subscribers) == [consumer.subscriber]
    assert type(consumer.subscriber).__name__ == "BatchSubscriber"
    assert faults(consumer.broker) == []
    assert consumer.group == f"leadflow-{name}"


def test_a_subscriber_with_the_library_s_defaults_is_found() -> None:
    broker = KafkaBroker("127.0.0.1:1", logger=None)
    broker.subscriber("lead.captured", group_id="leadflow-planted")
    assert faults(broker) == [
        "topics are created by themselves",
        "ack policy AckPolicy.ACK_FIRST",
        "topics are not co-partitioned",
        "offsets are committed by themselves",
        "a new group begins at the latest",
    ]


@pytest.mark.parametrize("policy", [AckPolicy.ACK, AckPolicy.ACK_FIRST, AckPolicy.MANUAL])
def test_every_other_ack_policy_is_found(policy: AckPolicy) -> None:
    broker = KafkaBroker("127.0.0.1:1", logger=None, allow_auto_create_topics=False)
    broker.subscriber(
        "lead.captured",
        group_id="leadflow-planted",
        ack_policy=policy,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
    )
    assert f"ack policy {policy}" in faults(broker)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_reads_what_the_catalogue_says(name: str) -> None:
    assert set(consumer_of(name).models) == {event.type for event in READS[name]}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_reads_events_of_the_catalogue_in_their_present_version(name: str) -> None:
    for type_, model in consumer_of(name).models.items():
        assert issubclass(model, CATALOGUE[type_]) and model.major == CATALOGUE[type_].major


def clients(modules: Iterable[tuple[Path, ast.Module]]) -> list[str]:
    """Calls that make a Kafka client, as `file: name`."""
    names = {"KafkaBroker", "KafkaRouter", "AIOKafkaConsumer", "AIOKafkaProducer"}
    return sorted(
        f"{path.as_posix()}: {node.func.id}"
        for path, module in modules
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    )


def test_nobody_but_the_messaging_talks_to_kafka() -> None:
    elsewhere = [place for place in clients(sources()) if place.split("/")[0] == "services"]
    assert elsewhere == [], "consume by service.consume, publish by work.emit"
    planted = ast.parse("producer = AIOKafkaProducer(bootstrap_servers=where)")
    assert clients([(Path("services/goals/workers.py"), planted)]) == ["services/goals/workers.py: AIOKafkaProducer"]


def foreign_words(modules: Iterable[tuple[Path, ast.Module]]) -> list[str]:
    """Events that a service makes though another one publishes them, as `file: event`."""
    publishers = {event.__name__: event.publisher for event in CATALOGUE.values()}
    also = {(service, event.__name__) for service, events in SERVICES_MAY_WRITE.items() for event in events}
    return sorted(
        f"{path.as_posix()}: {node.func.id}"
        for path, module in modules
        if path.parts[0] == "services"
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and publishers.get(node.func.id, path.parts[1]) != path.parts[1]
        and (path.parts[1], node.func.id) not in also
    )


def test_a_service_says_only_what_it_publishes() -> None:
    assert foreign_words(sources()) == []
    planted = ast.parse("work.emit(StageChanged(to='won'), tenant=tenant, subject=lead)")
    assert foreign_words([(Path("services/goals/use_cases.py"), planted)]) == [
        "services/goals/use_cases.py: StageChanged"
    ]
    assert foreign_words([(Path("services/stages/use_cases.py"), planted)]) == []


def test_a_consumer_is_made_in_one_place() -> None:
    made = [
        path.as_posix()
        for path, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Consumer.__name__
    ]
    assert [path for path in made if not path.startswith("shared/testing/")] == ["shared/service.py"]
