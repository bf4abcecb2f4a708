"""Kafka and Postgres as `leadflow up` and the tests start them."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own folder: only its owner may enter that, and Postgres does not run as root."""
    with TemporaryDirectory(prefix="leadflow-") as name:
        yield Path(name)


async def topics(kafka: Kafka) -> set[str]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        return set(await client.list_topics())
    finally:
        await client.close()


async def add_topic(kafka: Kafka, name: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        await client.create_topics([NewTopic(name, 1, 1)])
    finally:
        await client.close()


async def query(postgres: Postgres, statement: str) -> object:
    connection = await asyncpg.connect(postgres.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_kafka_keeps_its_data_after_a_stop_or_kill_and_on_another_port(folder: Path, how: str):
    kafka = Kafka(folder, free_port(), free_port())
    kafka.start()
    await add_topic(kafka, "kept")
    kafka.stop() if how == "stopped" else kafka.kill()

    restarted = Kafka(folder, free_port(), free_port())
    restarted.start()
    try:
        assert await topics(restarted) == {"kept"}
    finally:
        restarted.stop()
    assert restarted.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists what a process has mapped")
def test_kafka_starts_from_the_classes_that_java_has_stored(folder: Path):
    kafka = Kafka(folder, free_port(), free_port())
    kafka.start()
    try:
        assert ".aot" in Path(f"/proc/{kafka.pid}/maps").read_text()
    finally:
        kafka.kill()


async def test_postgres_keeps_its_data_and_uses_utf8_and_the_c_locale(folder: Path):
    postgres = Postgres(folder / "data", free_port())
    postgres.start()
    await query(postgres, "CREATE TABLE kept (name text)")
    postgres.stop()

    restarted = Postgres(folder / "data", free_port())
    restarted.start()
    try:
        assert await query(restarted, "SELECT count(*) FROM kept") == 0
        assert await query(restarted, "SHOW server_encoding") == "UTF8"
        assert await query(restarted, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
        assert await query(restarted, "SHOW listen_addresses") == "127.0.0.1"
    finally:
        restarted.stop()


async def test_nobody_else_on_the_machine_gets_into_postgres_or_at_the_files(folder: Path):
    postgres = Postgres(folder / "data", free_port())
    postgres.start()
    try:
        for user, password in (("postgres", None), ("postgres", "postgres"), ("leadflow_stages", None)):
            with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
                await asyncpg.connect(
                    host="127.0.0.1", port=postgres.port, user=user, password=password, database="postgres"
                )
        assert await query(postgres, "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'") == 1
    finally:
        postgres.stop()
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((postgres.data / "superuser.password").stat().st_mode) == 0o600


async def test_a_cluster_that_was_made_without_a_password_gets_one(folder: Path):
    postgres = Postgres(folder / "data", free_port())
    postgres.start()
    await query(postgres, "ALTER ROLE postgres PASSWORD NULL")
    postgres.stop()
    (postgres.data / "superuser.password").unlink()

    restarted = Postgres(folder / "data", free_port())
    restarted.start()
    try:
        assert await query(restarted, "SELECT 1") == 1
    finally:
        restarted.stop()


async def test_the_server_of_a_killed_run_is_stopped_before_a_start(folder: Path):
    leftover = Postgres(folder / "data", free_port())
    leftover.start()
    leftover_pid = leftover.pid
    assert leftover_pid is not None

    restarted = Postgres(folder / "data", free_port())
    restarted.start()
    try:
        assert leftover.pid is None
        assert restarted.pid not in (None, leftover_pid)
        assert await query(restarted, "SELECT 1") == 1
    finally:
        restarted.stop()
