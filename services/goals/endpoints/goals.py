"""HTTP routes of goals."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from services.goals.schemas import GoalChange, GoalView, NewGoal, RecountView, WholeGoalView
from services.goals.use_cases import goals
from shared.http import Admin, Limit, Operator, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.http.idempotency import Once
from shared.http.preconditions import IfMatch, etag

router = Router(tags=["goals"])


@router.get("/goals", response_model=Page[GoalView], response_model_exclude_unset=True)
async def list_goals(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    """The tenant's goals with their progress, in the order of their creation."""
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    items = await goals.list_goals(work, principal.tenant, after, limit)
    last = encode_cursor({"after": str(items[-1]["goal_id"])}) if len(items) == limit else None
    return {"items": items, "next_cursor": last}


@router.post("/goals", status_code=201, response_model=WholeGoalView)
async def make_goal(body: NewGoal, principal: Admin, work: TenantWork, once: Once) -> Response:
    """Create a goal. It counts the leads that exist already, and reports the period before it."""
    return await once(lambda: goals.create_goal(work, principal.tenant, principal.actor, body))


@router.get("/goals/{goal_id}", response_model=WholeGoalView, response_model_exclude_unset=True)
async def show_goal(goal_id: UUID, principal: Viewer, work: TenantWork, response: Response) -> Any:
    """One goal: value, pace, forecast, and what is missing to its target."""
    shown = await goals.show_goal(work, principal.tenant, goal_id)
    response.headers["ETag"] = etag(shown["version"])
    return shown


@router.patch("/goals/{goal_id}", response_model=WholeGoalView, response_model_exclude_unset=True)
async def change_goal(
    goal_id: UUID,
    body: GoalChange,
    principal: Admin,
    work: TenantWork,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> Any:
    """Change the fields that the body names; closed reports stay as they are. While a period that has ended has events
    that are not counted yet, what would change its report is answered 503."""
    service = request.app.state.service
    every = timedelta(seconds=service.settings.progress_every_seconds)
    shown = await goals.change_goal(work, principal.tenant, goal_id, body, if_match, every, service.has_read)
    work.after_commit.append(lambda: service.wake("progress"))
    response.headers["ETag"] = etag(shown["version"])
    return shown


@router.post("/goals/{goal_id}/recount", response_model=RecountView)
async def recount_goal(goal_id: UUID, principal: Operator, work: TenantWork) -> Any:
    """Count the goal from the records of leads, and compare the result with its live value."""
    return await goals.recount(work, principal.tenant, goal_id)
