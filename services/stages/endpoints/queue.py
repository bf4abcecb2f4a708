"""Routes for lists: the queue, the alerts of leads that became hot, and the events that wait for their lead."""

from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query, Request
from pydantic import BeforeValidator

from services.stages.endpoints.views import lead_views
from services.stages.rules import STATUSES, Stage, owner_of
from services.stages.schemas.answers import AlertView, LeadView, WaitingEvent
from services.stages.store import alerts, queue, waiting
from shared.errors import Invalid
from shared.http import Limit, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.http.pages import listed, moment, number

router = Router(tags=["stages"])

T = TypeVar("T")
Chosen = Annotated[T | None, BeforeValidator(lambda given: None if given == "" else given)]
"""A parameter that chooses nothing when it is empty, as a form sends it that was not filled in."""


@router.get("/queue", response_model_exclude_unset=True)
async def read_queue(
    principal: Viewer,
    work: TenantWork,
    stage: Annotated[list[str] | None, Query()] = None,
    status: Chosen[str] = None,
    source: Chosen[str] = None,
    campaign: Chosen[str] = None,
    band: Chosen[str] = None,
    owner: Chosen[str] = None,
    hot: Chosen[bool] = None,
    limit: Limit = 50,
    cursor: Chosen[str] = None,
) -> Page[LeadView]:
    """Leads by score, then by last activity, then by id, all descending; `stage=any` lists all stages.

    An empty parameter is no filter.
    """
    named = listed(stage)
    filters = queue.Filters(
        stages=[_stage(name) for name in named if name != "any"],
        any_stage="any" in named,
        status=_one_of("status", status, STATUSES),
        source=source,
        campaign=campaign,
        band=_one_of("band", band, ("A", "B", "C", "D")),
        owner=owner_of(owner),
        hot=hot,
    )
    found = await queue.page(work, filters, after=_position(cursor), limit=limit)
    views = await lead_views(work, found.items)
    return Page(items=views, next_cursor=_cursor(found.next))


@router.get("/alerts")
async def list_alerts(
    principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[AlertView]:
    """Leads that became hot, the newest first."""
    before = None
    if cursor:
        position = decode_cursor(cursor, at=moment, id=UUID)
        before = (position["at"], position["id"])
    rows = await alerts.page(work, before=before, limit=limit)
    more = None
    if len(rows) == limit:
        more = encode_cursor({"at": rows[-1]["at"].isoformat(), "id": str(rows[-1]["alert_id"])})
    return Page(items=[AlertView(**row) for row in rows], next_cursor=more)


@router.get("/waiting")
async def list_waiting(
    principal: Viewer,
    work: TenantWork,
    request: Request,
    lead_id: UUID | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[WaitingEvent]:
    """Events about leads that are not captured. They count once the lead is captured, or are deleted after 30 days."""
    after = None
    if cursor:
        position = decode_cursor(cursor, lead=UUID, digest=UUID)
        after = (position["lead"], position["digest"])
    days = request.app.state.service.settings.waiting_days
    rows = await waiting.page(work, days, lead_id=lead_id, after=after, limit=limit)
    more = None
    if len(rows) == limit:
        more = encode_cursor({"lead": str(rows[-1]["lead_id"]), "digest": str(rows[-1]["digest"])})
    return Page(items=[WaitingEvent(**row) for row in rows], next_cursor=more)


def _stage(name: str) -> str:
    _one_of("stage", name, tuple(stage.value for stage in Stage))
    return name


def _one_of(field: str, value: str | None, known: tuple[str, ...]) -> str | None:
    if value is not None and value not in known:
        raise Invalid(
            f"{field} is one of {', '.join(known)}", [{"field": field, "message": f"one of {', '.join(known)}"}]
        )
    return value


def _position(cursor: str | None) -> queue.Position | None:
    if cursor is None:
        return None
    position = decode_cursor(cursor, score=number, at=moment, lead=UUID)
    return position["score"], position["at"], position["lead"]


def _cursor(position: queue.Position | None) -> str | None:
    if position is None:
        return None
    score, at, lead = position
    return encode_cursor({"score": score, "at": at.isoformat(), "lead": str(lead)})
