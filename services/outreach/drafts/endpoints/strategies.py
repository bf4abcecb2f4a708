"""The HTTP API of strategies, by which drafts are written."""

from typing import Any

from fastapi import Depends, Response

from services.outreach.drafts.schemas import Strategies, StrategyBody
from services.outreach.drafts.schemas.views import StrategyView
from services.outreach.drafts.use_cases.strategies import all_strategies, save_strategy
from shared.db import UnitOfWork
from shared.http import Admin, Once, Page, Principal, Router, TenantWork, Viewer, large_body

router = Router(tags=["drafts"])


@router.get("/strategies")
async def list_strategies(principal: Viewer, work: TenantWork) -> Page[StrategyView]:
    """The strategies for each kind and stage."""
    return Page(items=await all_strategies(work, principal.tenant))


@router.post("/strategies", dependencies=[Depends(large_body)], status_code=201, response_model=StrategyView)
async def create_strategy(body: StrategyBody, principal: Admin, work: TenantWork, once: Once) -> Response:
    """Save a strategy for a kind in a stage, as another version."""
    return await once(lambda: _save(work, principal, body))


@router.put("/strategies", dependencies=[Depends(large_body)])
async def replace_strategies(body: Strategies, principal: Admin, work: TenantWork) -> Page[StrategyView]:
    """Save several strategies at once, each as another version; all present strategies."""
    for each in body.items:
        await _save(work, principal, each)
    return Page(items=await all_strategies(work, principal.tenant))


async def _save(work: UnitOfWork, principal: Principal, body: StrategyBody) -> dict[str, Any]:
    given = body.model_dump(exclude={"kind", "stage"}, exclude_none=True)
    return await save_strategy(work, principal.tenant, body.kind, body.stage, given, principal.actor)
