"""An event is known by tenant, type, source and id: one of another type never takes its place."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import orjson
from aiokafka import ConsumerRecord

from shared.ids import digest, revision_id
from shared.messaging import dead_letters
from shared.store.dead_letters import DeadLetter
from shared.testing.builders import ALead

CAPTURE = "urn:leadflow:capture"


async def test_a_harmless_event_with_the_id_of_an_erasure_does_not_keep_the_person(bus, start, tenant, eventually):
    """Ids follow from (type, lead, revision): whoever may publish scores knows the id of an erasure to come."""
    outreach, stages, scoring = [await start(name) for name in ("outreach", "stages", "scoring")]
    lead = ALead(bus, tenant)
    lead.captured(first_name="Ada")
    erasure = revision_id("lead.erased", lead.id, 1)
    score = {"fit": 1, "intent": 0, "engagement": 0, "total": 1, "band": "D", "model_version": 1}
    for type, data in (
        ("lead.scored", {**score, "scored_at": "2026-01-01T00:00:00Z"}),
        ("engagement.recorded", {"kind": "visit"}),
        ("message.sent", {"message_id": "m", "channel": "email", "kind": "first"}),
    ):
        bus.publish(type, data, tenant=tenant, subject=lead.id, id=erasure, source=CAPTURE)

    async def stored(service) -> bool:
        async with service.database.worker() as work:
            return bool(
                await work.fetch("SELECT 1 FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead.id)
            )

    for service in (outreach, stages, scoring):
        await eventually(lambda service=service: stored(service))
    bus.publish("lead.erased", {"lead_id": str(lead.id)}, tenant=tenant, subject=lead.id, id=erasure, source=CAPTURE)

    async def erased(service) -> bool:
        async with service.database.worker() as work:
            return bool(
                await work.fetch("SELECT 1 FROM erased WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead.id)
            )

    for service in (outreach, stages, scoring):
        await eventually(lambda service=service: erased(service))
    assert not await stored(outreach)


async def test_an_entry_of_an_older_release_stands_for_every_type(backend, bus, start, tenant, eventually):
    """Before, the inbox knew (tenant, source, id): what it had is not processed a second time."""
    await start("enrichment")
    lead = ALead(bus, tenant)
    known = "an-event-of-an-older-release"
    owner = await asyncpg.connect(backend.owner_url("enrichment"))
    try:
        await owner.execute(
            "INSERT INTO inbox (tenant_id, digest) VALUES ($1, $2)", tenant, digest("urn:test:other-system", known)
        )
    finally:
        await owner.close()
    data = {"lead_id": str(lead.id), "source": "web", "created_on": "2026-01-01T00:00:00Z", "email": "a@example.com"}
    lead.publish("lead.captured", data, id=known)
    other = ALead(bus, tenant)
    other.captured()
    await bus.read("lead.enriched", tenant=tenant, where=lambda seen: seen.lead_id == str(other.id))
    assert not [seen for seen in bus.seen("lead.enriched", tenant=tenant) if seen.lead_id == str(lead.id)]


async def test_the_same_event_twice_counts_once_and_another_type_with_its_id_counts_too(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    for _ in range(2):
        lead.publish("engagement.recorded", {"kind": "visit"}, id="one-id")
    lead.publish("message.sent", {"message_id": "m", "channel": "email", "kind": "first"}, id="one-id")

    async def recorded() -> list[str]:
        async with stages.database.worker() as work:
            rows = await work.fetch(
                "SELECT type FROM activity WHERE tenant_id = :t AND event_id = 'one-id' ORDER BY type", t=tenant
            )
        return [row["type"] for row in rows]

    async def both() -> bool:
        return await recorded() == ["engagement.recorded", "message.sent"]

    await eventually(both)


async def test_a_header_that_a_record_has_twice_is_shown_with_both_values(start, tenant):
    stages = await start("stages", only="api")
    headers = [("ce_tenantid", tenant.encode()), ("ce_id", b"1"), ("ce_id", b"2"), ("x", None)]
    letter = DeadLetter(f"topic-of-{tenant}", 0, 7, None, b"{}", headers, "ce_id stands there twice")
    await dead_letters.store(stages.database, [letter])
    async with stages.client(tenant, "operator") as api:
        (listed,) = (await api.get("/v1/dead-letters")).json()["items"]
        shown = (await api.get(f"/v1/dead-letters/{listed['id']}")).json()
    assert shown["headers"] == {"ce_tenantid": tenant, "ce_id": "1, 2", "x": None}


async def test_of_two_events_with_one_id_the_first_that_arrives_counts_whatever_times_they_have(start, tenant):
    stages = await start("stages", only="consumers", consumer_group=f"identity-{tenant}")
    lead, now = str(uuid4()), datetime.now(UTC)

    def record(offset: int, kind: str, time: datetime) -> ConsumerRecord:
        attributes = {
            "ce_id": "one-id",
            "ce_source": "urn:x",
            "ce_type": "engagement.recorded",
            "ce_time": time.isoformat(),
            "ce_tenantid": tenant,
            "ce_subject": lead,
        }
        headers = [(name, text.encode()) for name, text in attributes.items()]
        value, at = orjson.dumps({"kind": kind}), int(now.timestamp() * 1_000)
        return ConsumerRecord("engagement.recorded", 0, offset, at, 0, None, value, None, -1, len(value), headers)

    first, second = record(1 << 42, "visit", now), record((1 << 42) + 1, "trial", now - timedelta(hours=1))
    await stages.service.consumer.processor.process([first, second])
    async with stages.database.worker() as work:
        rows = await work.fetch("SELECT data FROM activity WHERE tenant_id = :t", t=tenant)
    assert [row["data"]["kind"] for row in rows] == ["visit"]


async def test_stages_reads_a_channel_that_it_does_not_know_as_another_one(start, tenant, bus, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured(email="ada@example.com")
    bounced = {"message_id": "m", "channel": "carrier_pigeon", "severity": "hard", "address_state": "invalid"}
    lead.publish("message.bounced", bounced)

    async def recorded() -> list[str]:
        async with stages.database.worker() as work:
            query = "SELECT data FROM activity WHERE tenant_id = :t AND type = 'message.bounced'"
            return [row["data"]["channel"] for row in await work.fetch(query, t=tenant)]

    assert await eventually(recorded) == ["other"]
    async with stages.client(tenant=tenant) as http:
        assert (await http.get(f"/v1/leads/{lead.id}")).json()["stage"] == "new"


async def test_a_reason_with_half_a_character_is_kept_without_it_and_stops_nothing(start, tenant):
    stages = await start("stages", only="api")
    headers = [("ce_tenantid", tenant.encode()), ("ce_id", b"1")]
    letter = DeadLetter(f"topic-of-{tenant}", 0, 1, b"key", b"value", headers, "\ud800 is half of a pair")
    await dead_letters.store(stages.database, [letter])
    async with stages.database.worker() as work:
        rows = await work.fetch("SELECT error FROM dead_letter WHERE topic = :topic", topic=letter.topic)
    assert [row["error"] for row in rows] == ["? is half of a pair"]
