"""The workers of the goals service: progress, periods that have ended, meetings that have passed."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.goals.settings import Settings
from services.goals.store import leads
from services.goals.use_cases.lead_events import record_passed_meetings
from services.goals.use_cases.progress import publish_changed_goals
from services.goals.use_cases.reports import close_ended_periods
from shared.db import Database
from shared.messaging import Consumer
from shared.work import Step

LEADS_A_ROUND = 200
IsBehind = Callable[[], Awaitable[bool]]
"""Whether there are past events that are not counted yet."""


def publish_progress(settings: Settings) -> Step:
    """A step that publishes the goals whose value changed."""
    every = timedelta(seconds=settings.progress_every_seconds)

    async def step(database: Database) -> int:
        return await publish_changed_goals(database, every)

    return step


def close_periods(settings: Settings, is_behind: IsBehind) -> Step:
    """A step that closes ended periods, once their events are counted or the patience of the settings is over."""
    grace = timedelta(seconds=settings.close_after_seconds)
    every = timedelta(seconds=settings.progress_every_seconds)
    waiting_since: float | None = None

    async def step(database: Database) -> int:
        nonlocal waiting_since
        if not await is_behind():
            waiting_since = None
        else:
            waiting_since = waiting_since or time.monotonic()
            if time.monotonic() - waiting_since < settings.close_patience_seconds:
                return 0
        return await close_ended_periods(database, grace, every)

    return step


def consumer_is_behind(consumer: Callable[[], Consumer | None], many: int) -> IsBehind:
    """Whether this process's consumer has more than `many` records to read, or does not know yet.

    Without a consumer in this process the answer is no.
    """

    async def is_behind() -> bool:
        reader = consumer()
        if reader is None:
            return False
        if reader.subscriber.consumer is None or not reader.assigned:
            return True
        ends = [reader.subscriber.consumer.highwater(part) for part in reader.subscriber.consumer.assignment()]
        return None in ends or await reader.lag() > many

    return is_behind


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
