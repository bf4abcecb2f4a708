"""The HTTP API of the stage service, what people look at: the queue, a lead and its timeline, the rules."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.stages.rules import KINDS, MEANINGS, RULES, STATUSES, Stage, explain, status_of, title_of
from services.stages.rules.diagram import mermaid, table
from services.stages.schemas import ActivityView, LeadView
from services.stages.store import activities, alerts, queue, settings
from services.stages.use_cases import people
from services.stages.views import activity_view, lead_views
from shared.errors import Invalid
from shared.http import Limit, Page, TenantWork, Viewer, decode_cursor, encode_cursor, etag
from shared.http.pages import moment, number

router = APIRouter(tags=["stages"])


@router.get("/queue")
async def read_queue(
    principal: Viewer,
    work: TenantWork,
    stage: Annotated[list[str] | None, Query()] = None,
    status: str | None = None,
    source: str | None = None,
    campaign: str | None = None,
    band: str | None = None,
    owner: str | None = None,
    hot: bool | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[LeadView]:
    """Leads by score, then by last activity, then by id, all descending; `stage=any` lists all stages."""
    filters = queue.Filters(
        stages=_stages(stage),
        any_stage=stage is not None and "any" in stage,
        status=_one_of("status", status, STATUSES),
        source=source,
        campaign=campaign,
        band=_one_of("band", band, ("A", "B", "C", "D")),
        owner=owner,
        hot=hot,
    )
    found = await queue.page(work, filters, behind=_queue_position(cursor), limit=limit)
    views = await lead_views(work, found.items)
    return Page(items=views, next_cursor=_queue_cursor(found.next))


@router.get("/leads/{lead_id}")
async def read_lead(lead_id: UUID, principal: Viewer, work: TenantWork, response: Response) -> LeadView:
    """Where a lead stands."""
    standing = await people.present(work, lead_id)
    response.headers["ETag"] = etag(standing.revision)
    return (await lead_views(work, [standing]))[0]


@router.get("/leads/{lead_id}/timeline")
async def read_timeline(
    lead_id: UUID,
    principal: Viewer,
    work: TenantWork,
    type: Annotated[list[str] | None, Query()] = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[ActivityView]:
    """What happened to a lead, the newest first; filtered by one type or several."""
    standing = await people.present(work, lead_id)
    ids = await activities.ids_of(work, standing.lead_id)
    types = [part for each in type for part in each.split(",")] if type else None
    rows = await activities.page(work, ids, types=types, before=_timeline_position(cursor), limit=limit + 1)
    replies = {row["data"]["reply_id"] for row in rows if row["type"] == "reply.received" and "reply_id" in row["data"]}
    labels: dict[str, list[Any]] = defaultdict(list)
    if replies:
        for label in await activities.labels(work, ids, sorted(replies)):
            labels[label["data"]["reply_id"]].append(label)
    items = [
        activity_view(row, labels.get(row["data"].get("reply_id"), ()) if row["type"] == "reply.received" else ())
        for row in rows[:limit]
    ]
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = encode_cursor(
            {"at": last["occurred_at"].isoformat(), "position": last["position"], "digest": str(last["digest"])}
        )
    return Page(items=items, next_cursor=more)


@router.get("/leads/{lead_id}/explanation")
async def read_explanation(lead_id: UUID, principal: Viewer, work: TenantWork) -> dict[str, Any]:
    """Why the lead stands where it stands, what was ignored and why, and what would move it."""
    standing = await people.present(work, lead_id)
    history = (await settings.histories(work, [principal.tenant]))[principal.tenant]
    explained = explain(standing.journey, history, work.now)
    rows = await activities.page(work, [standing.lead_id], types=["ignored"], before=None, limit=100)
    ignored = [
        {"event_id": row["caused_by"], "type": row["data"]["type"], "reason": row["data"]["reason"]}
        for row in rows
        if not row["superseded"]
    ]
    return {
        "stage": standing.journey.stage.value,
        "because": explained["because"],
        "ignored": ignored,
        "would_move": explained["would_move"],
    }


@router.get("/leads/{lead_id}/meetings")
async def list_meetings(lead_id: UUID, principal: Viewer, work: TenantWork) -> Page[dict[str, Any]]:
    """The lead's meetings, by their beginning."""
    standing = await people.present(work, lead_id)
    meetings = sorted(standing.journey.meetings.items(), key=lambda pair: (pair[1].starts_at, pair[0]))
    return Page(
        items=[
            {
                "meeting_id": id,
                "starts_at": each.starts_at,
                "ends_at": each.ends_at,
                "state": each.state,
                "title": each.title,
            }
            for id, each in meetings
        ]
    )


@router.get("/stages")
async def read_stages(principal: Viewer) -> dict[str, Any]:
    """The stages, the rules that move leads between them, their table (Markdown) and the diagram (Mermaid)."""
    return {
        "stages": [
            {
                "stage": stage.value,
                "title": title_of(stage),
                "kind": KINDS[stage],
                "status": status_of(stage, True),
                "meaning": MEANINGS[stage],
            }
            for stage in Stage
        ],
        "rules": [
            {
                "id": rule.id,
                "from": [stage.value for stage in Stage if stage in rule.from_],
                "signal": rule.signal,
                "to": rule.to.value,
                "reason": rule.reason,
            }
            for rule in RULES
        ],
        "table": table(),
        "diagram": mermaid(),
    }


@router.get("/alerts")
async def list_alerts(
    principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """Leads that became hot, the newest first."""
    before = None
    if cursor:
        position = decode_cursor(cursor, at=moment, id=UUID)
        before = (position["at"], position["id"])
    rows = await alerts.page(work, before=before, limit=limit)
    more = None
    if len(rows) == limit:
        more = encode_cursor({"at": rows[-1]["at"].isoformat(), "id": str(rows[-1]["alert_id"])})
    return Page(items=[dict(row) for row in rows], next_cursor=more)


def _stages(given: list[str] | None) -> list[str]:
    names = [part for each in given or () for part in each.split(",") if part and part != "any"]
    for name in names:
        _one_of("stage", name, tuple(stage.value for stage in Stage))
    return names


def _one_of(field: str, value: str | None, known: tuple[str, ...]) -> str | None:
    if value is not None and value not in known:
        raise Invalid(
            f"{field} is one of {', '.join(known)}", [{"field": field, "message": f"one of {', '.join(known)}"}]
        )
    return value


def _queue_position(cursor: str | None) -> queue.Position | None:
    if cursor is None:
        return None
    position = decode_cursor(cursor, score=number, at=moment, lead=UUID)
    return position["score"], position["at"], position["lead"]


def _queue_cursor(position: queue.Position | None) -> str | None:
    if position is None:
        return None
    score, at, lead = position
    return encode_cursor({"score": score, "at": at.isoformat(), "lead": str(lead)})


def _timeline_position(cursor: str | None) -> tuple[datetime, int, UUID] | None:
    if cursor is None:
        return None
    position = decode_cursor(cursor, at=moment, position=number, digest=UUID)
    return position["at"], position["position"], position["digest"]
