"""The HTTP API of drafts: requests, review, and the strategies by which drafts are written."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from services.outreach.context import Context, context_of
from services.outreach.drafts import store
from services.outreach.drafts.schemas import (
    MAX_REASON,
    Approve,
    Bulk,
    DraftView,
    Edit,
    NewDraftBody,
    Regenerate,
    Reject,
    Snooze,
    Strategies,
    StrategyBody,
    draft_view,
)
from services.outreach.drafts.use_cases import requests, review
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.strategies import all_strategies, save_strategy
from services.outreach.schemas import Channel, Kind
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.http import (
    Admin,
    IfMatch,
    Limit,
    Once,
    Page,
    Principal,
    Reviewer,
    Router,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
    etag,
    large_body,
)
from shared.http.pages import moment, number
from shared.store.aliases import resolve

router = Router(tags=["drafts"])

State = Literal["pending", "approved", "rejected", "superseded", "expired"]


def _sender(context: Context) -> SenderAddresses:
    return SenderAddresses(context.settings.mail_domain, context.settings.sms_from)


async def _answer(work: UnitOfWork, tenant: str, draft_id: UUID, response: Response, **more: Any) -> DraftView:
    row = await review.get(work, tenant, draft_id)
    response.headers["ETag"] = etag(row["version"])
    view = draft_view(row, work.now)
    return view.model_copy(update=more)


@router.get("/drafts")
async def list_drafts(
    principal: Viewer,
    work: TenantWork,
    state: State | None = None,
    kind: Kind | None = None,
    channel: Channel | None = None,
    lead_id: UUID | None = None,
    sort: Literal["oldest", "at_risk", "hottest"] = "oldest",
    snoozed: Annotated[
        bool | None, Query(description="Pending lists leave snoozed drafts out unless this is true")
    ] = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[DraftView]:
    """Drafts: the oldest first, those that expire soonest (`at_risk`), or those of the hottest leads."""
    filters: dict[str, Any] = {"state": state, "kind": kind, "channel": channel}
    if lead_id is not None:
        filters["lead_id"] = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
    column = store.ORDERS[sort][0].rpartition(".")[2]
    after = None
    if cursor:
        position = decode_cursor(cursor, **{sort: number if sort == "hottest" else moment, "id": UUID})
        after = (position[sort], position["id"])
    rows = await store.page(
        work,
        principal.tenant,
        {name: value for name, value in filters.items() if value is not None},
        snoozed=snoozed if snoozed is not None else state != "pending",
        sort=sort,
        after=after,
        limit=limit + 1,
    )
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        value = last[column] if sort == "hottest" else last[column].isoformat()
        more = encode_cursor({sort: value, "id": str(last["draft_id"])})
    return Page(items=[draft_view(row, work.now) for row in rows[:limit]], next_cursor=more)


@router.post("/drafts", status_code=201, responses={202: {"description": "The agent writes it"}})
async def create_draft(
    body: NewDraftBody, principal: Reviewer, work: TenantWork, request: Request, once: Once
) -> Response:
    """Ask the agent for a draft (202), or give your own text (201). Either waits for review."""
    actor = review.person(principal)
    context = context_of(request)
    asked = requests.DraftRequest(principal.tenant, actor, body.lead_id, body.kind, body.channel)

    async def run() -> tuple[int, Any, dict[str, str]]:
        if body.body is None:
            draft_id = await requests.request_draft(work, asked, body.instruction)
            context.wake_after(work, "composer")
            return 202, {"draft_id": draft_id, "state": "composing"}, {"Location": f"/v1/drafts/{draft_id}"}
        draft_id = await requests.add_draft(work, asked, _sender(context), body.subject, body.body)
        row = await review.get(work, principal.tenant, draft_id)
        view = draft_view(row, work.now).model_dump(mode="json", by_alias=True)
        return 201, view, {"Location": f"/v1/drafts/{draft_id}", "ETag": etag(row["version"])}

    return await once(run)


@router.get("/drafts/{draft_id}")
async def read_draft(draft_id: UUID, principal: Viewer, work: TenantWork, response: Response) -> DraftView:
    """A draft with every text that it has had."""
    row = await review.get(work, principal.tenant, draft_id)
    response.headers["ETag"] = etag(row["version"])
    texts = await store.texts(work, principal.tenant, draft_id)
    view = draft_view(row, work.now, texts)
    return view.model_copy(update={"dispatch_id": await store.dispatch_id(work, principal.tenant, draft_id)})


@router.post("/drafts/bulk", dependencies=[Depends(large_body)])
async def bulk_drafts(body: Bulk, principal: Reviewer, work: TenantWork, request: Request) -> dict[str, Any]:
    """One action on many drafts, with a result for each."""
    actor, tenant, context = review.person(principal), principal.tenant, context_of(request)

    async def act(item: dict[str, Any]) -> None:
        draft_id = item["draft_id"]
        match body.action:
            case "approve":
                if item["sha256"] is None:
                    raise Invalid("approving needs the sha256 that the reviewer saw")
                await review.approve(work, context.keys, tenant, draft_id, actor, item["sha256"])
            case "reject":
                if not 1 <= len(item["reason"] or "") <= MAX_REASON:
                    raise Invalid(f"rejecting needs a reason of 1 to {MAX_REASON} characters")
                await review.reject(work, tenant, draft_id, actor, item["reason"])
            case "claim":
                await review.lease(work, tenant, draft_id, actor)
            case "release":
                await review.release(work, tenant, draft_id, actor)
            case "regenerate":
                await review.regenerate(work, tenant, draft_id, actor, body.instruction)
            case "snooze":
                if body.until is None:
                    raise Invalid("snoozing needs `until`")
                await review.snooze(work, tenant, draft_id, actor, body.until)

    results = await review.for_each(work, [item.model_dump() for item in body.items], act)
    context.wake_after(work, "sender", "composer")
    return {"results": results}


@router.post("/drafts/{draft_id}/claim")
async def lease_draft(draft_id: UUID, principal: Reviewer, work: TenantWork, response: Response) -> DraftView:
    """Lease the draft to its reviewer: no other can decide on it for a quarter of an hour (`lease_until`)."""
    await review.lease(work, principal.tenant, draft_id, review.person(principal))
    return await _answer(work, principal.tenant, draft_id, response)


@router.post("/drafts/{draft_id}/release")
async def release_draft(draft_id: UUID, principal: Reviewer, work: TenantWork, response: Response) -> DraftView:
    """End the lease."""
    await review.release(work, principal.tenant, draft_id, review.person(principal))
    return await _answer(work, principal.tenant, draft_id, response)


@router.post("/drafts/{draft_id}/approve")
async def approve_draft(
    draft_id: UUID, body: Approve, principal: Reviewer, work: TenantWork, request: Request, response: Response
) -> DraftView:
    """Approve exactly the text with this hash, and queue it to be sent. Any other hash: 409."""
    context = context_of(request)
    dispatch = await review.approve(
        work, context.keys, principal.tenant, draft_id, review.person(principal), body.sha256
    )
    context.wake_after(work, "sender")
    return await _answer(work, principal.tenant, draft_id, response, dispatch_id=dispatch)


@router.post("/drafts/{draft_id}/edit")
async def edit_draft(
    draft_id: UUID,
    body: Edit,
    principal: Reviewer,
    work: TenantWork,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> DraftView:
    """Change the text (needs If-Match); with `approve`, approve the new text in the same step."""
    actor, context = review.person(principal), context_of(request)
    sender = _sender(context)
    sha256 = await review.edit(work, principal.tenant, draft_id, actor, if_match, body.subject, body.body, sender)
    if not body.approve:
        return await _answer(work, principal.tenant, draft_id, response)
    dispatch = await review.approve(work, context.keys, principal.tenant, draft_id, actor, sha256)
    context.wake_after(work, "sender")
    return await _answer(work, principal.tenant, draft_id, response, dispatch_id=dispatch)


@router.post("/drafts/{draft_id}/reject")
async def reject_draft(
    draft_id: UUID, body: Reject, principal: Reviewer, work: TenantWork, response: Response
) -> DraftView:
    """Decide that the draft is not sent, with the reason."""
    await review.reject(work, principal.tenant, draft_id, review.person(principal), body.reason)
    return await _answer(work, principal.tenant, draft_id, response)


@router.post("/drafts/{draft_id}/regenerate", status_code=202)
async def regenerate_draft(
    draft_id: UUID,
    principal: Reviewer,
    work: TenantWork,
    request: Request,
    response: Response,
    body: Regenerate | None = None,
) -> JSONResponse:
    """Request another draft, with an instruction to the composer; this one is superseded."""
    instruction = body.instruction if body else None
    new_id = await review.regenerate(work, principal.tenant, draft_id, review.person(principal), instruction)
    context_of(request).wake_after(work, "composer")
    content = {"draft_id": str(new_id), "replaces": str(draft_id), "state": "composing"}
    return JSONResponse(content, 202, headers={"Location": f"/v1/drafts/{new_id}"})


@router.post("/drafts/{draft_id}/snooze")
async def snooze_draft(
    draft_id: UUID, body: Snooze, principal: Reviewer, work: TenantWork, response: Response
) -> DraftView:
    """Keep the draft out of the lists until then."""
    await review.snooze(work, principal.tenant, draft_id, review.person(principal), body.until)
    return await _answer(work, principal.tenant, draft_id, response)


@router.get("/strategies")
async def list_strategies(principal: Viewer, work: TenantWork) -> Page[dict[str, Any]]:
    """The strategies for each kind and stage."""
    return Page(items=await all_strategies(work, principal.tenant))


@router.post("/strategies", status_code=201)
async def create_strategy(body: StrategyBody, principal: Admin, work: TenantWork, once: Once) -> Response:
    """Save a strategy for a kind in a stage, as another version."""
    return await once(lambda: _save(work, principal, body))


@router.put("/strategies")
async def replace_strategies(body: Strategies, principal: Admin, work: TenantWork) -> Page[dict[str, Any]]:
    """Save several strategies at once, each as another version; all present strategies."""
    for each in body.items:
        await _save(work, principal, each)
    return Page(items=await all_strategies(work, principal.tenant))


async def _save(work: UnitOfWork, principal: Principal, body: StrategyBody) -> dict[str, Any]:
    given = body.model_dump(exclude={"kind", "stage"}, exclude_none=True)
    return await save_strategy(work, principal.tenant, body.kind, body.stage, given, principal.actor)
