"""Composes what is due, lets drafts expire, and remembers the check-ins of nurture."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from services.outreach.drafts import store
from services.outreach.drafts.rules import NURTURE_EVERY
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases import composing, voiding
from services.outreach.drafts.use_cases.writing import Composer
from services.outreach.store import settings_of
from shared.db import Database
from shared.errors import Invalid
from shared.ids import uuid7

log = structlog.get_logger()

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ComposeDue:
    """Writes the drafts that are asked for, several at a time. `lease`: seconds that writing one may take."""

    composer: Composer
    sender: composing.Sender
    lease: float

    async def step(self, database: Database) -> int:
        async with database.worker() as work:
            due = await compositions.due(work, _AT_ONCE)
        await asyncio.gather(*(self.one(database, row["tenant_id"], row["draft_id"]) for row in due))
        return len(due)

    async def one(self, database: Database, tenant: str, draft_id: UUID) -> None:
        """Three steps: gather (committed), write (outside any transaction), save (committed)."""
        try:
            async with database.worker([tenant]) as work:
                row = await compositions.lease(work, tenant, draft_id, timedelta(seconds=self.lease))
                if row is None:
                    return
                job = await composing.gather(work, row, self.sender)
            text = await self.composer.write(database, job.task, tenant)
            async with database.worker([tenant]) as work:
                await composing.save(work, job, text, self.sender)
        except (composing.Dropped, Invalid) as reason:
            said = reason.detail if isinstance(reason, Invalid) else str(reason)
            log.info("draft.dropped", tenant=tenant, draft_id=str(draft_id), reason=said)
            async with database.worker([tenant]) as work:
                await compositions.end(work, tenant, draft_id, "dropped", said)


async def expire(database: Database) -> int:
    """Pending drafts past their time."""
    async with database.worker() as work:
        rows = await work.fetch(
            "SELECT tenant_id, draft_id FROM draft WHERE state = 'pending' AND expires_at <= :now LIMIT 200",
            now=work.now,
        )
    for row in rows:
        async with database.worker([row["tenant_id"]]) as work:
            draft = await store.get(work, row["tenant_id"], row["draft_id"], lock=True)
            if draft is not None and draft["state"] == "pending" and draft["expires_at"] <= work.now:
                await voiding.expire(work, draft)
    return len(rows)


async def check_in(database: Database) -> int:
    """Leads in nurture whose next check-in is due: a draft each, and the next one in thirty days."""
    async with database.worker() as work:
        rows = await work.fetch(
            "SELECT tenant_id, lead_id FROM lead WHERE nurture_due <= :now ORDER BY nurture_due LIMIT 100", now=work.now
        )
    for row in rows:
        await _check_in(database, row["tenant_id"], row["lead_id"])
    return len(rows)


async def _check_in(database: Database, tenant: str, lead_id: UUID) -> None:
    async with database.worker([tenant]) as work:
        lead: Any = await work.fetch_one(
            "SELECT stage, nurture_due FROM lead WHERE tenant_id = :tenant AND lead_id = :lead FOR UPDATE",
            tenant=tenant,
            lead=lead_id,
        )
        if lead is None or lead["nurture_due"] is None or lead["nurture_due"] > work.now:
            return
        stays = lead["stage"] == "nurture"
        await work.run(
            "UPDATE lead SET nurture_due = :due WHERE tenant_id = :tenant AND lead_id = :lead",
            due=work.now + NURTURE_EVERY if stays else None,
            tenant=tenant,
            lead=lead_id,
        )
        if stays and (await settings_of(work, tenant)).comes_by_itself("nurture"):
            cause_id = f"nurture:{lead['nurture_due'].isoformat()}"
            agent = "agent:composer"
            wanted = compositions.Wanted(tenant, uuid7(), lead_id, "nurture", "nurture", cause_id, work.now, agent)
            await compositions.want(work, [wanted])
