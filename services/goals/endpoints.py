"""HTTP routes of the goals service: translate the request, call a use case."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.goals.schemas import GoalChange, NewGoal
from services.goals.use_cases import goals, pipeline, reporting
from shared.http import Admin, Limit, Operator, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.http.idempotency import Once
from shared.http.preconditions import IfMatch, etag

router = APIRouter(tags=["goals"])


@router.get("/goals")
async def list_goals(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    """The tenant's goals with their progress, in the order of their making."""
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    items = await goals.list_goals(work, principal.tenant, after, limit)
    last = encode_cursor({"after": str(items[-1]["goal_id"])}) if len(items) == limit else None
    return {"items": items, "next_cursor": last}


@router.post("/goals", status_code=201)
async def make_goal(body: NewGoal, principal: Admin, work: TenantWork, once: Once) -> Response:
    """Make a goal. It counts from the leads that are there, and reports the period before it."""
    return await once(lambda: goals.make(work, principal.tenant, principal.actor, body))


@router.get("/goals/{goal_id}")
async def show_goal(goal_id: UUID, principal: Viewer, work: TenantWork, response: Response) -> Any:
    """One goal: value, pace, forecast, and what is missing."""
    shown = await goals.show(work, principal.tenant, goal_id)
    response.headers["ETag"] = etag(shown["version"])
    return shown


@router.patch("/goals/{goal_id}")
async def change_goal(
    goal_id: UUID,
    body: GoalChange,
    principal: Admin,
    work: TenantWork,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> Any:
    """Change what is named in the body; closed reports stay as they are."""
    service = request.app.state.service
    every = timedelta(seconds=service.settings.progress_every_seconds)
    shown = await goals.change(work, principal.tenant, goal_id, body, if_match, every)
    work.after_commit.append(lambda: service.wake("progress"))
    response.headers["ETag"] = etag(shown["version"])
    return shown


@router.post("/goals/{goal_id}/recount")
async def recount_goal(goal_id: UUID, principal: Operator, work: TenantWork) -> Any:
    """Count the goal anew from the lead rows, and compare with its live value."""
    return await goals.recount(work, principal.tenant, goal_id)


@router.get("/goals/{goal_id}/reports")
async def list_reports(
    goal_id: UUID, principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Any:
    """The closed periods of a goal, the newest first."""
    return await reporting.list_reports(work, principal.tenant, goal_id, cursor=cursor, limit=limit)


@router.get("/goals/{goal_id}/reports/{report_id}/rows", response_class=StreamingResponse)
async def report_rows(goal_id: UUID, report_id: UUID, principal: Viewer, work: TenantWork, request: Request) -> Any:
    """The rows that a report counted, as CSV."""
    report = await reporting.check_report(work, principal.tenant, goal_id, report_id)
    database = request.app.state.service.database
    name = f"goal-{goal_id}-{report['first_day']}.csv"
    return StreamingResponse(
        reporting.report_sheet(database, principal.tenant, report_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/pipeline")
async def show_pipeline(
    principal: Viewer,
    work: TenantWork,
    first: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    last: Annotated[str | None, Query(alias="to", max_length=40)] = None,
    timezone: Annotated[str | None, Query(max_length=100)] = None,
) -> Any:
    """How many leads stand in each stage now, and the moves and median stays between two dates or date-times."""
    start, end = pipeline.asked(first, last, timezone, work.now)
    return await pipeline.report(work, principal.tenant, start, end)
