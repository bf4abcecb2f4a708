"""What is due in the goals service, and driven by no request: progress, periods that end, meetings that pass."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.goals.settings import Settings
from services.goals.store import leads
from services.goals.use_cases.counting import pass_meetings
from services.goals.use_cases.progress import tell_all
from services.goals.use_cases.reporting import close_due
from shared.db import Database
from shared.messaging import Consumer
from shared.work import Step

MEETINGS_A_ROUND = 200
Behind = Callable[[], Awaitable[bool]]
"""Whether there are events of the past that are not counted yet."""


def telling(settings: Settings) -> Step:
    """Tells of progress."""
    every = timedelta(seconds=settings.progress_every_seconds)

    async def step(database: Database) -> int:
        return await tell_all(database, every)

    return step


def closing(settings: Settings, behind: Behind) -> Step:
    """Closes periods that are over: when the events of their time are counted, or after a patient while without."""
    grace = timedelta(seconds=settings.close_after_seconds)
    every = timedelta(seconds=settings.progress_every_seconds)
    waiting_since: float | None = None

    async def step(database: Database) -> int:
        nonlocal waiting_since
        if not await behind():
            waiting_since = None
        else:
            waiting_since = waiting_since or time.monotonic()
            if time.monotonic() - waiting_since < settings.close_patience_seconds:
                return 0
        return await close_due(database, grace, every)

    return step


def reading_on(consumer: Callable[[], Consumer | None], many: int) -> Behind:
    """Whether this process's consumer has more than `many` records to read, or does not know yet.

    A process that only works cannot know, and says no.
    """

    async def behind() -> bool:
        reader = consumer()
        if reader is None:
            return False
        if reader.subscriber.consumer is None or not reader.assigned:
            return True
        told = [reader.subscriber.consumer.highwater(part) for part in reader.subscriber.consumer.assignment()]
        return None in told or await reader.lag() > many

    return behind


def passing(tell: Callable[[], None]) -> Step:
    """Counts meetings once their end has passed."""

    async def step(database: Database) -> int:
        async with database.worker() as work:
            due = await leads.meetings_due(work, MEETINGS_A_ROUND)
        if not due:
            return 0
        async with database.worker(tenant for tenant, _ in due) as work:
            if await pass_meetings(work, due):
                work.after_commit.append(tell)
        return len(due)

    return step
