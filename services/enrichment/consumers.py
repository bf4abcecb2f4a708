"""The events that enrichment reads, in batches. Nothing slow happens here: no provider of this chain uses a network."""

from typing import Any

from services.enrichment.use_cases import take_events
from shared.db import UnitOfWork
from shared.events import Received


async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
    await take_events(work, batch)
