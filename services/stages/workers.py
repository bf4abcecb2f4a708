"""The workers: they fire timers, apply new settings, and delete signals that waited too long for their lead."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from services.stages.store import leads, settings, waiting
from services.stages.use_cases.lead_batch import LeadBatch
from shared.db import Database, DatabaseError
from shared.ids import LeadKey
from shared.store import outbox
from shared.work import Step

log = structlog.get_logger()

PAGE = 200
"""Leads that one transaction of a worker changes, at the most."""

RETRY_AFTER = timedelta(minutes=10)


async def fire_timers(database: Database) -> int:
    """Fire the timers that are due (a meeting passed, a lead went quiet); the number of leads read.

    Two replicas may read the same lead. The lock lets one of them wait, and then its timer is not due any more.
    """
    async with database.worker() as work:
        due = await leads.with_due_timer(work, PAGE)
    if not due:
        return 0
    try:
        await _fire(database, due)
    except DatabaseError:
        raise
    except Exception as error:
        log.error("timers.page_failed", leads=len(due), exc_info=error)
        await _fire_each(database, due)
    return len(due)


async def _fire(database: Database, keys: Sequence[LeadKey]) -> None:
    async with database.worker(tenant for tenant, _ in keys) as work:
        batch = await LeadBatch.lock(work, keys)
        await batch.apply_signals({})


async def _fire_each(database: Database, keys: Sequence[LeadKey]) -> None:
    """Fire the timers of each lead in its own transaction: a lead that fails is retried later, and delays no other."""
    for key in keys:
        try:
            await _fire(database, [key])
        except DatabaseError:
            raise
        except Exception as error:
            log.error("timers.lead_failed", tenant=key[0], lead=str(key[1]), exc_info=error)
            async with database.worker([key[0]]) as work:
                await leads.postpone_timer(work, key, RETRY_AFTER)


async def apply_settings(database: Database) -> int:
    """Recompute the timers of a page of leads by their tenant's new settings; the number of leads.

    A shorter quiet period may be over at once.
    """
    async with database.worker() as work:
        tenant = await settings.tenant_to_apply(work)
        if tenant is None or not await outbox.is_short(work):
            return 0
    async with database.worker([tenant]) as work:
        version = await settings.lease_version(work, tenant)
        if version is None:
            return 0
        page = await leads.in_quiet_stages(work, tenant, version["reached"], PAGE)
        batch = await LeadBatch.lock(work, page)
        await batch.apply_signals({})
        over = len(page) < PAGE
        reached = page[-1][1] if page else None
        await settings.store_progress(work, tenant, version["valid_from"], reached=reached, over=over)
    return max(1, len(page))


def delete_uncaptured(days: float) -> Step:
    """A step that deletes leads that were not captured within so many days, with the signals that waited for them."""

    async def step(database: Database) -> int:
        async with database.worker() as work:
            tenants = await waiting.tenants_with_uncaptured(work, days, PAGE)
        if not tenants:
            return 0
        async with database.worker(tenants) as work:
            return await waiting.delete_uncaptured(work, days, PAGE)

    return step
