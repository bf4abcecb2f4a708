"""The events that scoring reads, in batches."""

from typing import Any

from services.scoring.use_cases import ModelCache, record_signals
from shared.db import UnitOfWork
from shared.events import Received
from shared.messaging import Handle


def handler(models: ModelCache) -> Handle:
    """Stores the events of a batch as signals and scores their leads."""

    async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
        await record_signals(work, models, batch)

    return handle
