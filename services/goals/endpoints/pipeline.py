"""The HTTP route of the pipeline report."""

from typing import Annotated, Any

from fastapi import Query

from services.goals.schemas import PipelineView
from services.goals.use_cases import pipeline
from shared.http import Router, TenantWork, Viewer

router = Router(tags=["goals"])


@router.get("/pipeline", response_model=PipelineView)
async def show_pipeline(
    principal: Viewer,
    work: TenantWork,
    first: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    last: Annotated[str | None, Query(alias="to", max_length=40)] = None,
    timezone: Annotated[str | None, Query(max_length=100)] = None,
) -> Any:
    """How many leads are in each stage now; the moves and the median times in stage between two dates or date-times."""
    start, end = pipeline.range_of(first, last, timezone, work.now)
    return await pipeline.pipeline_report(work, principal.tenant, start, end)
