"""The workers of the goals service: progress, periods that have ended, meetings that have passed."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from services.goals.settings import Settings
from services.goals.store import leads
from services.goals.use_cases.lead_events import record_passed_meetings
from services.goals.use_cases.progress import publish_changed_goals
from services.goals.use_cases.reports import HasRead, close_ended_periods
from shared.db import Database
from shared.work import Step

LEADS_A_ROUND = 200


def publish_progress(settings: Settings) -> Step:
    """A step that publishes the goals whose value changed."""
    every = timedelta(seconds=settings.progress_every_seconds)

    async def step(database: Database) -> int:
        return await publish_changed_goals(database, every)

    return step


def close_periods(settings: Settings, has_read: HasRead) -> Step:
    """A step that closes ended periods, once their events are counted or the patience of the settings is over."""
    grace = timedelta(seconds=settings.close_after_seconds)
    every = timedelta(seconds=settings.progress_every_seconds)
    waiting_since: float | None = None

    async def step(database: Database) -> int:
        nonlocal waiting_since
        waits = False

        async def has_read_or_waited(until: datetime) -> bool:
            nonlocal waiting_since, waits
            if await has_read(until):
                return True
            waits, waiting_since = True, waiting_since or time.monotonic()
            return time.monotonic() - waiting_since >= settings.close_patience_seconds

        closed = await close_ended_periods(database, grace, every, has_read_or_waited)
        if not waits:
            waiting_since = None
        return closed

    return step


def count_passed_meetings(wake_progress: Callable[[], None]) -> Step:
    """A step that counts meetings whose end has passed."""

    async def step(database: Database) -> int:
        async with database.worker() as work:
            keys = await leads.leads_with_passed_meetings(work, LEADS_A_ROUND)
        if not keys:
            return 0
        async with database.worker(tenant for tenant, _ in keys) as work:
            if await record_passed_meetings(work, keys):
                work.after_commit.append(wake_progress)
        return len(keys)

    return step
