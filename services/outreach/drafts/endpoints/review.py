"""The HTTP API of review: what people decide on drafts."""

from typing import Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse

from services.outreach.context import context_of
from services.outreach.drafts.schemas import Approve, Bulk, Edit, Regenerate, Reject, Snooze
from services.outreach.drafts.schemas.background_views import DraftInFullView, draft_in_full
from services.outreach.drafts.schemas.views import (
    BulkResults,
    DraftView,
    RegeneratedView,
    draft_view,
    warning_views,
)
from services.outreach.drafts.use_cases import bulk, review
from services.outreach.drafts.use_cases.addressing import sender_addresses
from services.outreach.drafts.use_cases.background import background_of, cautions_for
from services.outreach.drafts.use_cases.composer import not_followed
from services.outreach.store import lead_of
from shared.db import UnitOfWork
from shared.http import IfMatch, Principal, Reviewer, Router, TenantWork, etag, large_body

router = Router(tags=["drafts"])


async def _answer(work: UnitOfWork, tenant: str, draft_id: UUID, response: Response) -> DraftView:
    row = await review.get(work, tenant, draft_id)
    response.headers["ETag"] = etag(row["version"])
    return draft_view(row, work.now, await lead_of(work, tenant, row["lead_id"]))


async def _approve(
    work: UnitOfWork, request: Request, principal: Principal, draft_id: UUID, sha256: str, acknowledge: bool
) -> DraftView:
    """Approve; the draft with its dispatch, and what the reviewer should know besides."""
    context, tenant = context_of(request), principal.tenant
    dispatch_id = await review.approve(
        work, context.keys, tenant, draft_id, review.person(principal), sha256, acknowledge=acknowledge
    )
    context.wake_after(work, "sender")
    row = await review.get(work, tenant, draft_id)
    warnings = (await cautions_for(work, tenant, [draft_id]))[draft_id]
    lead = await lead_of(work, tenant, row["lead_id"])
    return draft_view(row, work.now, lead, warnings).model_copy(update={"dispatch_id": dispatch_id})


@router.post(
    "/drafts/bulk",
    response_model=BulkResults,
    response_model_exclude_unset=True,
    dependencies=[Depends(large_body)],
)
async def bulk_drafts(body: Bulk, principal: Reviewer, work: TenantWork, request: Request) -> Any:
    """One action on many drafts, with a result for each.

    A refused item has `error`, and for a text with unsupported sentences `type` and `errors` as the single action has
    them. An approved item has `warnings`, a regenerated one `replaced_by`.
    """
    context = context_of(request)
    results = await bulk.act_on_all(work, context.keys, principal.tenant, review.person(principal), body)
    if body.action == "approve":
        approved = [result["draft_id"] for result in results if result["status"] == 200]
        warnings = await cautions_for(work, principal.tenant, approved)
        results = [result | {"warnings": warning_views(warnings.get(result["draft_id"], ()))} for result in results]
    context.wake_after(work, "sender", "composer")
    return {"results": results}


@router.post("/drafts/{draft_id}/claim")
async def lease_draft(draft_id: UUID, principal: Reviewer, work: TenantWork, response: Response) -> DraftInFullView:
    """Lease the draft to its reviewer, and read it: no other can decide on it for a quarter of an hour."""
    await review.lease(work, principal.tenant, draft_id, review.person(principal))
    row = await review.get(work, principal.tenant, draft_id)
    response.headers["ETag"] = etag(row["version"])
    return draft_in_full(row, work.now, await background_of(work, row))


@router.post("/drafts/{draft_id}/release")
async def release_draft(draft_id: UUID, principal: Reviewer, work: TenantWork, response: Response) -> DraftView:
    """End the lease."""
    await review.release(work, principal.tenant, draft_id, review.person(principal))
    return await _answer(work, principal.tenant, draft_id, response)


@router.post("/drafts/{draft_id}/approve")
async def approve_draft(
    draft_id: UUID, body: Approve, principal: Reviewer, work: TenantWork, request: Request, response: Response
) -> DraftView:
    """Approve exactly the text with this hash, and queue it to be sent. Any other hash: 409.

    A text with sentences that nothing known supports is refused too (409, the sentences in `errors`), unless the body
    acknowledges them.
    """
    view = await _approve(work, request, principal, draft_id, body.sha256, body.acknowledge_unsupported)
    response.headers["ETag"] = etag(view.version)
    return view


@router.post("/drafts/{draft_id}/edit", dependencies=[Depends(large_body)])
async def edit_draft(
    draft_id: UUID,
    body: Edit,
    principal: Reviewer,
    work: TenantWork,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> DraftView:
    """Change the text (needs If-Match); with `approve`, approve the new text in the same step.

    Where the approval is refused, the text is not changed either.
    """
    actor, sender = review.person(principal), sender_addresses(context_of(request).settings)
    sha256 = await review.edit(work, principal.tenant, draft_id, actor, if_match, body.subject, body.body, sender)
    if not body.approve:
        return await _answer(work, principal.tenant, draft_id, response)
    view = await _approve(work, request, principal, draft_id, sha256, body.acknowledge_unsupported)
    response.headers["ETag"] = etag(view.version)
    return view


@router.post("/drafts/{draft_id}/reject")
async def reject_draft(
    draft_id: UUID, body: Reject, principal: Reviewer, work: TenantWork, response: Response
) -> DraftView:
    """Decide that the draft is not sent, with the reason."""
    await review.reject(work, principal.tenant, draft_id, review.person(principal), body.reason)
    return await _answer(work, principal.tenant, draft_id, response)


@router.post("/drafts/{draft_id}/regenerate", status_code=202, response_model=RegeneratedView)
async def regenerate_draft(
    draft_id: UUID, principal: Reviewer, work: TenantWork, request: Request, body: Regenerate | None = None
) -> JSONResponse:
    """Request another draft, with an instruction to the composer; this one is superseded.

    Without a language model the composer follows hints only: shorter, longer, formal, informal, mention (a known fact).
    `warnings` names those that it cannot follow.
    """
    context, instruction = context_of(request), body.instruction if body else None
    tenant = principal.tenant
    new_id = await review.regenerate(work, tenant, draft_id, review.person(principal), instruction)
    warnings: list[str] = []
    if instruction and not context.settings.has_language_model:
        row = await review.get(work, tenant, draft_id)
        warnings = await not_followed(work, tenant, row["lead_id"], instruction, row["made_from"].get("hints"))
    context.wake_after(work, "composer")
    content = {
        "draft_id": str(new_id),
        "replaces": str(draft_id),
        "state": "composing",
        "warnings": [{"kind": "instruction", "message": message} for message in warnings],
    }
    return JSONResponse(content, 202, headers={"Location": f"/v1/drafts/{new_id}"})


@router.post("/drafts/{draft_id}/snooze")
async def snooze_draft(
    draft_id: UUID, body: Snooze, principal: Reviewer, work: TenantWork, response: Response
) -> DraftView:
    """Keep the draft out of the lists until then."""
    await review.snooze(work, principal.tenant, draft_id, review.person(principal), body.until)
    return await _answer(work, principal.tenant, draft_id, response)
