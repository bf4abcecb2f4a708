"""What is due in the goals service, and driven by no request: progress, periods that end, meetings that pass."""

from collections.abc import Callable
from datetime import timedelta

from services.goals.settings import Settings
from services.goals.store import leads
from services.goals.use_cases.counting import pass_meetings
from services.goals.use_cases.progress import tell_all
from services.goals.use_cases.reporting import close_due
from shared.db import Database
from shared.work import Step

MEETINGS_A_ROUND = 200


def telling(settings: Settings) -> Step:
    """Tells of progress."""
    every = timedelta(seconds=settings.progress_every_seconds)

    async def step(database: Database) -> int:
        return await tell_all(database, every)

    return step


def closing(settings: Settings) -> Step:
    """Closes periods that are over."""
    grace = timedelta(seconds=settings.close_after_seconds)

    async def step(database: Database) -> int:
        return await close_due(database, grace)

    return step


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
