"""Routes for reading one lead: its state, timeline, explanation, meetings."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from services.stages.endpoints.views import activity_view, lead_views
from services.stages.rules import explain
from services.stages.schemas.answers import ActivityView, ExplanationView, IgnoredSignal, LeadView, MeetingView
from services.stages.store import leads, settings, timeline
from shared.http import Limit, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor, etag
from shared.http.pages import listed, moment, number, text
from shared.store.aliases import aliases_of

router = Router(tags=["stages"])


@router.get("/leads/{lead_id}", response_model_exclude_unset=True)
async def read_lead(lead_id: UUID, principal: Viewer, work: TenantWork, response: Response) -> LeadView:
    """One lead: its stage, score, owner, checklist and next action."""
    record = await leads.get(work, lead_id)
    response.headers["ETag"] = etag(record.revision)
    return (await lead_views(work, [record]))[0]


@router.get("/leads/{lead_id}/timeline")
async def read_timeline(
    lead_id: UUID,
    principal: Viewer,
    work: TenantWork,
    type: Annotated[list[str] | None, Query()] = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[ActivityView]:
    """The activities of a lead, the newest first; filtered by one type or several."""
    record = await leads.get(work, lead_id)
    ids = [record.lead_id, *(await aliases_of(work, [record.key]))[record.key]]
    rows = await timeline.page(work, ids, types=listed(type) or None, before=_position(cursor), limit=limit + 1)
    replies = {row["data"]["reply_id"] for row in rows if row["type"] == "reply.received" and "reply_id" in row["data"]}
    labels: dict[str, list[Any]] = defaultdict(list)
    if replies:
        for label in await timeline.labels(work, ids, sorted(replies)):
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
async def read_explanation(lead_id: UUID, principal: Viewer, work: TenantWork) -> ExplanationView:
    """Why the lead is in its stage, which signals were ignored and why, and what would move the lead."""
    record = await leads.get(work, lead_id)
    explained = explain(record.journey, await settings.history(work), work.now)
    rows = await timeline.page(work, [record.lead_id], types=["ignored"], before=None, limit=100, superseded=False)
    ignored = [
        IgnoredSignal(event_id=row["caused_by"], type=row["data"]["type"], reason=row["data"]["reason"]) for row in rows
    ]
    return ExplanationView(stage=record.journey.stage, ignored=ignored, **explained)


@router.get("/leads/{lead_id}/meetings")
async def list_meetings(
    lead_id: UUID, principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[MeetingView]:
    """The lead's meetings, by their start."""
    record = await leads.get(work, lead_id)
    meetings = sorted((each.starts_at, id, each) for id, each in record.journey.meetings.items())
    if cursor is not None:
        after = decode_cursor(cursor, starts_at=moment, meeting_id=text)
        meetings = [each for each in meetings if each[:2] > (after["starts_at"], after["meeting_id"])]
    items = [
        MeetingView(meeting_id=id, starts_at=starts, ends_at=each.ends_at, state=each.state, title=each.title)
        for starts, id, each in meetings[:limit]
    ]
    more = len(meetings) > limit
    last = (
        encode_cursor({"starts_at": items[-1].starts_at.isoformat(), "meeting_id": items[-1].meeting_id})
        if more
        else None
    )
    return Page(items=items, next_cursor=last)


def _position(cursor: str | None) -> tuple[datetime, int, UUID] | None:
    if not cursor:
        return None
    position = decode_cursor(cursor, at=moment, position=number, digest=UUID)
    return position["at"], position["position"], position["digest"]
