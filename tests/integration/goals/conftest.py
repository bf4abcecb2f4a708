"""A goals service on the real broker and database, and leads whose events the other services would publish."""

from uuid import uuid4

import asyncpg
import pytest

from deploy.databases import address
from deploy.migrate import upgrade
from services.goals.use_cases.lead_events import record_events
from shared.testing.bus import Bus
from shared.testing.running import Running
from tests.unit.goals.builders import received


@pytest.fixture
async def goals(start) -> Running:
    return await start("goals")


async def has_read(until):
    """Whoever records events without a broker has nothing to read."""
    return True


@pytest.fixture
def record(api, tenant):
    """Records events that builders made."""

    async def record(*events):
        async with api.database.worker([tenant]) as work:
            await record_events(
                work, [received(e.event, e.lead_id, e.occurred_at, id=e.id, tenant=tenant) for e in events]
            )

    return record


class Publisher:
    """Publishes what the builders make, as the other services would, for one tenant."""

    def __init__(self, bus: Bus, tenant: str) -> None:
        self.bus = bus
        self.tenant = tenant

    def __call__(self, *events) -> None:
        for event in events:
            self.bus.publish(
                event.type,
                event.event.model_dump(mode="json", by_alias=True, exclude_none=True),
                tenant=self.tenant,
                subject=event.lead_id,
                time=event.occurred_at,
                id=event.id,
                source=event.source,
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


@pytest.fixture
async def api(own_goals, monkeypatch):
    """Only the API, on a database of its own: the tests record, publish and close, and nothing happens in between."""
    run = await own_goals.start(only="api")
    monkeypatch.setattr(run.service, "has_read", has_read)
    return run
