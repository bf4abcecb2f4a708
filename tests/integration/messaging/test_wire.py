"""What the Kafka client itself cannot read stops nothing: it becomes a dead letter, and all good records arrive."""

import asyncio
import random
import time
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from shared.events.topics import LOCAL_PARTITIONS
from shared.messaging import raw_records
from tests.integration.messaging.test_dead_letters import GOOD, attributes, taken
from tests.integration.messaging.wire import Wire, batch, record

TOPIC = "engagement.recorded"
BAD_NAME = (b"x-\xff\xfe-trace", b"1")


def headers_of(attributes: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in attributes.items()]


def now() -> int:
    return int(time.time() * 1_000)


async def letters(stages, tenant: str) -> list:
    async with stages.database.worker() as work:
        return await work.fetch("SELECT * FROM dead_letter WHERE tenant_id = :tenant ORDER BY id", tenant=tenant)


@pytest.mark.parametrize("codec", [0, 1, 3])
async def test_a_header_name_that_is_not_utf_8_costs_its_record_and_nothing_else(
    backend, start, tenant, eventually, codec, caplog
):
    stages = await start("stages")
    before, bad, after = (attributes(tenant) for _ in range(3))
    raw = batch(
        [
            record(0, b"a", GOOD, headers_of(before)),
            record(1, b"a", GOOD, [*headers_of(bad), BAD_NAME]),
            record(2, b"a", GOOD, headers_of(after)),
        ],
        at=now(),
        codec=codec,
    )
    begun = time.monotonic()
    async with Wire(backend.bootstrap) as wire:
        assert await wire.send(TOPIC, 2, raw) == 0
    await eventually(lambda: taken(stages, after["ce_id"]))
    assert time.monotonic() - begun < 25
    assert await taken(stages, before["ce_id"]) and not await taken(stages, bad["ce_id"])
    await eventually(lambda: letters(stages, tenant))  # in a transaction of its own, perhaps after that of the others
    (letter,) = await letters(stages, tenant)
    assert letter["event_id"] == bad["ce_id"]
    assert "the name of a header is not UTF-8" in letter["error"]
    assert letter["value"] == GOOD and letter["key"] == b"a"
    assert "consumer.fetch_failed" in caplog.text, "the failure was logged at once"
    async with stages.client() as api:
        assert (await api.get("/readyz")).status_code == 200


async def test_other_partitions_go_on_beside_one_that_cannot_be_read(backend, bus, start, tenant, eventually):
    stages = await start("stages")
    bad = batch([record(0, None, GOOD, [*headers_of(attributes(tenant)), BAD_NAME]) for _ in range(20)], at=now())
    good = [attributes(tenant) for _ in range(200)]
    async with Wire(backend.bootstrap) as wire:
        for number, each in enumerate(good):
            if number % 40 == 0:
                assert await wire.send(TOPIC, number % LOCAL_PARTITIONS, bad) == 0
            bus.raw(TOPIC, GOOD, each, key=each["ce_subject"])
    bus.flush()
    for each in good:
        await eventually(lambda each=each: taken(stages, each["ce_id"]))


async def test_the_bus_of_the_tests_reads_on_behind_a_name_that_its_client_cannot_read(backend, bus, tenant):
    """Its client returns a list with a hole then, and whoever looks into the hole ends the process."""
    place = attributes(tenant)
    good = [record(number, None, GOOD, headers_of(place)) for number in range(100)]
    bad = record(100, None, GOOD, [BAD_NAME])
    async with Wire(backend.bootstrap) as wire:
        assert await wire.send(TOPIC, 2, batch([*good, bad], at=now())) == 0
    assert len(bus.seen(TOPIC, tenant=tenant)) == 100


async def test_ten_thousand_random_records_hold_up_no_good_one(backend, start, tenant, eventually):
    chance = random.Random(7)
    stages = await start("stages")

    def some_bytes(most: int) -> bytes:
        return chance.randbytes(chance.randrange(most))

    def some_record(number: int) -> bytes:
        headers = [
            (some_bytes(30), some_bytes(40) if chance.random() < 0.9 else None) for _ in range(chance.randrange(4))
        ]
        if chance.random() < 0.5:
            headers += headers_of(attributes(tenant))
        value = None if chance.random() < 0.1 else some_bytes(chance.choice([20, 200, 20_000]))
        return record(number, some_bytes(20) or None, value, headers)

    good: list[str] = []
    sent = 0
    async with Wire(backend.bootstrap) as wire:
        while sent < 10_000:
            size = chance.choice([1, 7, 60])
            records = [some_record(number) for number in range(size)]
            place = attributes(tenant)
            records.append(record(size, None, GOOD, headers_of(place)))
            raw = batch(records, at=now(), codec=chance.randrange(5))
            if len(raw) < 900_000 and await wire.send(TOPIC, chance.randrange(LOCAL_PARTITIONS), raw) == 0:
                good.append(place["ce_id"])
                sent += size

    async def all_arrived() -> bool:
        async with stages.database.worker() as work:
            rows = await work.fetch("SELECT event_id FROM activity WHERE tenant_id = :tenant", tenant=tenant)
        return set(good) <= {row["event_id"] for row in rows}

    await eventually(all_arrived, within=90)
    async with stages.client() as api:
        assert (await api.get("/readyz")).status_code == 200


async def test_a_broken_batch_is_one_dead_letter_and_reading_goes_on_behind_it() -> None:
    """The broker checks what it takes; a disk may still change it afterwards."""
    good = record(0, None, b"{}", [])
    whole = batch([good, record(1, None, b"{}", [])], at=1)
    broken = {
        "its checksum does not match": bytearray(whole[:-1] + b"\x7f"),
        "its compression 7 is unknown": _with_attributes(whole, 7),
        "the batch cannot be read": _with_attributes(whole, 1),
        "the batch is cut short": _resealed(whole[:-3]),
    }
    for reason, raw in broken.items():
        records = raw_records._Batches(bytes(raw) + batch([good], at=1))
        first = list(records.next_batch())
        assert reason in first[-1].reason, reason
        assert first[-1].offset == 1, "reading goes on behind the batch"
        assert [each.reason for each in records.next_batch()] == [None]


async def test_an_aborted_transaction_of_somebody_else_is_passed_over(backend, start, tenant, eventually):
    from confluent_kafka import Producer

    stages = await start("stages")
    producer = Producer({"bootstrap.servers": backend.bootstrap, "transactional.id": f"t-{uuid4().hex}"})
    await asyncio.to_thread(producer.init_transactions, 20)
    aborted, committed = attributes(tenant), attributes(tenant)
    for each, end in ((aborted, producer.abort_transaction), (committed, producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(TOPIC, GOOD, headers=list(each.items()), partition=1)
        await asyncio.to_thread(producer.flush, 20)
        await asyncio.to_thread(end, 20)
    async with Wire(backend.bootstrap) as wire:
        bad = batch([record(0, None, GOOD, [*headers_of(attributes(tenant)), BAD_NAME])], at=now())
        assert await wire.send(TOPIC, 1, bad) == 0
    await eventually(lambda: taken(stages, committed["ce_id"]))
    assert not await taken(stages, aborted["ce_id"])


async def test_a_consumer_that_cannot_fetch_at_all_is_not_ready(start, monkeypatch, eventually):
    stages = await start("stages", consumer_group=f"broken-{uuid4().hex[:8]}")

    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no way to read")

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", fails)
    monkeypatch.setattr(raw_records, "fetch", fails)

    async def not_ready() -> bool:
        async with stages.client() as api:
            answer = await api.get("/readyz")
        return answer.status_code == 503 and "reading from Kafka fails" in orjson.loads(answer.content)["checks"].get(
            "consumer", ""
        )

    await eventually(not_ready, within=10)
    monkeypatch.undo()

    async def ready() -> bool:
        async with stages.client() as api:
            return (await api.get("/readyz")).status_code == 200

    await eventually(ready, within=20)


def _with_attributes(raw: bytes, attributes: int) -> bytes:
    changed = bytearray(raw)
    changed[21:23] = attributes.to_bytes(2, "big")
    return _resealed(bytes(changed))


def _resealed(raw: bytes) -> bytes:
    """The batch with the length and the checksum that belong to its bytes."""
    from aiokafka.record.util import calc_crc32c

    changed = bytearray(raw)
    changed[8:12] = (len(raw) - 12).to_bytes(4, "big")
    changed[17:21] = calc_crc32c(raw[21:]).to_bytes(4, "big")
    return bytes(changed)
