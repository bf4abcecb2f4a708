"""Where the tests' Kafka and Postgres come from: packages on this machine, or containers where Docker answers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import free_port


@contextmanager
def backend(folder: Path) -> Iterator[tuple[str, str]]:
    """(bootstrap, admin URL), as `LEADFLOW_TEST_BACKEND` says: `local` (the default) or `testcontainers`."""
    kind = os.environ.get("LEADFLOW_TEST_BACKEND", "local")
    if kind == "testcontainers":
        yield from _containers()
    elif kind == "local":
        yield from _local(folder)
    else:
        raise ValueError(f"LEADFLOW_TEST_BACKEND is {kind!r}: it is local or testcontainers")


def _local(folder: Path) -> Iterator[tuple[str, str]]:
    kafka = Kafka(folder / "kafka", free_port(), free_port())
    postgres = Postgres(folder / "postgres", free_port(), durable=False)
    try:
        for server in (kafka, postgres):
            server.prepare()
            server.launch()
        kafka.wait()
        postgres.wait()
        yield kafka.bootstrap, postgres.url()
    finally:
        kafka.stop()
        postgres.stop()


def _containers() -> Iterator[tuple[str, str]]:
    from testcontainers.kafka import KafkaContainer
    from testcontainers.postgres import PostgresContainer

    with (
        PostgresContainer("postgres:18", driver=None) as postgres,
        KafkaContainer("confluentinc/cp-kafka:8.1.0").with_kraft() as kafka,
    ):
        yield kafka.get_bootstrap_server(), postgres.get_connection_url()
