"""The HTTP API of enrolments: what each lead is in, what it will get, and what people change about it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request

from services.outreach.context import context_of
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.review import person
from services.outreach.sequences import schemas
from services.outreach.sequences.schemas import views
from services.outreach.sequences.store import changes as history
from services.outreach.sequences.store import enrolments, steps
from services.outreach.sequences.use_cases import changes
from services.outreach.sequences.use_cases import preview as previews
from services.outreach.store import lead_ids_of, lead_of
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.http import Limit, Page, Reviewer, Router, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.store.aliases import resolve

router = Router(tags=["enrolments"])


async def _view(work: UnitOfWork, tenant: str, enrolment_id: UUID) -> views.EnrolmentView:
    stored = await changes.get(work, tenant, enrolment_id)
    return views.enrolment_view(
        stored,
        await steps.steps_of(work, tenant, enrolment_id),
        await history.of_enrolment(work, tenant, enrolment_id),
    )


@router.get("/enrolments/{enrolment_id}")
async def read_enrolment(enrolment_id: UUID, principal: Viewer, work: TenantWork) -> views.EnrolmentView:
    """An enrolment with what became of each step, and with its history."""
    return await _view(work, principal.tenant, enrolment_id)


@router.delete("/enrolments/{enrolment_id}")
async def exit_enrolment(
    enrolment_id: UUID,
    principal: Reviewer,
    work: TenantWork,
    note: Annotated[str | None, Query(min_length=1, max_length=2_000)] = None,
) -> views.EnrolmentView:
    """End an enrolment by hand. It stays readable; one that has ended stays as it is."""
    await changes.exit_by_hand(work, principal.tenant, enrolment_id, person(principal), note)
    return await _view(work, principal.tenant, enrolment_id)


@router.post("/enrolments/{enrolment_id}/pause")
async def pause_enrolment(
    enrolment_id: UUID, principal: Reviewer, work: TenantWork, body: schemas.Pause | None = None
) -> views.EnrolmentView:
    """Pause an enrolment until a moment, or until somebody resumes it. 409 once it has ended."""
    body = body or schemas.Pause()
    await changes.pause(work, principal.tenant, enrolment_id, person(principal), body.until, body.note)
    return await _view(work, principal.tenant, enrolment_id)


@router.post("/enrolments/{enrolment_id}/resume")
async def resume_enrolment(
    enrolment_id: UUID, principal: Reviewer, work: TenantWork, request: Request, body: schemas.Noted | None = None
) -> views.EnrolmentView:
    """Go on with a paused enrolment now. 409 once it has ended."""
    note = body.note if body else None
    await changes.resume(work, principal.tenant, enrolment_id, person(principal), note)
    context_of(request).wake_after(work, "sequences", "sender")
    return await _view(work, principal.tenant, enrolment_id)


@router.post("/enrolments/{enrolment_id}/move")
async def move_enrolment(
    enrolment_id: UUID, body: schemas.Move, principal: Reviewer, work: TenantWork, request: Request
) -> views.EnrolmentView:
    """Go on with another step, or with another version. A step that the address has had is never sent again.

    The present step goes on as it is where the version has the same text for it. 409 while its message is on its way,
    or approved with a text that the version does not have.
    """
    actor = person(principal)
    await changes.move(work, principal.tenant, enrolment_id, actor, body.step, body.version, body.note)
    context_of(request).wake_after(work, "sequences")
    return await _view(work, principal.tenant, enrolment_id)


@router.get("/leads/{lead_id}/enrolments")
async def list_enrolments_of_lead(
    lead_id: UUID, principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[views.EnrolmentView]:
    """The enrolments of a lead and of those merged into it, the newest first."""
    kept = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
    lead = await lead_of(work, principal.tenant, kept)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    before = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    ids = await lead_ids_of(work, principal.tenant, kept)
    found = await enrolments.page(work, principal.tenant, lead_ids=ids, before=before, limit=limit + 1)
    more = encode_cursor({"id": str(found[limit - 1].enrolment_id)}) if len(found) > limit else None
    return Page(items=[views.enrolment_view(each) for each in found[:limit]], next_cursor=more)


@router.get("/leads/{lead_id}/preview", response_model=views.PreviewView, response_model_exclude_unset=True)
async def read_preview(
    lead_id: UUID,
    principal: Viewer,
    work: TenantWork,
    request: Request,
    sequence_id: Annotated[UUID | None, Query(description="As if the lead were enrolled in it now")] = None,
) -> Any:
    """What the lead will get: when (also in its local time), on which channel, with which text, and why not earlier."""
    settings = context_of(request).settings
    sender = SenderAddresses(settings.mail_domain, settings.sms_from)
    return await previews.preview(work, sender, principal.tenant, lead_id, sequence_id)
