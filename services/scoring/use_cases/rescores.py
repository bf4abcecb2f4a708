"""Rescores: all leads of a tenant are scored by its new model, page by page."""

from typing import Any
from uuid import UUID

from services.scoring import store
from services.scoring.use_cases.model_cache import ModelCache
from services.scoring.use_cases.scores import recompute_scores
from shared.db import UnitOfWork
from shared.errors import NotFound

PAGE = 1_000
"""Leads."""


async def rescore_page(work: UnitOfWork, models: ModelCache) -> int:
    """Score the next page of leads of the running rescore of this transaction's tenant.

    The number of leads, at least 1; 0 if there is no rescore, or another replica is working on it.
    """
    # The same order of locks as in an activation: first the models, then the rescore.
    await store.lock_models(work, work.tenants)
    running = await store.lock_rescore(work)
    if running is None:
        return 0
    tenant = running["tenant_id"]
    page = await store.leads_page(work, tenant, running["reached"], PAGE)
    await recompute_scores(work, models, dict.fromkeys(page))
    await store.record_progress(
        work,
        tenant,
        running["rescore_id"],
        count=len(page),
        reached=page[-1][1] if page else None,
        finished=len(page) < PAGE,
    )
    return max(1, len(page))


async def read_rescore(work: UnitOfWork, tenant: str, rescore_id: UUID) -> dict[str, Any]:
    """A rescore with its progress. Raises NotFound."""
    row = await store.read_rescore(work, tenant, rescore_id)
    if row is None:
        raise NotFound("there is no such rescore")
    return dict(row)
