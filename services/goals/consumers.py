"""What the goals service reads from Kafka."""

from collections.abc import Callable

from services.goals.use_cases.counting import count
from shared.db import UnitOfWork
from shared.events import (
    Received,
)
from shared.events.base import Event
from shared.messaging import Handle


def counting(tell: Callable[[], None]) -> Handle:
    """Counts a batch as a whole; `tell` is called once it has committed and a goal's value may have changed."""

    async def handle(work: UnitOfWork, batch: list[Received[Event]]) -> None:
        if await count(work, batch):
            work.after_commit.append(tell)

    return handle
