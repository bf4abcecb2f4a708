"""The HTTP API of the stage service, what people do: moves, checklist, meetings, notes, owner."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ValidationError

from services.stages.schemas import BulkMove, BulkMoves, LeadView, Meeting, Move, Note, Owner, Tick
from services.stages.store.leads import Standing
from services.stages.use_cases import people
from services.stages.views import lead_views
from shared.db import UnitOfWork
from shared.errors import Invalid, LeadflowError, NotFound
from shared.events.envelope import errors_of
from shared.http import IfMatch, Once, Reviewer, TenantWork, etag

router = APIRouter(tags=["stages"])


@router.put("/leads/{lead_id}/stage")
async def set_stage(
    lead_id: UUID, body: Move, principal: Reviewer, work: TenantWork, response: Response, if_match: IfMatch = None
) -> LeadView:
    """Move a lead by hand, from any stage to any other but out of dead."""
    wish = people.Wish(lead_id, body.stage, body.note, body.disqualification_reason)
    return await _answer(work, response, await people.move(work, principal, wish, if_match=if_match))


@router.put("/leads/{lead_id}/checklist/{item}")
async def tick_item(
    lead_id: UUID, item: str, body: Tick, principal: Reviewer, work: TenantWork, response: Response
) -> LeadView:
    """Tick or untick an item of the qualification checklist."""
    standing = await people.tick(work, principal, lead_id, item, body.ticked, body.evidence)
    return await _answer(work, response, standing)


@router.post("/leads/{lead_id}/meetings", status_code=201)
async def book_meeting(lead_id: UUID, body: Meeting, principal: Reviewer, work: TenantWork, once: Once) -> Response:
    """Put a meeting on the calendar."""

    async def run() -> dict[str, str]:
        return {
            "meeting_id": await people.book(
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


@router.delete("/leads/{lead_id}/meetings/{meeting_id}", status_code=204)
async def cancel_meeting(lead_id: UUID, meeting_id: str, principal: Reviewer, work: TenantWork) -> None:
    """Cancel a meeting."""
    await people.cancel(work, principal, lead_id, meeting_id)


@router.post("/leads/{lead_id}/notes", status_code=201)
async def add_note(lead_id: UUID, body: Note, principal: Reviewer, work: TenantWork, once: Once) -> Response:
    """Write a note into the timeline."""

    async def run() -> dict[str, UUID]:
        return {"id": await people.note(work, principal, lead_id, body.text)}

    return await once(run)


@router.put("/leads/{lead_id}/owner")
async def set_owner(lead_id: UUID, body: Owner, principal: Reviewer, work: TenantWork, response: Response) -> LeadView:
    """Give a lead to somebody."""
    return await _answer(work, response, await people.assign(work, principal, lead_id, body.owner))


@router.post("/moves")
async def move_leads(body: BulkMoves, principal: Reviewer, work: TenantWork) -> dict[str, Any]:
    """Move up to 1,000 leads by hand, with a result for each."""
    wishes = [_wish(item) for item in body.items]
    moved = iter(await people.move_many(work, principal, [each for each in wishes if isinstance(each, people.Wish)]))
    results = [next(moved) if isinstance(wish, people.Wish) else wish for wish in wishes]
    return {
        "results": [
            {"lead_id": item.get("lead_id"), "status": result.status, "error": result.detail}
            if isinstance(result, LeadflowError)
            else {"lead_id": item["lead_id"], "status": 200, "stage": result.journey.stage.value}
            for item, result in zip(body.items, results, strict=True)
        ]
    }


def _wish(item: dict[str, Any]) -> people.Wish | LeadflowError:
    """What an item of a bulk move asks for, or what is wrong with it."""
    try:
        read = BulkMove.model_validate(item)
    except ValidationError as error:
        problems = errors_of(error)
        if any(problem["field"] == "lead_id" for problem in problems):
            return NotFound("there is no such lead")
        return Invalid("; ".join(f"{problem['field']}: {problem['message']}" for problem in problems))
    return people.Wish(read.lead_id, read.stage, read.note, read.disqualification_reason)


async def _answer(work: UnitOfWork, response: Response, standing: Standing) -> LeadView:
    response.headers["ETag"] = etag(standing.revision)
    return (await lead_views(work, [standing]))[0]
