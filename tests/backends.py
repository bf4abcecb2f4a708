"""Where the tests' Kafka and Postgres come from.

`LEADFLOW_TEST_BACKEND` names the kind: `local` (the default: packages on this machine, or the servers that
`make servers` keeps up) or `testcontainers` (where Docker answers).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import servers


@contextmanager
def backend(folder: Path) -> Iterator[tuple[str, str]]:
    """(bootstrap, admin URL) of a Kafka and a Postgres for this run; `folder` is for the data of those started here."""
    kind = os.environ.get("LEADFLOW_TEST_BACKEND", "local")
    if kind == "testcontainers":
        yield from _containers()
    elif kind != "local":
        raise ValueError(f"LEADFLOW_TEST_BACKEND is {kind!r}: it is local or testcontainers")
    elif (kept := servers.kept()) is not None:
        yield kept
    else:
        with servers.servers(folder) as started:
            yield started


def _containers() -> Iterator[tuple[str, str]]:
    from testcontainers.kafka import KafkaContainer
    from testcontainers.postgres import PostgresContainer

    with (
        PostgresContainer("postgres:18", driver=None) as postgres,
        KafkaContainer("confluentinc/cp-kafka:8.1.0").with_kraft() as kafka,
    ):
        yield kafka.get_bootstrap_server(), postgres.get_connection_url()
