"""A service with a database and a consumer group of its own, which can be backed up, lost and restored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg

from deploy.databases import address
from deploy.migrate import upgrade
from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.rewind import rewind
from shared.testing.running import Running


class OwnService:
    """`name` is that of the database and of the consumer group."""

    def __init__(self, backend: Any, start: Any, service: str, admin: "asyncpg.Connection[Any]") -> None:
        self.service = service
        self.name = f"leadflow_{service}_{uuid4().hex[:8]}"
        self.admin = admin
        self._backend = backend
        self._start = start
        self._runs: list[Running] = []

    @property
    def url(self) -> str:
        """The database's address as the service uses it: by a login that owns nothing."""
        return str(self._backend.url(self.service).rpartition("/")[0]) + f"/{self.name}"

    async def start(self, **settings: Any) -> Running:
        run: Running = await self._start(self.service, database_url=self.url, consumer_group=self.name, **settings)
        self._runs.append(run)
        return run

    async def stop(self) -> None:
        for run in self._runs:
            await run.stop()
        self._runs.clear()

    async def create(self) -> None:
        await self.admin.execute(f"CREATE DATABASE {self.name} TEMPLATE template0")
        await upgrade(self.service, address(self._backend.admin_url, self.name))

    async def drop(self) -> None:
        await self.admin.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        await self.admin.execute(f"DROP DATABASE IF EXISTS {self.name}_backup WITH (FORCE)")

    async def back_up(self) -> None:
        await self.admin.execute(f"CREATE DATABASE {self.name}_backup TEMPLATE {self.name}")

    async def restore(self) -> None:
        await self.admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        await self.admin.execute(f"ALTER DATABASE {self.name}_backup RENAME TO {self.name}")

    async def rewind(self, to: datetime) -> int:
        """Set the group back, as `leadflow rewind` does; how many records it will read."""
        topics = [event.type for event in READS[self.service]]
        return await rewind(Kafka(self._backend.bootstrap), self.name, topics, to)


@asynccontextmanager
async def own_service(backend: Any, start: Any, service: str) -> AsyncIterator[OwnService]:
    """A service that is not started yet, on an empty database."""
    admin = await asyncpg.connect(backend.admin_url)
    own = OwnService(backend, start, service, admin)
    await own.create()
    try:
        yield own
    finally:
        await own.stop()
        await own.drop()
        await admin.close()
