"""Composes requested drafts, expires drafts, and requests the nurture check-ins that are due."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from services.outreach.drafts import store
from services.outreach.drafts.store import check_ins, compositions, counts
from services.outreach.drafts.use_cases import composition
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.check_ins import request_check_in
from services.outreach.drafts.use_cases.composer import Composer
from services.outreach.drafts.use_cases.expiry import expire
from shared.db import Database
from shared.errors import Invalid

log = structlog.get_logger()

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
        await asyncio.gather(*(self._compose(database, row["tenant_id"], row["draft_id"]) for row in due))
        return len(due)

    async def _compose(self, database: Database, tenant: str, draft_id: UUID) -> None:
        """Prepare (committed), write outside any transaction, save (committed)."""
        try:
            async with database.worker([tenant]) as work:
                request = await compositions.lease(work, tenant, draft_id, timedelta(seconds=self.lease))
                if request is None:
                    return
                prepared = await composition.prepare(work, request, self.sender)
            text = await self.composer.write(database, prepared.task, tenant)
            async with database.worker([tenant]) as work:
                await composition.save(work, prepared, text, self.sender)
        except (composition.CompositionDropped, Invalid) as error:
            reason = error.detail if isinstance(error, Invalid) else str(error)
            log.info("draft.dropped", tenant=tenant, draft_id=str(draft_id), reason=reason)
            async with database.worker([tenant]) as work:
                await compositions.end(work, tenant, draft_id, "dropped", reason)


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
