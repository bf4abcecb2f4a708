"""Routes for manual changes: moves, checklist, meetings, notes, owner."""

from typing import Any
from uuid import UUID

from fastapi import Depends, Response

from services.stages.endpoints.views import lead_views
from services.stages.schemas.answers import AddedNote, BookedMeeting, LeadView, MoveResult, MoveResults
from services.stages.schemas.requests import (
    BulkMoveItem,
    BulkMovesBody,
    MeetingBody,
    MoveBody,
    NoteBody,
    OwnerBody,
    TickBody,
)
from services.stages.store.leads import LeadRecord
from services.stages.use_cases import manual_changes
from services.stages.use_cases.manual_changes import MoveRequest
from shared.db import UnitOfWork
from shared.errors import LeadflowError
from shared.http import IfMatch, Once, Reviewer, Router, TenantWork, etag, large_body
from shared.http.bulk_items import named, read_item

router = Router(tags=["stages"])


@router.put("/leads/{lead_id}/stage", response_model_exclude_unset=True)
async def set_stage(
    lead_id: UUID, body: MoveBody, principal: Reviewer, work: TenantWork, response: Response, if_match: IfMatch = None
) -> LeadView:
    """Move a lead by hand, from any stage to any other, except out of dead."""
    request = MoveRequest(lead_id, body.stage, body.note, body.disqualification_reason)
    record = await manual_changes.move_lead(work, principal, request, if_match=if_match)
    return await _answer(work, response, record)


@router.put("/leads/{lead_id}/checklist/{item}", response_model_exclude_unset=True)
async def tick_item(
    lead_id: UUID, item: str, body: TickBody, principal: Reviewer, work: TenantWork, response: Response
) -> LeadView:
    """Tick or untick an item of the qualification checklist."""
    record = await manual_changes.tick_item(work, principal, lead_id, item, body.ticked, body.evidence)
    return await _answer(work, response, record)


@router.post("/leads/{lead_id}/meetings", status_code=201, response_model=BookedMeeting)
async def book_meeting(lead_id: UUID, body: MeetingBody, principal: Reviewer, work: TenantWork, once: Once) -> Response:
    """Book a meeting."""

    async def run() -> dict[str, str]:
        return {
            "meeting_id": await manual_changes.book_meeting(
                work,
                principal,
                lead_id,
                starts_at=body.starts_at,
                ends_at=body.ends_at,
                title=body.title,
                meeting_id=body.meeting_id,
            )
        }

    return await once(run)


@router.delete("/leads/{lead_id}/meetings/{meeting_id:path}", status_code=204)
async def cancel_meeting(lead_id: UUID, meeting_id: str, principal: Reviewer, work: TenantWork) -> None:
    """Cancel a meeting."""
    await manual_changes.cancel_meeting(work, principal, lead_id, meeting_id)


@router.post("/leads/{lead_id}/notes", status_code=201, response_model=AddedNote)
async def add_note(lead_id: UUID, body: NoteBody, principal: Reviewer, work: TenantWork, once: Once) -> Response:
    """Add a note to the timeline."""

    async def run() -> dict[str, UUID]:
        return {"id": await manual_changes.add_note(work, principal, lead_id, body.text)}

    return await once(run)


@router.put("/leads/{lead_id}/owner", response_model_exclude_unset=True)
async def set_owner(
    lead_id: UUID, body: OwnerBody, principal: Reviewer, work: TenantWork, response: Response
) -> LeadView:
    """Set the owner of a lead."""
    record = await manual_changes.assign_owner(work, principal, lead_id, body.owner)
    return await _answer(work, response, record)


@router.post("/moves", dependencies=[Depends(large_body)], response_model_exclude_unset=True)
async def move_leads(body: BulkMovesBody, principal: Reviewer, work: TenantWork) -> MoveResults:
    """Move up to 1,000 leads by hand, with a result for each."""
    requests = [_move_request(item) for item in body.items]
    valid = [each for each in requests if isinstance(each, MoveRequest)]
    moved = iter(await manual_changes.move_leads(work, principal, valid))
    results = [next(moved) if isinstance(each, MoveRequest) else each for each in requests]
    return MoveResults(
        results=[
            MoveResult(lead_id=named(item, "lead_id"), status=result.status, error=result.detail)
            if isinstance(result, LeadflowError)
            else MoveResult(lead_id=item["lead_id"], status=200, stage=result.journey.stage)
            for item, result in zip(body.items, results, strict=True)
        ]
    )


def _move_request(item: dict[str, Any]) -> MoveRequest | LeadflowError:
    """The move that an item requests, or the error that refuses it."""
    read = read_item(BulkMoveItem, item, "lead_id", "there is no such lead")
    if isinstance(read, LeadflowError):
        return read
    return MoveRequest(read.lead_id, read.stage, read.note, read.disqualification_reason)


async def _answer(work: UnitOfWork, response: Response, record: LeadRecord) -> LeadView:
    response.headers["ETag"] = etag(record.revision)
    return (await lead_views(work, [record]))[0]
