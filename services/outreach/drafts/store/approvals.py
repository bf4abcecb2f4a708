"""The statement that approves drafts and queues their dispatches: both for each draft, or neither."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from services.outreach.drafts.tables import ApprovalRow
from services.outreach.sending.store.dispatches import ONCE, QUEUED_COLUMNS, Approved
from services.outreach.sending.tables import DispatchRow
from shared.db import UnitOfWork, by_column, rows_of
from shared.db.columns import column_types
from shared.ids import uuid7

_ROW = column_types(DispatchRow, QUEUED_COLUMNS) | column_types(ApprovalRow, ["actor", "acknowledged"])
_APPROVE = f"""
    WITH wanted AS (
        SELECT * FROM {rows_of(_ROW)}
    ), queued AS (
        INSERT INTO dispatch ({", ".join(QUEUED_COLUMNS)}) SELECT {", ".join(QUEUED_COLUMNS)} FROM wanted
        {ONCE} RETURNING draft_id, dispatch_id
    ), approved AS (
        INSERT INTO approval (tenant_id, draft_id, sha256, actor, at, acknowledged)
        SELECT w.tenant_id, w.draft_id, w.sha256, w.actor, w.created_at, CAST(w.acknowledged AS jsonb)
        FROM wanted w JOIN queued q ON q.draft_id = w.draft_id
    )
    SELECT draft_id, dispatch_id FROM queued
"""


async def approve(
    work: UnitOfWork, actor: str, approved: Sequence[Approved], acknowledged: Mapping[UUID, Sequence[str]]
) -> dict[UUID, UUID]:
    """Store a person's approval of exactly these texts, and queue each as a dispatch: draft id -> dispatch id.

    A draft whose address has had the same step of a sequence is left out: it is not approved either. Only the
    application's role may do this. `acknowledged`: for each draft the unsupported sentences that the person approved
    knowingly.
    """
    rows = [
        (*each, uuid7(), work.now, work.now, actor, orjson.dumps(list(acknowledged[each.draft_id])).decode())
        for each in approved
    ]
    return dict(await work.fetch_tuples(_APPROVE, **by_column(_ROW, rows))) if rows else {}
