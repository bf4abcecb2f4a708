"""A real Kafka and a real, durable Postgres, with databases for each implementation."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from deploy.databases import address, database_name
from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.migrate import prepare_database
from deploy.topics import create_topics
from shared.events.topics import LOCAL_PARTITIONS
from shared.messaging.connection import Kafka as Cluster

MEASURED_SERVICES = ("capture", "scoring", "stages")
"""The services between `lead.submitted` and `stage.changed`."""


PASSWORD = "bench"
"""Of every service's login: the servers end with the run."""


@dataclass(frozen=True)
class Servers:
    """The addresses of broker and databases; `folder` has the logs of all processes."""

    bootstrap: str
    admin_url: str
    folder: Path

    def url(self, implementation: str, service: str) -> str:
        """The address of an implementation's database for the service's login, which owns nothing."""
        return address(self.admin_url, f"{implementation}_{service}", database_name(service), PASSWORD)

    def owner_url(self, implementation: str, service: str) -> str:
        """The same database for the administrator."""
        return address(self.admin_url, f"{implementation}_{service}")

    async def create_databases(self, implementation: str, services: Sequence[str] = MEASURED_SERVICES) -> None:
        """Create databases for an implementation, as copies of those that our migrations made; drop earlier ones."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            for service in services:
                name = f"{implementation}_{service}"
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await admin.execute(f"CREATE DATABASE {name} TEMPLATE {database_name(service)}")
        finally:
            await admin.close()

    async def execute(self, implementation: str, service: str, *statements: str) -> None:
        """Run statements as the owner, each in its own transaction."""
        connection = await asyncpg.connect(self.owner_url(implementation, service))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def tables(self, implementation: str, service: str) -> set[str]:
        connection = await asyncpg.connect(self.owner_url(implementation, service))
        try:
            return {
                row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            }
        finally:
            await connection.close()

    async def count(self, implementation: str, service: str, table: str) -> int:
        connection = await asyncpg.connect(self.owner_url(implementation, service))
        try:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
        finally:
            await connection.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that PostgreSQL can enter: if we are root, it runs as another user."""
    with TemporaryDirectory(prefix="leadflow-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@asynccontextmanager
async def start_servers() -> AsyncIterator[Servers]:
    """Start the servers, migrate one database for each service, create the topics; delete everything at the end."""
    with _folder() as folder:
        kafka = Kafka(folder / "kafka", free_port(), free_port())
        postgres = Postgres(folder / "postgres", free_port())
        try:
            for server in (kafka, postgres):
                server.prepare()
                server.launch()
            kafka.wait()
            postgres.wait()
            for service in (*MEASURED_SERVICES, "outreach"):
                await prepare_database(postgres.url(), service, PASSWORD)
            await create_topics(Cluster(kafka.bootstrap), LOCAL_PARTITIONS)
            yield Servers(kafka.bootstrap, postgres.url(), folder)
        finally:
            kafka.kill()
            postgres.kill()
