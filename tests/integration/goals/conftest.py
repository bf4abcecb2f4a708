"""A goals service on the real broker and database, and leads whose events the other services would publish."""

import pytest

from services.goals.use_cases.lead_events import record_events
from shared.testing.bus import Bus
from shared.testing.running import Running
from tests.integration.own_service import own_service
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


@pytest.fixture
async def own_goals(backend, start):
    """A goals service that is not started yet, on an empty database."""
    async with own_service(backend, start, "goals") as own:
        yield own


@pytest.fixture
async def api(own_goals, monkeypatch):
    """Only the API, on a database of its own: the tests record, publish and close, and nothing happens in between."""
    run = await own_goals.start(only="api")
    monkeypatch.setattr(run.service, "has_read", has_read)
    return run
