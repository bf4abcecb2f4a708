"""Composes requested drafts, expires drafts, and requests the nurture check-ins that are due."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from services.outreach.drafts import store
from services.outreach.drafts.store import check_ins, compositions, counts
from services.outreach.drafts.store.compositions import CompositionRequest
from services.outreach.drafts.use_cases import composition
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.check_ins import request_check_in
from services.outreach.drafts.use_cases.composer import Composer
from services.outreach.drafts.use_cases.expiry import expire
from services.outreach.store import lead_of
from shared.db import Database, is_outage
from shared.errors import Invalid

log = structlog.get_logger()

MOST_ATTEMPTS = 5
"""How often a draft is tried to be written at the most."""
AGAIN_AFTER = timedelta(minutes=1)
"""When it is tried again after an error."""
_AT_ONCE = 8
_EXPIRED_AT_ONCE = 200
_CHECK_INS_AT_ONCE = 100
_FOLDED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class CompositionWorker:
    """Writes requested drafts, several at a time. `lease`: seconds after which another worker may write one."""

    composer: Composer
    sender: SenderAddresses
    lease: float

    async def step(self, database: Database) -> int:
        """Write the drafts whose requests are due; their number."""
        async with database.worker() as work:
            due = await compositions.due(work, _AT_ONCE)
        writing = (self._compose(database, row["tenant_id"], row["draft_id"]) for row in due)
        for failure in await asyncio.gather(*writing, return_exceptions=True):
            if failure is not None:
                raise failure
        return len(due)

    async def _compose(self, database: Database, tenant: str, draft_id: UUID) -> None:
        """Write one draft. A request that fails must neither keep the others waiting nor be written for ever."""
        async with database.worker([tenant]) as work:
            leased = await compositions.lease(work, tenant, draft_id, timedelta(seconds=self.lease))
        if leased is None:
            return
        request, attempts = leased
        try:
            await self._write(database, request)
        except (composition.CompositionDropped, Invalid) as error:
            await self._drop(database, request, error.detail if isinstance(error, Invalid) else str(error))
        except composition.FactsChanged as changed:
            await self._again(database, request, attempts, str(changed), timedelta(0))
        except Exception as error:
            if is_outage(error):
                raise
            log.error("draft.not_written", tenant=tenant, draft_id=str(draft_id), attempts=attempts, exc_info=error)
            await self._again(database, request, attempts, f"an error ({type(error).__name__})", AGAIN_AFTER)

    async def _write(self, database: Database, request: CompositionRequest) -> None:
        """Prepare (committed), write outside any transaction, save (committed)."""
        tenant = request.tenant
        async with database.worker([tenant]) as work:
            prepared = await composition.prepare(work, request, self.sender)
        text = await self.composer.write(database, prepared.task, tenant)
        async with database.worker([tenant]) as work:
            await composition.save(work, prepared, text, self.sender)

    async def _drop(self, database: Database, request: CompositionRequest, reason: str) -> None:
        log.info("draft.dropped", tenant=request.tenant, draft_id=str(request.draft_id), reason=reason)
        async with database.worker([request.tenant]) as work:
            # A worker that gives its step this draft meanwhile has the lead, and then learns that it was dropped.
            await lead_of(work, request.tenant, request.lead_id, lock=True)
            await compositions.end(work, request.tenant, request.draft_id, "dropped", reason)

    async def _again(
        self, database: Database, request: CompositionRequest, attempts: int, why: str, after: timedelta
    ) -> None:
        """Write the draft once more, `MOST_ATTEMPTS` times in all."""
        if attempts >= MOST_ATTEMPTS:
            await self._drop(database, request, f"it was tried {attempts} times; the last time: {why}")
            return
        async with database.worker([request.tenant]) as work:
            await compositions.postpone(work, request.tenant, request.draft_id, work.now + after)


async def expire_drafts(database: Database) -> int:
    """Expire pending drafts whose time has run out."""
    async with database.worker() as work:
        rows = await store.expired(work, _EXPIRED_AT_ONCE)
    for row in rows:
        async with database.worker([row["tenant_id"]]) as work:
            await expire(work, row["tenant_id"], row["draft_id"])
    return len(rows)


async def fold_counts(database: Database) -> int:
    """Add up the numbers of drafts of tenants whose drafts have changed often."""
    async with database.worker() as work:
        tenants = await counts.tenants_to_fold(work, _FOLDED_AT_ONCE)
    for tenant in tenants:
        async with database.worker([tenant]) as work:
            await counts.fold(work, tenant)
    return len(tenants)


async def request_check_ins(database: Database) -> int:
    """Request a draft for each lead in nurture whose check-in is due."""
    async with database.worker() as work:
        rows = await check_ins.due(work, _CHECK_INS_AT_ONCE)
    for row in rows:
        async with database.worker([row["tenant_id"]]) as work:
            await request_check_in(work, row["tenant_id"], row["lead_id"])
    return len(rows)
