"""Micro-batching: single submissions of a tenant that arrive at the same time share one transaction.

Nothing waits for a batch to fill: the submissions that arrive during a transaction make up the next one. Each caller
gets its answer only after the commit.
"""

import asyncio
from contextvars import copy_context

from services.capture.rules.contact import Contact
from services.capture.use_cases.submissions import Submission, SubmissionResult, record_submissions
from shared.db import Database, is_outage
from shared.db.retries import ATTEMPTS, is_collision

_MOST = 200
"""Submissions in one transaction."""

_Waiting = tuple[Submission, "asyncio.Future[SubmissionResult]"]


class MicroBatcher:
    """Records submissions one by one for its callers, and in batches for the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def record(self, tenant: str, contact: Contact) -> SubmissionResult:
        """The result of one submission, once it is committed. Raises what the database raises for this submission."""
        result: asyncio.Future[SubmissionResult] = asyncio.get_running_loop().create_future()
        # The time is the transaction's; the context is the caller's, so that the events carry its trace.
        entry = (Submission(tenant, contact, None, context=copy_context()), result)
        if tenant in self._waiting:
            self._waiting[tenant].append(entry)
        else:
            self._waiting[tenant] = [entry]
            task = asyncio.create_task(self._drain(tenant))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await result

    async def _drain(self, tenant: str) -> None:
        while batch := self._waiting[tenant][:_MOST]:
            del self._waiting[tenant][:_MOST]
            await self._commit(tenant, batch)
        del self._waiting[tenant]

    async def _commit(self, tenant: str, batch: list[_Waiting]) -> None:
        error: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                async with self._database.tenant(tenant) as work:
                    results = await record_submissions(work, [submission for submission, _ in batch])
            except Exception as failure:  # noqa: BLE001 - the callers get it, whatever it is
                error = failure
                if not is_collision(failure):
                    break
            else:
                for (_, waiting), result in zip(batch, results, strict=True):
                    if not waiting.done():
                        waiting.set_result(result)
                return
        assert error is not None
        if len(batch) > 1 and not is_outage(error):
            # One of them may be at fault: each gets a transaction of its own.
            for entry in batch:
                await self._commit(tenant, [entry])
            return
        for _, waiting in batch:
            if not waiting.done():
                waiting.set_exception(error)
