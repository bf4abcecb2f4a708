"""What is due without anybody asking: timers, and signals that waited too long for their lead."""

from services.stages.store import leads
from services.stages.use_cases.judging import Judging
from shared.db import Database
from shared.work import Step

PAGE = 200


async def fire_timers(database: Database) -> int:
    """Fold what has fallen due (a meeting passed, a lead gone quiet); the number of leads looked at.

    Two replicas may see the same lead: the lock makes one of them second, and for it nothing is due any more.
    """
    async with database.worker() as work:
        due = await leads.due(work, PAGE)
    if not due:
        return 0
    async with database.worker(tenant for tenant, _ in due) as work:
        judging = await Judging.begin(work, due)
        await judging.decide({})
    return len(due)


def forget_waiting(days: float) -> Step:
    """A step that removes the signals of leads that were not captured within `days`."""

    async def step(database: Database) -> int:
        async with database.worker() as work:
            return await leads.forget_waiting(work, days, PAGE)

    return step
