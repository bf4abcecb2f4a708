"""Queries on what is still to be composed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Wanted:
    """A draft that somebody or something asks for; `cause_id` makes it be written once."""

    tenant: str
    draft_id: UUID
    lead_id: UUID
    kind: str
    cause: str
    cause_id: str
    cause_at: datetime
    asked_by: str
    channel: str | None = None
    instruction: str | None = None
    replaces: UUID | None = None


async def want(work: UnitOfWork, wanted: Sequence[Wanted]) -> int:
    """Put drafts on the composer's list; those of a known cause are left out. How many were new."""
    if not wanted:
        return 0
    return await work.run(
        """
        INSERT INTO composition (tenant_id, draft_id, lead_id, kind, channel, cause, cause_id, cause_at, asked_by,
                                 instruction, replaces, due_at, created_at)
        SELECT w.*, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
        FROM unnest(CAST(:tenants AS text[]), CAST(:drafts AS uuid[]), CAST(:leads AS uuid[]), CAST(:kinds AS text[]),
                    CAST(:channels AS text[]), CAST(:causes AS text[]), CAST(:cause_ids AS text[]),
                    CAST(:cause_ats AS timestamptz[]), CAST(:asked AS text[]), CAST(:instructions AS text[]),
                    CAST(:replaces AS uuid[])) AS w
        ON CONFLICT DO NOTHING
        """,
        now=work.now,
        tenants=[each.tenant for each in wanted],
        drafts=[each.draft_id for each in wanted],
        leads=[each.lead_id for each in wanted],
        kinds=[each.kind for each in wanted],
        channels=[each.channel for each in wanted],
        causes=[each.cause for each in wanted],
        cause_ids=[each.cause_id for each in wanted],
        cause_ats=[each.cause_at for each in wanted],
        asked=[each.asked_by for each in wanted],
        instructions=[each.instruction for each in wanted],
        replaces=[each.replaces for each in wanted],
    )


async def get(work: UnitOfWork, tenant: str, draft_id: UUID) -> RowMapping | None:
    """What became of a draft that was asked for."""
    return await work.fetch_one(
        "SELECT * FROM composition WHERE tenant_id = :tenant AND draft_id = :draft", tenant=tenant, draft=draft_id
    )


async def composing(work: UnitOfWork, tenant: str, lead_id: UUID, kind: str, channel: str) -> bool:
    """Is one of that lead, kind and channel being written now?"""
    row = await work.fetch_one(
        """
        SELECT 1 AS there FROM composition
        WHERE tenant_id = :tenant AND lead_id = :lead AND kind = :kind AND state = 'queued'
          AND (channel IS NULL OR channel = :channel)
        """,
        tenant=tenant,
        lead=lead_id,
        kind=kind,
        channel=channel,
    )
    return row is not None


async def due(work: UnitOfWork, limit: int) -> Sequence[RowMapping]:
    """What is due and nobody writes now; a lead not captured yet is waited for."""
    return await work.fetch(
        """
        SELECT p.tenant_id, p.draft_id FROM composition p
        JOIN lead l ON l.tenant_id = p.tenant_id AND l.lead_id = p.lead_id AND l.version > 0
        WHERE p.state = 'queued' AND p.due_at <= :now AND (p.lease_until IS NULL OR p.lease_until < clock_timestamp())
        ORDER BY p.due_at LIMIT :limit
        """,
        now=work.now,
        limit=limit,
    )


async def lease(work: UnitOfWork, tenant: str, draft_id: UUID, time: timedelta) -> RowMapping | None:
    """Take one on; None when another has it."""
    return await work.fetch_one(
        """
        UPDATE composition SET lease_until = clock_timestamp() + :lease, attempts = attempts + 1
        WHERE (tenant_id, draft_id) IN (
            SELECT tenant_id, draft_id FROM composition
            WHERE tenant_id = :tenant AND draft_id = :draft AND state = 'queued'
              AND (lease_until IS NULL OR lease_until < clock_timestamp())
            FOR UPDATE SKIP LOCKED)
        RETURNING *
        """,
        lease=time,
        tenant=tenant,
        draft=draft_id,
    )


async def end(work: UnitOfWork, tenant: str, draft_id: UUID, state: str, reason: str | None) -> bool:
    """`done`, or `dropped` with the reason; False when it had ended already."""
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


async def drop(work: UnitOfWork, tenant: str, lead_id: UUID, channel: str | None, reason: str) -> None:
    """Nothing more is to be written for the lead (on a channel)."""
    await work.run(
        """
        UPDATE composition SET state = 'dropped', reason = :reason
        WHERE tenant_id = :tenant AND lead_id = :lead AND state = 'queued'
          AND (CAST(:channel AS text) IS NULL OR channel = :channel)
        """,
        reason=reason,
        tenant=tenant,
        lead=lead_id,
        channel=channel,
    )
