"""The events that scoring reads, in batches."""

from typing import Any

from services.scoring.use_cases import Models, take_signals
from shared.db import UnitOfWork
from shared.events import (
    Received,
)
from shared.messaging import Handle


def handler(models: Models) -> Handle:
    """Each event is stored as a signal and the leads of the batch are scored, all at once."""

    async def handle(work: UnitOfWork, batch: list[Received[Any]]) -> None:
        await take_signals(work, models, batch)

    return handle
