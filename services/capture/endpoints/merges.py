"""Routes of merges and of pairs for review."""

from typing import Any
from uuid import UUID

from fastapi import Response

from services.capture.schemas.merges import DecisionIn, DecisionOut, DuplicatePairOut, MergeIn, MergeOut, UndoneMerge
from services.capture.store import duplicates as store
from services.capture.use_cases import merges as use_cases
from shared.http import Limit, Once, Operator, Page, Router, TenantWork, ViewerOrService, decode_cursor, encode_cursor

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
