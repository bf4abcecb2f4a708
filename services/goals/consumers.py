"""The events that the goals service reads."""

from collections.abc import Callable

from services.goals.use_cases.lead_events import record_events
from shared.db import UnitOfWork
from shared.events import Received
from shared.events.base import Event
from shared.messaging import Handle


def lead_events(wake_progress: Callable[[], None]) -> Handle:
    """Records each batch as a whole; `wake_progress` is called after the commit if a goal's value may have changed."""

    async def handle(work: UnitOfWork, batch: list[Received[Event]]) -> None:
        if await record_events(work, batch):
            work.after_commit.append(wake_progress)

    return handle
