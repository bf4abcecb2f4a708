"""Leadflow on a Kafka that is somebody else's: TLS, SASL and ACLs, on a real broker."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import uvicorn
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from fastapi import FastAPI, Form

from deploy.errors import MigrationError
from deploy.topics import create_topics
from shared.db import Database, DatabaseAddress
from shared.errors import Conflict
from shared.events import CATALOGUE
from shared.events.readers import READS
from shared.messaging import Consumer
from shared.messaging.connection import Kafka, KafkaSecurity
from shared.messaging.dead_letters import replay
from shared.messaging.lag import has_read
from shared.messaging.rewind import rewind
from shared.testing.builders import ALead, ago
from shared.testing.bus import Bus
from shared.testing.running import start_service
from tests.integration.platform.certificates import Authority
from tests.integration.platform.secured import PASSWORD, Secured, secured_kafka
from tests.serving import serving


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    with TemporaryDirectory(prefix="leadflow-kafka-") as folder, secured_kafka(Path(folder)) as made:
        asyncio.run(create_topics(Kafka(made.sasl, made.security("migrate"))))
        yield made


@pytest.fixture
async def token_url(secured: Secured):
    """A token endpoint as an identity provider has it: client credentials, tokens for the broker."""
    issuer = FastAPI()

    @issuer.post("/token")
    async def token(grant_type: str = Form(), scope: str = Form("")) -> dict[str, object]:
        assert (grant_type, scope) == ("client_credentials", "kafka")
        signed = secured.identity.sign_token("x", ["service"], "leadflow-migrate", audience="kafka")
        return {"access_token": signed, "expires_in": 300}

    server = uvicorn.Server(uvicorn.Config(issuer, port=0, log_config=None))
    async with serving(server):
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/token"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
async def test_every_mechanism_with_a_password_opens_the_door(secured: Secured, mechanism: str) -> None:
    assert await create_topics(Kafka(secured.sasl, secured.security("migrate", mechanism))) == []


async def test_a_token_by_client_credentials_opens_the_door(secured: Secured, token_url: str) -> None:
    by_token = secured.security(
        "migrate",
        "OAUTHBEARER",
        oauth_token_url=token_url,
        oauth_client_id="leadflow-migrate",
        oauth_client_secret="secret",
        oauth_scope="kafka",
    )
    assert await create_topics(Kafka(secured.sasl, by_token)) == []


async def test_a_token_that_the_platform_keeps_in_a_file_opens_the_door(secured, tmp_path, eventually) -> None:
    file = tmp_path / "token"
    file.write_text(secured.identity.sign_token("x", ["service"], "leadflow-stages", audience="kafka") + "\n")
    security = secured.security("stages", "OAUTHBEARER", oauth_token_file=file)
    broker = Kafka(secured.sasl, security).broker(allow_auto_create_topics=False)
    subscriber = broker.subscriber("lead.captured", group_id="leadflow-stages", auto_offset_reset="earliest")
    subscriber(_ignore)
    await broker.start()

    async def assigned() -> bool:
        return len(subscriber.consumer.assignment()) == 12

    await eventually(assigned)
    await broker.stop()


async def test_a_certificate_opens_the_door_for_certificates(secured: Secured) -> None:
    certificate, key = secured.authority.issue("leadflow-migrate")
    security = KafkaSecurity(
        security_protocol="SSL", ca_file=secured.authority.file, certificate_file=certificate, key_file=key
    )
    assert await create_topics(Kafka(secured.mutual, security)) == []


@pytest.mark.parametrize("wrong", ["password", "authority", "no TLS", "token"])
async def test_what_is_wrong_is_said_in_one_line_without_the_secret(secured: Secured, tmp_path: Path, wrong: str):
    token = tmp_path / "token"
    token.write_text(secured.identity.sign_token("x", ["service"], "leadflow-migrate", audience="secret word"))
    security = {
        "token": secured.security("migrate", "OAUTHBEARER", oauth_token_file=token),
        "password": secured.security("migrate", password="secret word"),
        "authority": secured.security("migrate", ca_file=Authority(tmp_path).file, password="secret word"),
        "no TLS": secured.security("migrate", security_protocol="SASL_PLAINTEXT", password="secret word"),
    }[wrong]
    with pytest.raises(MigrationError) as refused:
        await create_topics(Kafka(secured.sasl, security))
    assert "secret word" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert secured.sasl in str(refused.value)
    assert "token" in str(refused.value) or wrong != "token", "the client library does not say it"


async def test_a_service_may_ask_what_its_own_group_has_read_and_no_other(secured, eventually):
    kafka, topics = Kafka(secured.sasl, secured.security("goals")), [event.type for event in READS["goals"]]
    before = ago(days=1)  # nothing was published then: what is tried is whether it may ask at all
    await eventually(lambda: has_read(kafka, "leadflow-goals", topics, before))
    assert not await has_read(kafka, "leadflow-stages", topics, before)


async def test_a_service_with_the_rights_of_the_catalogue_reads_writes_and_no_more(
    secured, backend, tenant, eventually
):
    """Consumer and relay by SCRAM over TLS, under ACLs: a lead comes in and its stage goes out."""
    settings = {**backend.settings("stages"), "kafka_bootstrap": secured.sasl}
    stages = await start_service(
        "stages", backend.identity.sign_token, **settings, kafka_security=secured.security("stages")
    )
    outside = Bus(secured.plain)
    try:
        lead = ALead(outside, tenant)
        lead.captured()
        lead.sent()
        (changed,) = await outside.read("stage.changed", tenant=tenant)
        assert changed.data["to"] == "contacted"
        forbidden = stages.service.kafka.producer()
        await forbidden.start()
        with pytest.raises(TopicAuthorizationFailedError):
            await forbidden.send_and_wait("lead.captured", b"{}")
        await forbidden.stop()

        outside.raw("lead.scored", b"{", {"ce_id": "bad", "ce_tenantid": tenant})
        outside.flush()
        letters = await eventually(lambda: _letters(stages, tenant))
        async with stages.database.worker([tenant]) as work:
            with pytest.raises(Conflict, match=r"only read lead.scored.*leadflow dead-letters"):
                await replay(work, stages.service.kafka, letters[0])
        async with stages.database.worker([tenant]) as work:
            await replay(work, Kafka(secured.sasl, secured.security("operator")), letters[0])
        async with stages.database.worker([tenant]) as work:  # other brokers' tests use the same positions
            await work.run("DELETE FROM dead_letter WHERE tenant_id = :tenant", tenant=tenant)
    finally:
        await stages.stop()
        outside.close()
    again = await rewind(
        Kafka(secured.sasl, secured.security("operator")), "leadflow-stages", ["lead.captured"], ago(hours=1)
    )
    assert again >= 1


async def test_another_system_reads_what_services_publish_in_groups_that_begin_with_its_name(secured: Secured) -> None:
    kafka = Kafka(secured.sasl, secured.security("other-systems"))
    reader = kafka.consumer("stage.changed", group_id="leadflow-other-systems-crm", auto_offset_reset="earliest")
    await reader.start()
    await reader.getmany(timeout_ms=500)
    await reader.commit(dict.fromkeys(reader.assignment(), 0))
    await reader.stop()
    for topic, group in (("stage.changed", "leadflow-stages"), ("lead.submitted", "leadflow-other-systems-crm")):
        refused = kafka.consumer(topic, group_id=group, auto_offset_reset="earliest")
        with pytest.raises((GroupAuthorizationFailedError, TopicAuthorizationFailedError)):
            await refused.start()
            await refused.getone()
        await refused.stop()


async def _ignore(message: object) -> None:
    return None


async def _letters(stages, tenant: str) -> list:
    async with stages.database.worker() as work:
        rows = await work.fetch("SELECT id FROM dead_letter WHERE tenant_id = :tenant", tenant=tenant)
    return [row["id"] for row in rows]


async def test_a_password_that_rotates_counts_from_the_next_connection_on(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    kafka = Kafka(secured.sasl, secured.security("other-systems", password_file=file))
    producer = kafka.producer()
    await producer.start()
    secured.set_password("other-systems", "a new one")
    file.write_text("a new one")
    assert kafka.renew(producer)
    assert not kafka.renew(producer)
    for connection in list(producer.client._conns.values()):
        connection.close()
    await producer.send_and_wait("lead.submitted", b"{}", key=str(uuid4()).encode())
    await producer.stop()
    secured.set_password("other-systems", PASSWORD)


async def test_a_consumer_whose_first_start_had_a_wrong_password_starts_with_the_right_one(
    secured: Secured, tmp_path: Path, backend
) -> None:
    file = tmp_path / "password"
    file.write_text("the one of yesterday")
    kafka = Kafka(secured.sasl, secured.security("goals", password_file=file))

    async def handle(work, batch) -> None:
        """Nothing is read here."""

    database = Database(DatabaseAddress(backend.url("goals")), "goals")
    consumer = Consumer(database, kafka, READS["goals"], handle, group="leadflow-goals")
    with pytest.raises(KafkaError):
        await consumer.start()
    await consumer.stop()
    file.write_text(PASSWORD)
    await consumer.start()
    await consumer.stop()
    await database.close()


async def test_a_certificate_that_rotates_counts_from_the_next_connection_on(secured: Secured) -> None:
    certificate, key = secured.authority.issue("leadflow-nobody")
    security = KafkaSecurity(
        security_protocol="SSL", ca_file=secured.authority.file, certificate_file=certificate, key_file=key
    )
    kafka = Kafka(secured.mutual, security)
    assert not kafka.renew()
    nobody = kafka.admin()
    await nobody.start()
    assert set(await nobody.list_topics()) & set(CATALOGUE) == set()
    await nobody.close()
    other_certificate, other_key = secured.authority.issue("leadflow-operator")
    certificate.write_bytes(other_certificate.read_bytes())
    key.write_bytes(other_key.read_bytes())
    assert kafka.renew()
    somebody = kafka.admin()
    await somebody.start()
    assert set(await somebody.list_topics()) >= set(CATALOGUE)
    await somebody.close()
