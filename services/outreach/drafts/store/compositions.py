"""Queries on composition requests: drafts that are requested and not written yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.outreach.drafts.rules import COMPOSER
from services.outreach.drafts.tables import CompositionRow
from services.outreach.store.due import QUEUES_IN_ORDER, in_turn
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows


class CompositionRequest(NamedTuple):
    """A request to write a draft. One request is stored for each (lead, kind, cause id)."""

    tenant: str
    draft_id: UUID
    """The id that the draft will have."""
    lead_id: UUID
    kind: str
    cause: str
    cause_id: str
    cause_at: datetime
    asked_by: str = COMPOSER
    channel: str | None = None
    instruction: str | None = None
    replaces: UUID | None = None
    from_step: str | None = None
    """For a step of a sequence: its strategy, and what the reviewer is shown, as JSON."""


_REQUEST = ("tenant_id", *CompositionRequest._fields[1:])
"""The columns of a request, in the order of its fields."""
_COLUMNS = (*_REQUEST, "due_at", "created_at")
_ADD = f"{insert_rows(CompositionRow, _COLUMNS)} ON CONFLICT DO NOTHING"


async def add(work: UnitOfWork, requests: Sequence[CompositionRequest]) -> int:
    """Queue requests, due at once; a request of a known cause is ignored. The number of new ones."""
    if not requests:
        return 0
    rows = [(*request, work.now, work.now) for request in requests]
    return await work.run(_ADD, **by_column(_COLUMNS, rows))


async def add_written(work: UnitOfWork, request: CompositionRequest) -> None:
    """Store the request of a draft that is written already, so that a rewrite knows how it was written."""
    if await add(work, [request]):
        await end(work, request.tenant, request.draft_id, "done", None)


async def step_of(work: UnitOfWork, tenant: str, draft_id: UUID) -> str | None:
    """`from_step` of a draft, or of the one that it replaces."""
    row = await work.fetch_one(
        """
        WITH RECURSIVE requests AS (
            SELECT draft_id, replaces, from_step, 0 AS depth FROM composition
            WHERE tenant_id = :tenant AND draft_id = :draft
            UNION ALL
            SELECT c.draft_id, c.replaces, c.from_step, r.depth + 1
            FROM composition c JOIN requests r ON c.draft_id = r.replaces
            WHERE c.tenant_id = :tenant AND r.depth < 1000
        )
        SELECT from_step FROM requests WHERE from_step IS NOT NULL ORDER BY depth LIMIT 1
        """,
        tenant=tenant,
        draft=draft_id,
    )
    return row["from_step"] if row else None


async def get(work: UnitOfWork, tenant: str, draft_id: UUID) -> Row | None:
    """The request of a draft, with its state and the reason for it."""
    return await work.fetch_one(
        "SELECT * FROM composition WHERE tenant_id = :tenant AND draft_id = :draft", tenant=tenant, draft=draft_id
    )


async def successor(work: UnitOfWork, tenant: str, draft_id: UUID) -> UUID | None:
    """The id of the draft that was requested in place of this one; None where there is none, or it was dropped."""
    row = await work.fetch_one(
        """
        SELECT draft_id FROM composition
        WHERE tenant_id = :tenant AND replaces = :draft AND state <> 'dropped' ORDER BY created_at DESC LIMIT 1
        """,
        tenant=tenant,
        draft=draft_id,
    )
    return row["draft_id"] if row else None


async def why_unanswered(work: UnitOfWork, tenant: str, lead_id: UUID, reply_id: str) -> str | None:
    """The reason for which the last answer that a reply requested has ended, in whatever state; None without any."""
    row = await work.fetch_one(
        """
        SELECT coalesce(x.reason, d.reason, c.reason) AS reason FROM composition c
        LEFT JOIN draft d ON d.tenant_id = c.tenant_id AND d.draft_id = c.draft_id
        LEFT JOIN dispatch x ON x.tenant_id = c.tenant_id AND x.draft_id = c.draft_id
        WHERE c.tenant_id = :tenant AND c.lead_id = :lead AND c.kind = 'answer'
          AND (c.cause_id = :reply OR c.cause_id LIKE :reply || '#%')
        ORDER BY c.created_at DESC LIMIT 1
        """,
        tenant=tenant,
        lead=lead_id,
        reply=reply_id,
    )
    return row["reason"] if row else None


async def is_queued(work: UnitOfWork, tenant: str, lead_id: UUID, kind: str, channel: str) -> bool:
    """Whether a draft of that lead, kind and channel is still to be written."""
    row = await work.fetch_one(
        """
        SELECT 1 AS found FROM composition
        WHERE tenant_id = :tenant AND lead_id = :lead AND kind = :kind AND state = 'queued'
          AND (channel IS NULL OR channel = :channel)
        """,
        tenant=tenant,
        lead=lead_id,
        kind=kind,
        channel=channel,
    )
    return row is not None


_DUE = """
    due_at <= :now AND (lease_until IS NULL OR lease_until < clock_timestamp()) AND EXISTS (
        SELECT FROM lead l
        WHERE l.tenant_id = composition.tenant_id AND l.lead_id = composition.lead_id AND l.version > 0)
"""


async def due(work: UnitOfWork, limit: int) -> Sequence[Row]:
    """(tenant_id, draft_id) of requests that are due and not leased: answers first, the tenants in turn.

    Requests for a lead not captured yet wait.
    """
    found: list[Row] = []
    for queue in QUEUES_IN_ORDER:
        if len(found) < limit:
            found += await _due(work, queue, limit - len(found))
    return found


async def _due(work: UnitOfWork, queue: str, limit: int) -> Sequence[Row]:
    return await work.fetch(in_turn("composition", "draft_id", "due_at", queue, _DUE), now=work.now, limit=limit)


async def lease(
    work: UnitOfWork, tenant: str, draft_id: UUID, duration: timedelta
) -> tuple[CompositionRequest, int] | None:
    """Lease a queued request, by the database's own clock: with the number of this attempt.

    None when another worker has it.
    """
    row = await work.fetch_one(
        f"""
        UPDATE composition SET lease_until = clock_timestamp() + :lease, attempts = attempts + 1
        WHERE (tenant_id, draft_id) IN (
            SELECT tenant_id, draft_id FROM composition
            WHERE tenant_id = :tenant AND draft_id = :draft AND state = 'queued'
              AND (lease_until IS NULL OR lease_until < clock_timestamp())
            FOR UPDATE SKIP LOCKED)
        RETURNING {", ".join(_REQUEST)}, attempts
        """,
        lease=duration,
        tenant=tenant,
        draft=draft_id,
    )
    if row is None:
        return None
    *request, attempts = row.values()
    return CompositionRequest._make(request), attempts


async def postpone(work: UnitOfWork, tenant: str, draft_id: UUID, until: datetime) -> None:
    """End the lease of a queued request; it is due again then."""
    await work.run(
        """
        UPDATE composition SET due_at = :until, lease_until = NULL
        WHERE tenant_id = :tenant AND draft_id = :draft AND state = 'queued'
        """,
        until=until,
        tenant=tenant,
        draft=draft_id,
    )


async def end(work: UnitOfWork, tenant: str, draft_id: UUID, state: str, reason: str | None) -> bool:
    """Record the outcome: `done`, or `dropped` with the reason. False when the request had ended already."""
    return bool(
        await work.run(
            """
            UPDATE composition SET state = :state, reason = :reason, lease_until = NULL
            WHERE tenant_id = :tenant AND draft_id = :draft AND state = 'queued'
            """,
            state=state,
            reason=reason,
            tenant=tenant,
            draft=draft_id,
        )
    )


async def drop_all(
    work: UnitOfWork,
    tenant: str,
    lead_id: UUID,
    channel: str | None,
    reason: str,
    kind: str | None = None,
    until: datetime | None = None,
) -> int:
    """Drop the queued requests for a lead; how many there were.

    Those on one channel, of one kind, or with causes up to a moment; None: all.
    """
    return await work.run(
        """
        UPDATE composition SET state = 'dropped', reason = :reason
        WHERE tenant_id = :tenant AND lead_id = :lead AND state = 'queued'
          AND (CAST(:channel AS text) IS NULL OR channel = :channel)
          AND (CAST(:kind AS text) IS NULL OR kind = :kind)
          AND (CAST(:until AS timestamptz) IS NULL OR cause_at <= :until)
        """,
        reason=reason,
        until=until,
        tenant=tenant,
        lead=lead_id,
        channel=channel,
        kind=kind,
    )
