"""One action on many drafts. Each item is judged by itself; those that pass are saved together, in a few statements."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from services.outreach.drafts import store
from services.outreach.drafts.schemas import MAX_REASON, Bulk, BulkItem
from services.outreach.drafts.use_cases import review
from services.outreach.keys import Keys
from shared.db import Row, UnitOfWork
from shared.errors import Conflict, Invalid, LeadflowError
from shared.events.envelope import errors_of
from shared.http import problem_type
from shared.strict_json import has_half_pair


async def act_on_all(work: UnitOfWork, keys: Keys, tenant: str, actor: str, bulk: Bulk) -> list[dict[str, Any]]:
    """Do it; a result for each item, in order. A draft that is named twice is looked at again after the first time."""
    read = [_read(item) for item in bulk.items]
    results = {place: item for place, item in enumerate(read) if isinstance(item, dict)}
    waiting = [(place, item) for place, item in enumerate(read) if isinstance(item, BulkItem)]
    while waiting:
        first: dict[UUID, tuple[int, BulkItem]] = {}
        for place, item in waiting:
            first.setdefault(item.draft_id, (place, item))
        done = await _act(work, keys, tenant, actor, bulk, [item for _, item in first.values()])
        results |= {place: done[draft_id] for draft_id, (place, _) in first.items()}
        waiting = [each for each in waiting if each[0] not in results]
    return [results[place] for place in range(len(bulk.items))]


def _read(item: dict[str, Any]) -> BulkItem | dict[str, Any]:
    """An item, or the result that refuses it."""
    try:
        return BulkItem.model_validate(item)
    except ValidationError as error:
        problems = errors_of(error)
    named = item.get("draft_id")
    refused: dict[str, Any] = {"draft_id": named if isinstance(named, str) and named.isprintable() else None}
    if any(problem["field"] == "draft_id" for problem in problems):
        return refused | {"status": 404, "error": "no such draft"}
    text = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems)
    return refused | {"status": 422, "error": text}


async def _act(
    work: UnitOfWork, keys: Keys, tenant: str, actor: str, bulk: Bulk, items: Sequence[BulkItem]
) -> dict[UUID, dict[str, Any]]:
    """The results of different drafts, by their ids."""
    rows = await store.lock_all(work, tenant, [item.draft_id for item in items])
    done: dict[UUID, dict[str, Any]] = {}
    chosen: list[tuple[BulkItem, Row]] = []
    for item in items:
        try:
            _check_item(bulk, item)
            row = await review.check_pending(work, tenant, item.draft_id, rows.get(item.draft_id), actor)
            if item.sha256 is not None and bulk.action == "approve":
                review.check_approval(row, item.sha256, acknowledge=item.acknowledge_unsupported)
        except LeadflowError as error:
            done[item.draft_id] = _refused(item, error)
        else:
            chosen.append((item, row))
    saved = await _save(work, keys, actor, bulk, chosen) if chosen else {}
    for item, _ in chosen:
        more = saved.get(item.draft_id, {})
        if isinstance(more, LeadflowError):
            done[item.draft_id] = _refused(item, more)
        else:
            done[item.draft_id] = {"draft_id": item.draft_id, "status": 200, **more}
    return done


def _check_item(bulk: Bulk, item: BulkItem) -> None:
    if bulk.action == "approve" and item.sha256 is None:
        raise Invalid("approving needs the sha256 that the reviewer saw")
    if bulk.action == "reject" and not 1 <= len(item.reason or "") <= MAX_REASON:
        raise Invalid(f"rejecting needs a reason of 1 to {MAX_REASON} characters")
    if has_half_pair(item.reason or ""):
        raise Invalid("the reason has half of a surrogate pair")
    if bulk.action == "snooze" and bulk.until is None:
        raise Invalid("snoozing needs `until`")


async def _save(
    work: UnitOfWork, keys: Keys, actor: str, bulk: Bulk, chosen: Sequence[tuple[BulkItem, Row]]
) -> dict[UUID, Mapping[str, Any] | LeadflowError]:
    """Act on locked drafts that passed the checks: what their results have besides, or why one failed after all."""
    rows = [row for _, row in chosen]
    match bulk.action:
        case "approve":
            queued = await review.approve_all(work, keys, rows, actor)
            return {
                row["draft_id"]: {"dispatch_id": queued[row["draft_id"]]}
                if row["draft_id"] in queued
                else Conflict(review.HAD_ALREADY)
                for row in rows
            }
        case "reject":
            by_reason: dict[str, list[Row]] = {}
            for item, row in chosen:
                by_reason.setdefault(item.reason or "", []).append(row)
            for reason, of_reason in by_reason.items():
                await review.reject_all(work, of_reason, actor, reason)
        case "claim":
            await review.lease_all(work, rows, actor)
        case "release":
            await review.release_all(work, rows)
        case "regenerate":
            return {
                row["draft_id"]: {"replaced_by": await review.regenerate_locked(work, row, actor, bulk.instruction)}
                for row in rows
            }
        case "snooze":
            assert bulk.until is not None
            try:
                await review.snooze_all(work, rows, bulk.until)
            except Invalid as error:
                return {row["draft_id"]: error for row in rows}
    return {}


def _refused(item: BulkItem, error: LeadflowError) -> dict[str, Any]:
    refused: dict[str, Any] = {"draft_id": item.draft_id, "status": error.status, "error": error.detail}
    return refused | ({"type": problem_type(error), "errors": error.errors} if error.errors else {})
