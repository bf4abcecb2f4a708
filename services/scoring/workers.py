"""What is due without an event: scores that fade, rescores after an activation, signals that nobody waits for."""

from datetime import timedelta

from services.scoring import store
from services.scoring.use_cases import Models, settle
from shared.db import Database
from shared.store import outbox
from shared.work import Step

PAGE = 1_000
_REFRESHED = 500


def refresher(models: Models) -> Step:
    """Scores whose moment has come, so that what others see is at most a minute behind."""

    async def refresh(database: Database) -> int:
        async with database.worker() as work:
            tenants = await store.due_tenants(work, _REFRESHED)
        if not tenants:
            return 0
        async with database.worker(tenants) as work:
            due = await store.claim_due(work, _REFRESHED)
            await settle(work, models, dict.fromkeys(due))
        return len(due)

    return refresh


def rescorer(models: Models) -> Step:
    """One page of the rescore that has waited longest, while the outbox is short."""

    async def rescore(database: Database) -> int:
        async with database.worker() as work:
            waiting = await store.next_rescore(work)
            if waiting is None or not await outbox.is_short(work):
                return 0
        async with database.worker([waiting["tenant_id"]]) as work:
            # As an activation does: first the lock on the models, then the rescore's row.
            await store.hold_models(work, work.tenants)
            running = await store.next_rescore(work, lock=True)
            if running is None:
                return 0
            tenant = running["tenant_id"]
            page = await store.page_of_leads(work, tenant, running["reached"], PAGE)
            await settle(work, models, dict.fromkeys(page))
            await store.progress_rescore(
                work,
                tenant,
                running["rescore_id"],
                count=len(page),
                reached=page[-1][1] if page else None,
                over=len(page) < PAGE,
            )
        return max(1, len(page))

    return rescore


def forgetter(waiting_days: float) -> Step:
    """Signals of leads that nobody captured for so many days go."""

    async def forget(database: Database) -> int:
        async with database.worker() as work:
            leads = await store.waiting_leads(work, timedelta(days=waiting_days))
        if not leads:
            return 0
        async with database.worker(tenant for tenant, _ in leads) as work:
            rows = await store.lock_leads(work, leads)
            gone = [lead for lead, row in rows.items() if row.scored_at is None]
            await store.remove_signals(work, gone)
            await store.forget(work, gone)
        return len(gone)

    return forget
