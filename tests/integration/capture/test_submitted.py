"""`lead.submitted` of other systems, over a real Kafka."""

from datetime import UTC, datetime, timedelta

import asyncpg

from shared.ids import revision_id
from shared.store import inbox
from shared.work import sweep


def lead(**fields):
    return {"source": "shop", "email": "ada@acme.example", **fields}


async def test_a_submitted_lead_is_captured_at_its_own_time_and_names_its_cause(capture, bus, tenant):
    when = datetime.now(UTC) - timedelta(days=400)
    id = bus.publish("lead.submitted", lead(external_id="7", consent={"email": "granted"}), tenant=tenant, time=when)
    (event,) = await bus.read("lead.captured", tenant=tenant)
    assert event.headers["ce_causationid"] == event.headers["ce_correlationid"] == id
    assert event.time == when
    assert datetime.fromisoformat(event.data["created_on"]) == when
    assert event.data["consent"]["email"] == "granted"
    assert event.id == revision_id("lead.captured", event.lead_id, 1)


async def test_a_repeated_event_changes_nothing(capture, bus, tenant):
    for company in ("A", "B"):
        bus.publish("lead.submitted", lead(company=company), tenant=tenant, id="once")
    bus.publish("lead.submitted", lead(email="end@acme.example"), tenant=tenant)
    captured = await bus.read("lead.captured", tenant=tenant, count=2)
    assert sorted(event.data["email"] for event in captured) == ["ada@acme.example", "end@acme.example"]
    assert bus.seen("lead.updated", tenant=tenant) == []


async def test_the_newest_time_wins_in_any_order_of_arrival(capture, api, bus, tenant):
    now = datetime.now(UTC)
    for minutes, company in ((1, "newest"), (9, "oldest"), (5, "between")):
        bus.publish(
            "lead.submitted",
            lead(company=company, source=company),
            tenant=tenant,
            time=now - timedelta(minutes=minutes),
        )
        bus.flush()
        await bus.read("lead.captured", tenant=tenant)
    bus.publish("lead.submitted", lead(email="end@acme.example"), tenant=tenant)
    captured = await bus.read("lead.captured", tenant=tenant, where=lambda seen: "end" not in seen.data["email"])
    present = (await api.get(f"/v1/leads/{captured[0].lead_id}")).json()
    assert present["company"] == "newest"


async def test_bad_records_become_dead_letters_with_reasons_beside_good_ones(capture, api, bus, tenant, eventually):
    good = [lead(email=f"{n}@acme.example", external_id=str(n)) for n in range(20)]
    bad = {
        "at least one of email and phone": {"source": "shop"},
        "source": {"email": "x@acme.example"},
        "email": lead(email="nonsense"),
        "phone: needs its country": {"source": "shop", "phone": "0151 23456789"},
        "first_name": lead(first_name=5),
        "entries": lead(attributes={str(n): n for n in range(500)}),
    }
    for n, data in enumerate(good):
        bus.publish("lead.submitted", data, tenant=tenant)
        if n < len(bad):
            bus.publish("lead.submitted", list(bad.values())[n], tenant=tenant)
    bus.publish("lead.submitted", lead(), tenant=tenant, ce_dataschema="urn:leadflow:lead.submitted:9")
    assert len(await bus.read("lead.captured", tenant=tenant, count=20)) == 20

    async def letters():
        items = (await api.get("/v1/dead-letters")).json()["items"]
        return [item["error"] for item in items] if len(items) == len(bad) + 1 else None

    errors = await eventually(letters)
    for reason in [*bad, "version 9"]:
        assert any(reason in error for error in errors), (reason, errors)
    assert not any("nonsense" in error or "acme" in error for error in errors)


async def test_a_submission_that_is_read_again_after_any_time_changes_nothing(
    backend, capture, api, bus, tenant, eventually
):
    """Neither does it make a second lead of one whose address has changed, nor bring back a person who was erased."""
    for name in ("changed", "erased"):
        bus.publish("lead.submitted", lead(email=f"{name}@acme.example"), tenant=tenant, id=name)
    leads = {e.data["email"][:6]: e.lead_id for e in await bus.read("lead.captured", tenant=tenant, count=2)}
    edit = {"email": "other@acme.example"}
    changed = f"/v1/leads/{leads['change']}"
    assert (await api.patch(changed, json=edit, headers={"If-Match": "*"})).status_code == 200
    assert (await api.delete(f"/v1/leads/{leads['erased']}")).status_code == 204
    owner = await asyncpg.connect(backend.owner_url("capture"))
    try:
        await owner.execute("UPDATE inbox SET seen_on = now() - interval '5 years' WHERE tenant_id = $1", tenant)
        await owner.execute("INSERT INTO inbox VALUES ($1, gen_random_uuid(), now() - interval '31 days')", tenant)
        await owner.execute("SET enable_seqscan = off")
        plan = await owner.fetch(f"EXPLAIN {inbox.DELETE_OLD.replace(':limit', '1000')}")
        assert "inbox_swept" in str(plan), "what stays is not read"
    finally:
        await owner.close()
    assert await sweep(capture.database) >= 1
    for name in ("changed", "erased", "new"):
        bus.publish("lead.submitted", lead(email=f"{name}@acme.example"), tenant=tenant, id=name)
    await bus.read("lead.captured", tenant=tenant, where=lambda seen: "new" in seen.data["email"])
    await bus.read("submission.answered", tenant=tenant, count=3)
    async with capture.database.tenant(tenant) as work:
        emails = {row["email"] for row in await work.fetch("SELECT email FROM lead")}
        assert len(await work.fetch("SELECT 1 FROM inbox")) == 3, "the entry of another type is gone"
    assert emails == {"other@acme.example", "new@acme.example"}


async def test_two_records_of_one_person_in_one_batch_are_one_lead(capture, bus, tenant):
    for n in range(10):
        bus.publish("lead.submitted", lead(company=f"C{n}", external_id=str(n)), tenant=tenant)
    bus.publish("lead.submitted", lead(email="end@acme.example"), tenant=tenant)
    await bus.read("lead.captured", tenant=tenant, where=lambda seen: "end" in seen.data["email"])
    captured = bus.seen("lead.captured", tenant=tenant)
    assert len(captured) == 2
    updates = await bus.read("lead.updated", tenant=tenant)
    versions = [event.data["version"] for event in updates]
    assert versions == list(range(2, 2 + len(versions)))


async def test_a_submission_over_kafka_and_http_at_once_is_one_lead(capture, api, bus, tenant, eventually):
    for n in range(50):
        bus.publish("lead.submitted", lead(email=f"{n}@acme.example"), tenant=tenant)
    bus.flush()
    leads = [lead(email=f"{n}@acme.example") for n in reversed(range(50))]
    answer = await api.post("/v1/leads/batch", json={"leads": leads})
    assert {result["status"] for result in answer.json()["results"]} <= {200, 201}

    async def all_received():
        async with capture.database.tenant(tenant) as work:
            row = await work.fetch_one("SELECT count(*) AS seen FROM inbox")
        return row["seen"] == 50

    await eventually(all_received)
    async with capture.database.tenant(tenant) as work:
        row = await work.fetch_one("SELECT count(*) AS leads, count(DISTINCT email) AS emails FROM lead")
    assert (row["leads"], row["emails"]) == (50, 50)
    assert len(await bus.read("lead.captured", tenant=tenant, count=50)) == 50


async def test_two_replicas_make_one_lead_of_each_person_whose_records_reach_both(
    start, capture, bus, tenant, eventually
):
    other = await start("capture", only="consumers", batch_records=50)
    try:

        async def both():
            return other.service.consumer.assigned and other.service.consumer.subscriber.consumer.assignment()

        await eventually(both)
        for n in range(400):
            bus.publish("lead.submitted", lead(email=f"{n % 40}@acme.example", external_id=str(n % 80)), tenant=tenant)
        bus.flush()

        async def all_read():
            async with capture.database.tenant(tenant) as work:
                row = await work.fetch_one("SELECT count(*) AS seen FROM inbox")
            return row["seen"] == 400

        await eventually(all_read)
    finally:
        await other.stop()
    async with capture.database.tenant(tenant) as work:
        leads = await work.fetch("SELECT email FROM lead")
        names = await work.fetch("SELECT external_id FROM lead_identity")
        letters = await work.fetch("SELECT error FROM dead_letter")
    assert sorted(row["email"] for row in leads) == sorted(f"{n}@acme.example" for n in range(40))
    assert len(names) == 80
    assert letters == []
