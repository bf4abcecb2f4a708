"""The two servers as `leadflow up` and the tests start them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import free_port


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: its root is closed to others again whenever a second run starts, and Postgres is not root."""
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


@pytest.mark.parametrize("how", ["in order", "killed"])
async def test_kafka_keeps_its_data_however_it_ended_and_wherever_it_listens(folder: Path, how: str):
    kafka = Kafka(folder, free_port(), free_port())
    kafka.start()
    await add_topic(kafka, "kept")
    kafka.stop() if how == "in order" else kafka.kill()

    again = Kafka(folder, free_port(), free_port())
    again.start()
    try:
        assert await topics(again) == {"kept"}
    finally:
        again.stop()
    assert again.pid is None


async def test_postgres_keeps_its_data_and_speaks_utf8_in_the_c_locale(folder: Path):
    postgres = Postgres(folder / "data", free_port())
    postgres.start()
    await query(postgres, "CREATE TABLE kept (name text)")
    postgres.stop()

    again = Postgres(folder / "data", free_port())
    again.start()
    try:
        assert await query(again, "SELECT count(*) FROM kept") == 0
        assert await query(again, "SHOW server_encoding") == "UTF8"
        assert await query(again, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
        assert await query(again, "SHOW listen_addresses") == "127.0.0.1"
    finally:
        again.stop()


async def test_what_a_killed_run_left_behind_is_ended_before_a_start(folder: Path):
    lost = Postgres(folder / "data", free_port())
    lost.start()
    left = lost.pid
    assert left is not None

    again = Postgres(folder / "data", free_port())
    again.start()
    try:
        assert lost.pid is None
        assert again.pid not in (None, left)
        assert await query(again, "SELECT 1") == 1
    finally:
        again.stop()
