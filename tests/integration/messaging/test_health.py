"""What operators look at: metrics with names that stay, and whether a service is ready."""

import asyncio
import re
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from prometheus_client.parser import text_string_to_metric_families

from deploy.databases import address
from deploy.migrate import upgrade
from services.stages.app import create_app
from services.stages.settings import Settings
from shared import schema_revisions
from shared.db import locks
from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.rewind import rewind
from shared.observability import DRAFTS_AGE, DRAFTS_PENDING, REPLIES_WAITING, SENDS_UNKNOWN, TIMERS_LATE
from shared.testing.builders import ALead
from tests.integration.own_service import own_service


async def test_the_metrics_show_outbox_lag_dead_letters_and_batch_times(bus, start, tenant, eventually):
    stages = await start("stages")
    lead = ALead(bus, tenant)
    lead.captured()
    lead.sent()
    bus.raw("engagement.recorded", b"{", {"ce_id": "bad", "ce_tenantid": tenant})
    await bus.read("stage.changed", tenant=tenant)

    async def read() -> dict[str, float]:
        async with stages.client() as api:
            text = (await api.get("/metrics")).text
        return {
            " ".join(
                [sample.name, *(value for name, value in sample.labels.items() if name == "outcome")]
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("leadflow_") and sample.labels.get("service") == "stages"
        }

    async def settled() -> dict[str, float] | None:
        metrics = await read()
        nothing_waits = metrics["leadflow_outbox_depth"] == metrics["leadflow_consumer_lag"] == 0
        return metrics if nothing_waits and metrics["leadflow_dead_letters"] >= 1 else None

    metrics = await eventually(settled)
    assert metrics["leadflow_outbox_age_seconds"] == 0
    assert metrics["leadflow_batch_seconds_count"] >= 1
    assert metrics["leadflow_batch_records_sum"] >= 2
    assert metrics["leadflow_outbox_sent_total"] >= 1
    assert metrics["leadflow_records_total passed"] >= 2


async def test_a_part_without_a_broker_is_alive_and_not_ready_unless_it_is_the_api(backend, eventually):
    settings = {**backend.settings("stages"), "kafka_bootstrap": "127.0.0.1:1", "grace_seconds": 1}
    for only, expected in (("workers", {"broker": "the broker does not answer"}), ("api", {})):
        app = create_app(Settings(**settings), only=only)
        async with app.router.lifespan_context(app):
            checks = await asyncio.wait_for(app.state.service.health.problems(), 5)
        assert checks == expected, only


async def test_a_service_that_starts_before_its_database_waits_and_then_works(backend, start, tenant, eventually):
    url = address(backend.admin_url, "leadflow_outreach_later")
    server = await asyncpg.connect(backend.admin_url)
    await server.execute("DROP DATABASE IF EXISTS leadflow_outreach_later WITH (FORCE)")
    outreach = await start("outreach", database_url=url, consumer_group="leadflow-outreach-later")

    async def checks() -> dict[str, str]:
        async with outreach.client() as api:
            return (await api.get("/readyz")).json()["checks"]

    assert {"process", "database"} <= (await checks()).keys()
    async with outreach.client(tenant, "operator") as api:
        request = {"channel": "email", "address": "ada@example.com", "reason": "asked on the phone"}
        assert (await api.post("/v1/suppressions", json=request)).status_code == 503
    await server.execute("CREATE DATABASE leadflow_outreach_later ENCODING 'UTF8' TEMPLATE template0")
    await server.close()
    async with outreach.client(tenant, "operator") as api:
        assert (await api.post("/v1/suppressions", json=request)).status_code == 503, "it has no tables yet"
    await upgrade("outreach", url)

    async def works() -> bool:
        return not await checks()

    await eventually(works)
    async with outreach.client(tenant, "operator") as api:
        assert (await api.post("/v1/suppressions", json=request)).status_code == 201


async def test_a_consumer_that_is_only_starting_is_not_ready(backend, start, monkeypatch):
    stages = await start("stages", consumer_group="leadflow-stages-starting")
    starting = AIOKafkaConsumer("lead.captured", bootstrap_servers=backend.bootstrap)
    with monkeypatch.context() as patch:
        patch.setattr(stages.service.consumer.subscriber, "consumer", starting)
        async with stages.client() as api:
            answer = await api.get("/readyz")
            assert (await api.get("/metrics")).status_code == 200
    await starting.stop()
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"broker": "the consumer group has given no partitions yet"}


async def test_a_service_waits_for_the_schema_of_its_code(backend, bus, start, tenant, eventually):
    """On another schema every record would fail, and end in the dead letters."""
    url = address(backend.admin_url, "leadflow_stages_late")
    server = await asyncpg.connect(backend.admin_url)
    await server.execute("DROP DATABASE IF EXISTS leadflow_stages_late WITH (FORCE)")  # of a run that was killed
    await server.execute("CREATE DATABASE leadflow_stages_late ENCODING 'UTF8' TEMPLATE template0")
    await server.close()
    await upgrade("stages", url)
    database = await asyncpg.connect(url)
    await database.execute("UPDATE alembic_version SET version_num = '0000'")
    group = f"leadflow-stages-late-{uuid4().hex[:8]}"
    # From now on: the events that other tests have left would all have to be read first.
    await rewind(Kafka(backend.bootstrap), group, [event.type for event in READS["stages"]], datetime.now(UTC))
    late = await start("stages", database_url=url, consumer_group=group)
    lead = ALead(bus, tenant)
    lead.captured()
    bus.flush()

    async def waits() -> bool:
        async with late.client() as api:
            answer = await api.get("/readyz")
        return answer.status_code == 503 and "run `leadflow migrate`" in answer.json()["checks"]["schema"]

    await eventually(waits)
    await database.execute("UPDATE alembic_version SET version_num = $1", schema_revisions.newest("stages"))

    async def arrived() -> bool:
        return await database.fetchval("SELECT true FROM lead WHERE tenant_id = $1", tenant)

    await eventually(arrived)
    assert await database.fetchval("SELECT count(*) FROM dead_letter WHERE tenant_id = $1", tenant) == 0
    await database.close()


async def test_workers_wait_for_the_schema_of_their_code(backend, start, eventually):
    """A sender could hand over a mail and then not record it: nobody would know whether it was sent."""
    async with own_service(backend, start, "outreach") as own:
        database = await asyncpg.connect(address(backend.admin_url, own.name))
        await database.execute("UPDATE alembic_version SET version_num = '0000'")
        workers = (await own.start(only="workers")).service
        await eventually(workers.relay.reaches_broker)
        assert "run `leadflow migrate`" in (await workers.health.problems())["schema"]
        names = [task.get_name() for task in workers.tasks]
        assert names == ["outreach relay"]
        assert await workers.health.defects() == {}, "it waits, and a new process would wait too"
        await database.execute("UPDATE alembic_version SET version_num = $1", schema_revisions.newest("outreach"))
        await database.close()
        await eventually(lambda: _runs(workers, "outreach sender-0"))
        assert await workers.health.problems() == {}


async def _runs(service, name) -> bool:
    return name in [task.get_name() for task in service.tasks]


async def test_a_service_works_on_the_schema_of_a_newer_release(backend, start):
    """While a release is replaced, and after a rollback, its pods meet the database of the next one."""
    url = address(backend.admin_url, "leadflow_goals_newer")
    server = await asyncpg.connect(backend.admin_url)
    await server.execute("DROP DATABASE IF EXISTS leadflow_goals_newer WITH (FORCE)")
    await server.execute("CREATE DATABASE leadflow_goals_newer ENCODING 'UTF8' TEMPLATE template0")
    await server.close()
    await upgrade("goals", url)
    database = await asyncpg.connect(url)
    await database.execute("UPDATE alembic_version SET version_num = '9000'")
    await upgrade("goals", url)
    assert await database.fetchval("SELECT version_num FROM alembic_version") == "9000"
    await database.close()
    goals = await start("goals", only="api", database_url=url)
    assert await goals.service.health.schema_problem() is None


async def test_what_waits_for_people_and_timers_is_measured(start, eventually):
    for service, gauges in (
        ("outreach", (DRAFTS_PENDING, DRAFTS_AGE, SENDS_UNKNOWN, REPLIES_WAITING)),
        ("stages", (TIMERS_LATE,)),
    ):
        for gauge in gauges:
            gauge.set(-1)
        running = await start(service)

        async def measured(running=running, gauges=gauges) -> bool:
            async with running.client() as api:
                text = (await api.get("/metrics")).text
            found = {family.name: family.samples for family in text_string_to_metric_families(text)}
            names = [family.name for gauge in gauges for family in gauge.collect()]
            return all(found[name][0].value >= 0 for name in names)

        await eventually(measured)


@pytest.mark.parametrize("only, ready", [("workers", False), ("api", True)])
async def test_a_relay_whose_oldest_event_waits_is_not_ready_but_an_api_is(start, tenant, eventually, only, ready):
    goals = await start("goals", only=only)
    await eventually(goals.service.relay.reaches_broker)
    async with goals.database.worker(lock=locks.RELAY):  # no relay sends meanwhile, of whichever process
        async with goals.database.worker([tenant]) as work:
            await work.run(
                """
                INSERT INTO outbox (tenant_id, topic, headers, value, created_at)
                VALUES (:tenant, 'goal.progressed', '{}', '', clock_timestamp() - interval '301 seconds')
                """,
                tenant=tenant,
            )
        problems = await goals.service.health.problems()
        async with goals.database.worker([tenant]) as work:
            await work.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=tenant)
    if ready:
        assert problems == {}
    else:
        assert re.fullmatch("the oldest event in the outbox has waited for 3[0-5][0-9] s", problems["relay"])


async def test_only_what_a_new_process_would_mend_is_not_alive(start, monkeypatch, eventually):
    goals = await start("goals", consumer_group="leadflow-goals-stuck")

    async def alive() -> tuple[int, dict[str, str]]:
        async with goals.client() as api:
            answer = await api.get("/livez")
        return answer.status_code, answer.json()["checks"]

    consumer, health = goals.service.consumer, goals.service.health
    await eventually(lambda: _is_assigned(consumer))
    assert await alive() == (200, {})

    async def away() -> dict[str, str]:
        return {"database": "DatabaseError"}

    with monkeypatch.context() as patch:  # the loop would set it again: it comes round every 0.2 s
        patch.setattr(type(consumer), "turned_at", property(lambda _: -10_000.0, lambda *_: None), raising=False)
        status, checks = await alive()
        assert status == 503
        assert "in the same batch" in checks["consumer"]
        patch.setattr(health._checks, "_answer", None)
        patch.setattr(health._checks, "_ask", away)
        assert await alive() == (200, {}), "while the database is away a restart helps nobody"
    worker = next(task for task in goals.service.tasks if "relay" in task.get_name())
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert await alive() == (503, {"goals relay": "it has ended by itself"})


async def _is_assigned(consumer) -> bool:
    return consumer.assigned
