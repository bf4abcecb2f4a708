"""The events that enrichment reads, in batches. Providers that use a network are never asked here."""

from typing import Any

from services.enrichment.use_cases import apply_events
from shared.db import UnitOfWork
from shared.events import Received


async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
    """Enrich captured and changed leads, apply merges and erasures."""
    await apply_events(work, batch)
