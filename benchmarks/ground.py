"""What the measurements stand on: a real Kafka and a real, durable Postgres, with a database for each contestant."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from deploy.databases import address, create_database, create_login, database_name
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import free_port
from deploy.migrate import upgrade
from deploy.topics import create_topics

SERVICES = ("capture", "scoring", "stages")
"""The services on the way from `lead.submitted` to `stage.changed`."""


@dataclass(frozen=True)
class Ground:
    """Where the broker and the databases are; `folder` holds the logs of everything that runs."""

    bootstrap: str
    admin_url: str
    folder: Path

    def url(self, contestant: str, service: str) -> str:
        """The address of a contestant's database for the service's login, which owns nothing."""
        return address(self.admin_url, f"{contestant}_{service}", database_name(service))

    def owner_url(self, contestant: str, service: str) -> str:
        """The same database for the administrator."""
        return address(self.admin_url, f"{contestant}_{service}")

    async def give_databases(self, contestant: str) -> None:
        """Databases of its own for a contestant: copies of those that our migrations made. Old ones go."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            for service in SERVICES:
                name = f"{contestant}_{service}"
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await admin.execute(f"CREATE DATABASE {name} TEMPLATE {database_name(service)}")
        finally:
            await admin.close()

    async def execute(self, contestant: str, service: str, *statements: str) -> None:
        """Run statements as the owner, each in a transaction of its own."""
        connection = await asyncpg.connect(self.owner_url(contestant, service))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def count(self, contestant: str, service: str, table: str) -> int:
        connection = await asyncpg.connect(self.owner_url(contestant, service))
        try:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
        finally:
            await connection.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """PostgreSQL runs as a user of its own when we are root, and has to reach its data."""
    with TemporaryDirectory(prefix="leadflow-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@asynccontextmanager
async def ground(services: Sequence[str] = SERVICES) -> AsyncIterator[Ground]:
    """Start the servers, migrate one database for each service, create the topics; all is thrown away at the end."""
    with _folder() as folder:
        kafka = Kafka(folder / "kafka", free_port(), free_port())
        postgres = Postgres(folder / "postgres", free_port())
        try:
            for server in (kafka, postgres):
                server.prepare()
                server.launch()
            kafka.wait()
            postgres.wait()
            for service in services:
                await create_database(postgres.url(), service)
                await upgrade(service, postgres.url(database_name(service)))
                await create_login(postgres.url(), service, "bench")
            await create_topics(kafka.bootstrap)
            yield Ground(kafka.bootstrap, postgres.url(), folder)
        finally:
            kafka.kill()
            postgres.kill()
