"""One action on many drafts. Each item is judged by itself; those that pass are saved together, in a few statements."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.outreach.drafts import store
from services.outreach.drafts.schemas import MAX_REASON, Bulk, BulkItem
from services.outreach.drafts.use_cases import review
from services.outreach.keys import Keys
from shared.db import Row, UnitOfWork
from shared.errors import Conflict, Invalid, LeadflowError
from shared.http import problem_type
from shared.http.bulk_items import named, read_item
from shared.strict_json import has_half_pair


async def act_on_all(work: UnitOfWork, keys: Keys, tenant: str, actor: str, bulk: Bulk) -> list[dict[str, Any]]:
    """Do it; a result for each item, in order. A draft that is named twice is looked at again after the first time."""
    results: dict[int, dict[str, Any]] = {}
    waiting: list[tuple[int, BulkItem]] = []
    for place, item in enumerate(bulk.items):
        read = read_item(BulkItem, item, "draft_id", "no such draft")
        if isinstance(read, LeadflowError):
            results[place] = _refused(named(item, "draft_id"), read)
        else:
            waiting.append((place, read))
    while waiting:
        first: dict[UUID, tuple[int, BulkItem]] = {}
        for place, item in waiting:
            first.setdefault(item.draft_id, (place, item))
        done = await _act(work, keys, tenant, actor, bulk, [item for _, item in first.values()])
        results |= {place: done[draft_id] for draft_id, (place, _) in first.items()}
        waiting = [each for each in waiting if each[0] not in results]
    return [results[place] for place in range(len(bulk.items))]


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
            done[item.draft_id] = _refused(item.draft_id, error)
        else:
            chosen.append((item, row))
    saved = await _save(work, keys, actor, bulk, chosen) if chosen else {}
    for item, _ in chosen:
        more = saved.get(item.draft_id, {})
        if isinstance(more, LeadflowError):
            done[item.draft_id] = _refused(item.draft_id, more)
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


def _refused(draft_id: UUID | str | None, error: LeadflowError) -> dict[str, Any]:
    refused: dict[str, Any] = {"draft_id": draft_id, "status": error.status, "error": error.detail}
    return refused | ({"type": problem_type(error), "errors": error.errors} if error.errors else {})
