"""Bad records end in the dead letters with a reason that a person understands; the good ones beside them arrive."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import orjson
import pytest
from aiokafka import ConsumerRecord
from confluent_kafka import Producer

from shared.errors import Transient
from shared.ids import uuid7
from shared.messaging import dead_letters
from shared.store.dead_letters import DeadLetter
from shared.testing.builders import ALead


def attributes(tenant: str, **changed: str | bytes | None) -> dict:
    good = {
        "ce_id": str(uuid4()),
        "ce_type": "engagement.recorded",
        "ce_source": "urn:test:other-system",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_tenantid": tenant,
        "ce_subject": str(uuid7()),
    }
    return {name: value for name, value in {**good, **changed}.items() if value != ""}


GOOD = orjson.dumps({"kind": "visit"})
BAD = {
    "malformed JSON": (b'{"kind": "vis', {}, "not JSON"),
    "a null value": (None, {}, "no value"),
    "a header that is not UTF-8": (GOOD, {"ce_note": b"\xff\xfe"}, "not UTF-8"),
    "no CloudEvents id": (GOOD, {"ce_id": ""}, "missing: id"),
    "no tenant": (GOOD, {"ce_tenantid": ""}, "missing: tenantid"),
    "no subject": (GOOD, {"ce_subject": ""}, "subject"),
    "a subject that is no id": (GOOD, {"ce_subject": "lead-7"}, "subject is not a UUID"),
    "a tenant of the wrong form": (GOOD, {"ce_tenantid": "ACME!"}, "tenantid is not of the form"),
    "a time without offset": (GOOD, {"ce_time": "2026-01-01T10:00:00"}, "offset"),
    "a time that is none": (GOOD, {"ce_time": "yesterday"}, "date-time"),
    "a time a day ahead": (
        GOOD,
        {"ce_time": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        "five minutes ahead",
    ),
    "a type of another topic": (GOOD, {"ce_type": "lead.scored"}, "does not belong on topic"),
    "an unknown version": (GOOD, {"ce_dataschema": "urn:leadflow:engagement.recorded:7"}, "version 7"),
    "a schema of somebody else": (GOOD, {"ce_dataschema": "urn:other:thing"}, "dataschema"),
    "batch mode": (GOOD, {"content-type": "application/cloudevents-batch+json"}, "batch mode"),
    "a wrong type": (b'{"kind": 7}', {}, "kind"),
    "a missing field": (b"{}", {}, "kind"),
    "a JSON list": (b"[]", {}, "not valid"),
    "a zero character": (b'{"kind": "a\\u0000b"}', {}, "zero character"),
    "most of a megabyte of garbage": (b"\x00\xff" * 500_000, {}, "not JSON"),
    "a number that JSON does not know": (b'{"kind": "visit", "properties": {"n": NaN}}', {}, "not JSON"),
    "a version of five thousand digits": (
        GOOD,
        {"ce_dataschema": "urn:leadflow:engagement.recorded:" + "7" * 5_000},
        "dataschema",
    ),
    "an id of a kilobyte": (GOOD, {"ce_id": "x" * 1_000}, "id is longer than 256 bytes"),
    "a source of a kilobyte": (GOOD, {"ce_source": "urn:" + "x" * 1_000}, "source is longer than 256 bytes"),
    "a time before any lead": (GOOD, {"ce_time": "0001-01-01T00:00:00Z"}, "before the year 2000"),
    "a subject in other letters": (GOOD, {"ce_subject": "urn:uuid:" + str(uuid4())}, "subject is not a UUID"),
}


def structured(tenant: str, **changed: object) -> tuple[bytes, dict]:
    """An event in structured mode: all of it in the value."""
    good = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "type": "engagement.recorded",
        "source": "urn:test:other-system",
        "time": datetime.now(UTC).isoformat(),
        "tenantid": tenant,
        "subject": str(uuid7()),
        "data": {"kind": "visit"},
    }
    return orjson.dumps({**good, **changed}), {"content-type": "application/cloudevents+json; charset=UTF-8"}


async def taken(stages, event_id: str) -> bool:
    async with stages.database.worker() as work:
        return bool(await work.fetch("SELECT 1 FROM activity WHERE event_id = :id", id=event_id))


async def buried(stages, tenant: str | None, event_id: str | None) -> list:
    async with stages.database.worker() as work:
        return await work.fetch(
            "SELECT * FROM dead_letter WHERE event_id IS NOT DISTINCT FROM :id AND tenant_id = :tenant",
            id=event_id,
            tenant=tenant or "",
        )


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_record_is_kept_with_its_reason_and_the_good_one_behind_it_arrives(
    bus, start, tenant, eventually, case
):
    stages = await start("stages")
    value, changed, reason = BAD[case]
    headers = attributes(tenant, **changed)
    bus.raw("engagement.recorded", value, headers, key="one-partition")
    good = attributes(tenant)
    bus.raw("engagement.recorded", GOOD, good, key="one-partition")

    await eventually(lambda: taken(stages, good["ce_id"]))
    of_tenant = tenant if headers.get("ce_tenantid") == tenant else None
    # The readable records of a batch come first, in a transaction of their own.
    letter = (await eventually(lambda: buried(stages, of_tenant, headers.get("ce_id"))))[-1]
    assert reason in letter["error"]
    assert letter["value"] == value
    assert {name for name, _ in letter["headers"]} == set(headers)


async def test_what_is_wrong_in_structured_mode_is_shown_to_its_tenant(bus, start, tenant, eventually):
    stages = await start("stages")
    deep = b'"visit","properties":' + b'{"n":' * 300 + b"1" + b"}" * 300
    wrong = {
        "nested deeply": (structured(tenant)[0].replace(b'"visit"', deep), "nested"),
        "a wrong type": (structured(tenant, data={"kind": 7})[0], "kind"),
        "an id that is a number": (structured(tenant, id=7)[0], "missing: id"),
    }
    _, headers = structured(tenant)
    for value, _ in wrong.values():
        bus.raw("engagement.recorded", value, headers)
    bus.flush()
    async with stages.client(tenant, "operator") as api:

        async def all_there():
            items = (await api.get("/v1/dead-letters")).json()["items"]
            return len(items) == len(wrong) and items

        errors = [item["error"] for item in await eventually(all_there)]
    for _, reason in wrong.values():
        assert [error for error in errors if reason in error], (reason, errors)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
async def test_what_another_system_compresses_is_read(backend, bus, start, tenant, eventually, codec):
    stages = await start("stages")
    headers = attributes(tenant)
    producer = Producer({"bootstrap.servers": backend.bootstrap, "compression.type": codec})
    producer.produce("engagement.recorded", GOOD + b" " * 2_000, headers=list(headers.items()))
    producer.flush(20)

    await eventually(lambda: taken(stages, headers["ce_id"]))


async def test_a_text_that_only_looks_like_a_zero_character_is_taken(bus, start, tenant, eventually):
    stages = await start("stages")
    headers = attributes(tenant)
    bus.raw("engagement.recorded", orjson.dumps({"kind": "visit", "page": "C:\\u0000x"}), headers)
    bus.flush()

    await eventually(lambda: taken(stages, headers["ce_id"]))


async def test_a_dead_letter_is_replayed_with_its_own_id_when_the_reason_is_gone(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    headers = attributes(
        tenant, ce_subject=str(lead.id), ce_time=(datetime.now(UTC) + timedelta(seconds=303)).isoformat()
    )
    bus.raw("engagement.recorded", GOOD, headers, key=str(lead.id))

    async with stages.client(tenant, "operator") as api:

        async def letters():
            return (await api.get("/v1/dead-letters")).json()["items"]

        (letter,) = await eventually(letters)
        assert letter["event_id"] == headers["ce_id"]

        async def passes():
            """Three seconds later its time lies less than five minutes ahead."""
            (letter, *_) = (await api.get("/v1/dead-letters")).json()["items"] or [None]
            if letter is not None:
                await api.post(f"/v1/dead-letters/{letter['id']}/replay")
            timeline = (await api.get(f"/v1/leads/{lead.id}/timeline")).json()
            return [entry for entry in timeline["items"] if entry["type"] == "engagement.recorded"]

        (entry,) = await eventually(passes)
    assert entry["caused_by"] is None

    async with stages.client("somebody-else", "operator") as api:
        assert (await api.get("/v1/dead-letters")).json()["items"] == []
        assert (await api.get(f"/v1/dead-letters/{letter['id']}")).status_code == 404
    async with stages.client(tenant, "reviewer") as api:
        assert (await api.get("/v1/dead-letters")).status_code == 403


async def test_a_publisher_finds_the_letters_of_its_events_and_sees_no_record(bus, start, tenant, eventually):
    stages = await start("stages")
    mine = attributes(tenant, ce_source="urn:test:crm")
    other = attributes(tenant, ce_source="urn:test:shop")
    value, in_structured_mode = structured(tenant, source="urn:test:crm", data={"kind": 7})
    for bad, headers in ((b"{}", mine), (b"{}", other), (value, in_structured_mode)):
        bus.raw("engagement.recorded", bad, headers)
    bus.flush()
    async with stages.client(tenant, "service") as api:

        async def letters(**filters):
            return (await api.get("/v1/dead-letters", params=filters)).json()["items"]

        async def all_there():
            return len(await letters()) == 3

        await eventually(all_there)
        assert len(await letters(source="urn:test:crm")) == 2
        assert await letters(source="urn:test:crm", topic="lead.submitted") == []
        (letter,) = await letters(event_id=mine["ce_id"])
        assert letter["source"] == "urn:test:crm"
        shown = (await api.get(f"/v1/dead-letters/{letter['id']}")).json()
        assert shown["error"] == letter["error"]
        assert {"key", "value", "headers"}.isdisjoint(shown)
        assert (await api.post(f"/v1/dead-letters/{letter['id']}/replay")).status_code == 403
    async with stages.client(tenant, "operator") as api:
        assert (await api.get(f"/v1/dead-letters/{letter['id']}")).json()["value"] == "{}"


async def test_while_the_database_is_away_nothing_is_skipped(backend, bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    await eventually(lambda: _types(stages, tenant))
    admin = await asyncpg.connect(backend.admin_url)
    try:
        await admin.execute("ALTER ROLE leadflow_stages NOLOGIN")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leadflow_stages'")
        lead.sent()
        lead.publish("engagement.recorded", {"kind": "visit"})
        bus.flush()
        async with stages.client(tenant, "viewer") as api:

            async def refuses():
                return (await api.get("/readyz")).status_code == 503

            await eventually(refuses)
            assert (await api.get("/livez")).status_code == 200
            answer = await api.get("/v1/queue")
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
    finally:
        await admin.execute("ALTER ROLE leadflow_stages LOGIN")
        await admin.close()

    async def all_there():
        return await _types(stages, tenant) >= {"lead.captured", "message.sent", "engagement.recorded"}

    await eventually(all_there)
    await bus.read("stage.changed", tenant=tenant)


async def _types(stages, tenant: str) -> set[str]:
    async with stages.database.worker() as work:
        rows = await work.fetch("SELECT DISTINCT type FROM activity WHERE tenant_id = :t", t=tenant)
    return {row["type"] for row in rows}


async def test_an_event_in_structured_mode_counts_like_one_in_binary_mode(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    event = {
        "specversion": "1.0",
        "id": "structured-1",
        "source": "urn:test:other-system",
        "type": "engagement.recorded",
        "time": datetime.now(UTC).isoformat(),
        "tenantid": tenant,
        "subject": str(lead.id),
        "data": {"kind": "webinar"},
    }
    for _ in range(2):
        bus.raw("engagement.recorded", orjson.dumps(event), {"content-type": "application/cloudevents+json"})
    await eventually(lambda: _has_engagement(stages, tenant))
    async with stages.database.worker() as work:
        rows = await work.fetch(
            "SELECT data FROM activity WHERE tenant_id = :t AND event_id = 'structured-1'", t=tenant
        )
    assert [row["data"]["kind"] for row in rows] == ["webinar"]


async def _has_engagement(stages, tenant: str) -> bool:
    return "engagement.recorded" in await _types(stages, tenant)


async def test_a_record_of_another_cluster_takes_the_place_of_a_letter_and_both_are_kept(start, tenant):
    """A new Kafka cluster counts its offsets from 0 again, for all tenants."""
    stages = await start("stages", only="api")
    topic, offset = f"topic-of-{tenant}", 7

    def letter(owner: str, value: bytes) -> DeadLetter:
        headers = [("ce_tenantid", owner.encode()), ("ce_id", f"{owner}-{value.decode()}".encode())]
        return DeadLetter(topic, 0, offset, b"key", value, headers, "it cannot be read")

    for found in (letter(tenant, b"1"), letter(f"{tenant}-b", b"2"), letter(tenant, b"3"), letter(tenant, b"3")):
        await dead_letters.store(stages.database, [found])
    async with stages.database.worker() as work:
        rows = await work.fetch(
            "SELECT value, kafka_offset FROM dead_letter WHERE topic = :topic ORDER BY value", topic=topic
        )
    assert [(row["value"], row["kafka_offset"]) for row in rows] == [(b"1", None), (b"2", None), (b"3", offset)]


def record(tenant: str, offset: int, timestamp: int) -> ConsumerRecord:
    headers = [(name, value.encode()) for name, value in attributes(tenant).items()]
    return ConsumerRecord("engagement.recorded", 0, offset, timestamp, 0, None, GOOD, None, -1, len(GOOD), headers)


async def test_a_record_with_an_impossible_timestamp_is_a_dead_letter_and_the_others_are_processed(start, tenant):
    """On a topic with `message.timestamp.type=CreateTime` it is whatever the publisher says."""
    stages = await start("stages", only="consumers", consumer_group="leadflow-stages-timestamps")
    now = int(datetime.now(UTC).timestamp() * 1_000)
    records = [record(tenant, 1 << 40, 1 << 62), record(tenant, (1 << 40) + 1, now)]
    await stages.service.consumer.processor.process(records)
    bad, good = (dict(each.headers)["ce_id"].decode() for each in records)
    (letter,) = await buried(stages, tenant, bad)
    assert "timestamp" in letter["error"]
    assert await taken(stages, good)


async def test_what_may_pass_by_itself_is_read_again_and_is_no_dead_letter(start, tenant, monkeypatch):
    stages = await start("stages", only="consumers", consumer_group="leadflow-stages-transient")
    processor = stages.service.consumer.processor
    handle, refused = processor._handle, record(tenant, 1 << 41, int(datetime.now(UTC).timestamp() * 1_000))
    id = dict(refused.headers)["ce_id"].decode()

    async def refuses(work, events) -> None:
        raise Transient("it does not work now")

    monkeypatch.setattr("shared.messaging.processing._TRIES", 2)
    with monkeypatch.context() as patch:
        patch.setattr(processor, "_handle", refuses)
        with pytest.raises(Transient):
            await processor.process([refused])
    assert await buried(stages, tenant, id) == []
    assert processor._handle == handle
    await processor.process([refused])
    assert await taken(stages, id)
