"""Routes of merges and of pairs for review."""

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from services.capture.schemas.merges import (
    DecisionIn,
    DecisionOut,
    DuplicatePairOut,
    FailedSearchOut,
    MergeIn,
    MergeOut,
    SearchRequested,
    UndoneMerge,
)
from services.capture.store import duplicates as store
from services.capture.store import failed_searches
from services.capture.use_cases import merges as use_cases
from shared.errors import NotFound
from shared.http import Limit, Once, Operator, Page, Router, TenantWork, ViewerOrService, decode_cursor, encode_cursor
from shared.service import Service

router = Router(tags=["duplicates"])


@router.post("/leads/{lead_id}/merge", status_code=201, response_model=MergeOut)
async def merge_leads(principal: Operator, work: TenantWork, lead_id: UUID, body: MergeIn, once: Once) -> Response:
    """`lead_id` stays, `alias_id` becomes an alias of it. 409 for a cycle or an alias of an alias."""

    async def run() -> Any:
        merge_id = await use_cases.merge_leads(work, principal.tenant, lead_id, body.alias_id, principal.actor)
        return {"merge_id": merge_id, "lead_id": lead_id, "alias_id": body.alias_id}

    return await once(run)


@router.post("/merges/{merge_id}/undo")
async def undo_merge(principal: Operator, work: TenantWork, merge_id: UUID) -> UndoneMerge:
    """Restore both leads as they were; what was changed since the merge stays."""
    await use_cases.undo_merge(work, principal.tenant, merge_id, principal.actor)
    return UndoneMerge(merge_id=merge_id, undone=True)


@router.get("/duplicates")
async def list_duplicates(
    principal: ViewerOrService, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[DuplicatePairOut]:
    """Pairs of leads that wait for a decision whether they are one person, the newest first."""
    before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
    rows = await store.open_pairs(work, principal.tenant, before=before, limit=limit)
    pairs = [
        DuplicatePairOut(
            id=row["pair_id"],
            lead_ids=[row["lead_a"], row["lead_b"]],
            score=row["score"],
            reasons=row["reasons"],
            found_on=row["found_on"],
        )
        for row in rows
    ]
    last = encode_cursor({"before": str(pairs[-1].id)}) if len(pairs) == limit else None
    return Page(items=pairs, next_cursor=last)


@router.get("/duplicate-searches")
async def list_failed_searches(
    principal: ViewerOrService, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[FailedSearchOut]:
    """Leads whose likely duplicates could not be searched for. Each is tried three times, then set aside."""
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    rows = await failed_searches.page(work, principal.tenant, after=after, limit=limit)
    searches = [
        FailedSearchOut(
            lead_id=row["lead_id"],
            state="set_aside" if row["attempts"] >= failed_searches.MOST_ATTEMPTS else "waiting",
            attempts=row["attempts"],
            reason=row["reason"],
            failed_on=row["failed_on"],
            next_try_on=row["due_at"],
        )
        for row in rows
    ]
    last = encode_cursor({"after": str(searches[-1].lead_id)}) if len(searches) == limit else None
    return Page(items=searches, next_cursor=last)


@router.post("/duplicate-searches/{lead_id}/retry", status_code=202)
async def retry_search(request: Request, principal: Operator, work: TenantWork, lead_id: UUID) -> SearchRequested:
    """Search once more for the duplicates of a lead whose search failed."""
    if not await failed_searches.try_again(work, [(principal.tenant, lead_id)], anew=True):
        raise NotFound("no search for the duplicates of this lead has failed")
    service: Service = request.app.state.service
    work.after_commit.append(lambda: service.wake("duplicates"))
    return SearchRequested(lead_id=lead_id)


@router.post("/duplicates/{pair_id}/decision", response_model=DecisionOut)
async def decide_duplicate(
    principal: Operator, work: TenantWork, pair_id: UUID, body: DecisionIn, once: Once
) -> Response:
    """`merge` makes the two one lead (`keep`, or the older one, stays); a `distinct` pair is not proposed again."""

    async def run() -> Any:
        merge_id = await use_cases.decide_pair(
            work, principal.tenant, pair_id, body.decision, body.keep, principal.actor
        )
        merged = {"merge_id": merge_id} if merge_id is not None else {}
        return {"id": pair_id, "decision": body.decision, **merged}

    return await once(run, status=200)
