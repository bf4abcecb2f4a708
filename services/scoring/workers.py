"""Work that no event or request starts: scores that change with time, rescores, signals of never captured leads."""

from datetime import timedelta

from services.scoring import store
from services.scoring.use_cases import ModelCache, delete_uncaptured, refresh_due_scores, rescore_page
from shared.db import Database
from shared.store import outbox
from shared.work import Step

_REFRESH_PAGE = 500


def refresher(models: ModelCache) -> Step:
    """Refreshes the scores that are due, so that published scores are at most a minute old."""

    async def refresh(database: Database) -> int:
        async with database.worker() as work:
            tenants = await store.tenants_with_due_scores(work, _REFRESH_PAGE)
        if not tenants:
            return 0
        async with database.worker(tenants) as work:
            return await refresh_due_scores(work, models, _REFRESH_PAGE)

    return refresh


def rescorer(models: ModelCache) -> Step:
    """Scores one page of the rescore that has waited longest, while the outbox is short."""

    async def rescore(database: Database) -> int:
        async with database.worker() as work:
            tenant = await store.tenant_with_rescore(work)
            if tenant is None or not await outbox.is_short(work):
                return 0
        async with database.worker([tenant]) as work:
            return await rescore_page(work, models)

    return rescore


def purger(waiting_days: float) -> Step:
    """Deletes the signals of leads that were not captured within so many days of them."""

    async def purge(database: Database) -> int:
        async with database.worker() as work:
            before = work.now - timedelta(days=waiting_days)
            leads = await store.uncaptured_leads(work, before)
        if not leads:
            return 0
        async with database.worker(tenant for tenant, _ in leads) as work:
            return await delete_uncaptured(work, leads, before)

    return purge
