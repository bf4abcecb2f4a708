"""Workers of sequences: the steps that are due, and jobs over many leads."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.outreach.context import Context
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.sequences.store import enrolments, jobs
from services.outreach.sequences.use_cases import steps
from services.outreach.sequences.use_cases.jobs import run_page
from shared.db import Database, is_outage
from shared.store import outbox

log = structlog.get_logger()

AT_ONCE = 50
"""Due enrolments that one round looks at."""
AGAIN_AFTER = timedelta(minutes=1)
"""When an enrolment is looked at again whose look has failed."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Takes the steps that are due, each enrolment in a transaction of its own."""

    context: Context
    sender: SenderAddresses

    async def step(self, database: Database) -> int:
        """One round; how many enrolments were due. Another worker's are passed over."""
        async with database.worker() as work:
            due = await enrolments.due(work, AT_ONCE)
        for tenant, enrolment_id in due:
            try:
                async with database.worker([tenant]) as work:
                    composing = await steps.advance(work, self.context.keys, self.sender, tenant, enrolment_id)
                    self.context.wake_after(work, *(["composer"] if composing else []), "sender")
            except Exception as error:
                if is_outage(error):
                    raise
                # One enrolment that fails must not keep the others waiting behind it.
                log.error("sequence.step_failed", tenant=tenant, enrolment_id=str(enrolment_id), exc_info=error)
                async with database.worker([tenant]) as work:
                    await enrolments.postpone(work, tenant, enrolment_id, work.now + AGAIN_AFTER)
        return len(due)


async def run_jobs(database: Database) -> int:
    """One page of a job; how many items it did. Waits while the outbox is long, so that no reply waits behind it."""
    async with database.worker() as work:
        job = await jobs.running(work)
        if job is None or not await outbox.is_short(work):
            return 0
    async with database.worker([job[0]]) as work:
        return await run_page(work, *job)
