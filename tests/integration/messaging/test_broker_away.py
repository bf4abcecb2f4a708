"""While the broker stands still or refuses for now, whatever uses it ends in time and leaves nothing behind."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError, NotEnoughReplicasError
from aiokafka.protocol.produce import ProduceRequest

from deploy.local.kafka import Kafka as LocalKafka
from deploy.local.ports import free_port
from deploy.topics import create_topics
from shared.errors import Transient
from shared.events.topics import LOCAL_PARTITIONS
from shared.messaging import Relay, dead_letters, offsets
from shared.messaging.clients import STOPS_WITHIN, ProducerClient
from shared.messaging.connection import Kafka
from shared.store.dead_letters import DeadLetter, page
from shared.store.outbox import Row
from shared.testing.builders import ALead
from shared.testing.bus import Bus

GRACE = 5.0
CUT_WITHIN = STOPS_WITHIN + 3


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalKafka]:
    """A broker that a test may hold up."""
    with TemporaryDirectory(prefix="leadflow-kafka-") as folder:
        made = LocalKafka(Path(folder), free_port(), free_port())
        made.start()
        asyncio.run(create_topics(Kafka(made.bootstrap), LOCAL_PARTITIONS))
        yield made
        made.kill()


@contextmanager
def held_up(broker: LocalKafka) -> Iterator[None]:
    """Meanwhile connections are accepted, by the kernel, and nothing is answered."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


@contextmanager
def ended(broker: LocalKafka) -> Iterator[None]:
    """From now on nobody accepts connections."""
    broker.kill()
    yield


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Fails when a task of a client outlives the test."""
    before = asyncio.all_tasks()
    yield
    left = [task for task in asyncio.all_tasks() - before if "aiokafka" in repr(task.get_coro())]
    assert left == []


@pytest.fixture
async def nothing_is_forgotten() -> AsyncIterator[None]:
    """Fails when an error is reported that nobody waits for: a relay fails again and again."""
    reports: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reports.append(str(context)))
    yield
    gc.collect()
    loop.set_exception_handler(None)
    assert reports == []


class Refused:
    """Counts what a producer sends. The broker refuses all of it for now, as it does while replicas are missing."""

    def __init__(self, producer: ProducerClient) -> None:
        self.sent = 0
        self.producer = producer
        self._send = producer.client.send
        producer.client.send = self.send

    async def send(self, node, request, **options):
        if isinstance(request, ProduceRequest):
            self.sent += 1
            raise NotEnoughReplicasError
        return await self._send(node, request, **options)


async def test_a_producer_that_is_refused_for_now_stops_and_sends_no_more(
    backend, no_task_is_left, nothing_is_forgotten
):
    producer = Kafka(backend.bootstrap).producer()
    await producer.start()
    refused = Refused(producer)
    answer = await producer.send("lead.captured", b"{}")
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    await producer.stop()
    assert time.monotonic() - begun < CUT_WITHIN
    assert isinstance(answer.exception(), KafkaError)
    sent = refused.sent
    await asyncio.sleep(0.5)
    assert refused.sent == sent > 1


async def test_a_relay_that_is_refused_for_now_goes_on_with_one_producer(
    start, tenant, monkeypatch, no_task_is_left, nothing_is_forgotten
):
    goals = await start("goals", only="api")
    relay = Relay(goals.database, goals.service.kafka)
    made: list[Refused] = []

    async def refused() -> bool:
        """A step of the relay whose rows are refused."""
        producer = await relay._started()
        made.append(Refused(producer))
        async with asyncio.timeout(0.5):
            await relay._send(producer, [Row(1, tenant, "goal.progressed", None, "{}", b"{}")])
        return True

    monkeypatch.setattr(relay, "step", refused)
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    while len(made) < 3:
        assert not running.done()
        await asyncio.sleep(0.05)
    sent = [one.sent for one in made[:2]]
    await asyncio.sleep(0.3)
    assert [one.sent for one in made[:2]] == sent
    stop.set()
    await asyncio.wait_for(running, 2 * CUT_WITHIN)


async def test_clients_stop_while_the_broker_stands_still(broker, no_task_is_left):
    kafka = Kafka(broker.bootstrap)
    producer, reader = kafka.producer(), kafka.consumer("lead.captured", group_id=f"standing-{uuid4().hex[:8]}")
    await producer.start()
    await reader.start()
    await reader.getmany(timeout_ms=500)
    with held_up(broker):
        answer = await producer.send("lead.captured", b"{}")
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        await asyncio.gather(producer.stop(), reader.stop())
        assert time.monotonic() - begun < CUT_WITHIN
    assert isinstance(answer.exception(), KafkaError)


async def test_a_replay_ends_while_the_broker_stands_still(broker, start, tenant, monkeypatch, no_task_is_left):
    monkeypatch.setattr(dead_letters, "_ANSWERED_WITHIN", 1.0)
    goals = await start("goals", only="api", kafka_bootstrap=broker.bootstrap)
    headers = [("ce_tenantid", tenant.encode())]
    await dead_letters.store(goals.database, [DeadLetter("lead.captured", 0, 7, None, b"{}", headers, "it is bad")])
    with held_up(broker):
        begun = time.monotonic()
        async with goals.database.worker([tenant]) as work:
            (letter,) = await page(work, limit=1)
            with pytest.raises(Transient):
                await dead_letters.replay(work, goals.service.kafka, letter["id"])
        assert time.monotonic() - begun < 1.0 + CUT_WITHIN


@pytest.mark.parametrize("holds_up", [held_up, ended])
async def test_a_service_stops_within_its_grace_while_the_broker_is_away(
    broker, start, tenant, eventually, monkeypatch, holds_up
):
    goals = await start(
        "goals", kafka_bootstrap=broker.bootstrap, grace_seconds=GRACE, consumer_group=f"goals-{uuid4().hex[:8]}"
    )
    consumer = goals.service.consumer

    async def assigned() -> bool:
        return consumer.assigned

    async def uncommitted() -> bool:
        return bool(consumer.offsets._behind)

    await eventually(assigned)
    monkeypatch.setattr(offsets, "COMMIT_AFTER", 1.0)
    bus = Bus(broker.bootstrap)
    ALead(bus, tenant).captured()
    bus.flush()
    await eventually(uncommitted)
    bus.close()
    with holds_up(broker):
        await asyncio.sleep(1.2)  # the commit is under way
        begun = time.monotonic()
        await goals.stop()
        took = time.monotonic() - begun
    # As Kubernetes counts it: the consumer, then relay and workers, each have the grace.
    assert took < 2 * GRACE + 5
