"""A goals service on the real broker and database, and leads whose events the other services would publish."""

from uuid import uuid4

import asyncpg
import pytest

from deploy.databases import address
from deploy.migrate import upgrade
from shared.testing.bus import Bus
from shared.testing.running import Running


@pytest.fixture
async def goals(start) -> Running:
    return await start("goals")


class Publisher:
    """Publishes what the builders make, as the other services would, for one tenant."""

    def __init__(self, bus: Bus, tenant: str) -> None:
        self.bus = bus
        self.tenant = tenant

    def __call__(self, *events) -> None:
        for received in events:
            self.bus.publish(
                received.type,
                received.event.model_dump(mode="json", by_alias=True, exclude_none=True),
                tenant=self.tenant,
                subject=received.lead_id,
                time=received.occurred_at,
                id=received.id,
                source=received.source,
            )
        self.bus.flush()


@pytest.fixture
def publish(bus: Bus, tenant: str) -> Publisher:
    return Publisher(bus, tenant)


class OwnGoals:
    """A goals service with a database and a consumer group of its own, which can be copied and put back."""

    def __init__(self, admin: asyncpg.Connection, name: str, url: str, start) -> None:
        self.admin = admin
        self.name = name
        """The name of the database and of the consumer group."""
        self.url = url
        self._start = start
        self._runs: list[Running] = []

    async def start(self, **settings) -> Running:
        run = await self._start("goals", database_url=self.url, consumer_group=self.name, **settings)
        self._runs.append(run)
        return run

    async def stop(self) -> None:
        for run in self._runs:
            await run.stop()
        self._runs.clear()

    async def back_up(self) -> None:
        await self.admin.execute(f"CREATE DATABASE {self.name}_backup TEMPLATE {self.name}")

    async def restore(self) -> None:
        await self.admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        await self.admin.execute(f"ALTER DATABASE {self.name}_backup RENAME TO {self.name}")


@pytest.fixture
async def own_goals(backend, start):
    """A goals service that is not started yet, on an empty database."""
    name = f"leadflow_goals_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(backend.admin_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await upgrade("goals", address(backend.admin_url, name))
    url = backend.url("goals").rpartition("/")[0] + f"/{name}"
    own = OwnGoals(admin, name, url, start)
    yield own
    await own.stop()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
