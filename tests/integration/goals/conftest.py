"""A goals service on the real broker and database, and leads as the other services tell of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.testing.bus import Bus
from shared.testing.running import Running


@pytest.fixture
async def goals(start) -> Running:
    return await start("goals")


class Teller:
    """Publishes what builders made, as the other services would, for one tenant."""

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
def tell(bus: Bus, tenant: str) -> Teller:
    return Teller(bus, tenant)


@pytest.fixture
def ago() -> Callable[..., datetime]:
    """So long before now."""
    now = datetime.now(UTC)
    return lambda **parts: now - timedelta(**parts)
