"""The events that enrichment reads, in batches. Providers that use a network are never asked here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from services.enrichment.use_cases.leads import apply_events
from shared.db import UnitOfWork
from shared.events import Received
from shared.messaging import Handle


def handler(first_within: timedelta, wake_lookups: Callable[[], None]) -> Handle:
    """Enriches captured and changed leads, applies merges and erasures."""

    async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
        await apply_events(work, batch, first_within)
        work.after_commit.append(wake_lookups)

    return handle
