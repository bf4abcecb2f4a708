"""Single submissions that come at the same time share a transaction: a batch for each tenant, as large as it gets.

Nobody waits for company: what comes while a transaction is under way goes into the next one. Each answer still leaves
only after the commit.
"""

import asyncio
from contextvars import copy_context

from sqlalchemy.exc import DBAPIError

from services.capture.rules.contact import Contact
from services.capture.use_cases.again import TRIES
from services.capture.use_cases.submissions import Outcome, Submission, submit
from shared.db import RETRY_AT_ONCE, Database, sqlstate

_MOST = 200
"""Submissions in one transaction."""

_Waiting = tuple[Submission, "asyncio.Future[Outcome]"]


class Gathering:
    """Submits leads one by one for the caller, and together for the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, tenant: str, contact: Contact) -> Outcome:
        """What became of the lead, once it is committed. Raises what the database raises for this one lead."""
        ours: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        # The time is the transaction's; the context is the caller's, so that the events carry its trace.
        entry = (Submission(tenant, contact, None, context=copy_context()), ours)
        if tenant in self._waiting:
            self._waiting[tenant].append(entry)
        else:
            self._waiting[tenant] = [entry]
            task = asyncio.create_task(self._drain(tenant))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await ours

    async def _drain(self, tenant: str) -> None:
        while waiting := self._waiting[tenant][:_MOST]:
            del self._waiting[tenant][:_MOST]
            await self._commit(tenant, waiting)
        del self._waiting[tenant]

    async def _commit(self, tenant: str, entries: list[_Waiting]) -> None:
        error: Exception | None = None
        for _ in range(TRIES):
            try:
                async with self._database.tenant(tenant) as work:
                    outcomes = await submit(work, [submission for submission, _ in entries])
            except Exception as failure:  # noqa: BLE001 - it belongs to those who wait, whatever it is
                error = failure
                if not isinstance(failure, DBAPIError) or sqlstate(failure) not in RETRY_AT_ONCE:
                    break
            else:
                for (_, ours), outcome in zip(entries, outcomes, strict=True):
                    if not ours.done():
                        ours.set_result(outcome)
                return
        if len(entries) > 1:
            # One of them may be at fault: each stands for itself.
            for entry in entries:
                await self._commit(tenant, [entry])
        elif error is not None and not entries[0][1].done():
            entries[0][1].set_exception(error)
