"""Pairs for review: leads that may be one person."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.capture.rules.matching import DuplicatePair
from shared.db import Row, UnitOfWork
from shared.ids import uuid7

# A pair is stored with the ids that it was found with; an id that became an alias since is read as its kept lead.
_PAIR = """
    SELECT d.pair_id, d.score, d.reasons, d.state, d.merge_id, d.found_on,
           coalesce(a.merged_into, a.lead_id) AS lead_a, coalesce(b.merged_into, b.lead_id) AS lead_b
    FROM duplicate d
    JOIN lead a ON a.tenant_id = d.tenant_id AND a.lead_id = d.lead_a
    JOIN lead b ON b.tenant_id = d.tenant_id AND b.lead_id = d.lead_b
"""


async def insert(work: UnitOfWork, pairs: Sequence[DuplicatePair], found_on: datetime) -> None:
    """Add pairs for review; a pair that is stored already, open or decided, stays as it is."""
    if pairs:
        await work.run(
            """
            INSERT INTO duplicate (tenant_id, pair_id, lead_a, lead_b, score, reasons, state, found_on)
            SELECT tenant_id, pair_id, lead_a, lead_b, score, string_to_array(reasons, ','), 'open', :found_on
            FROM unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[]), CAST(:a AS uuid[]), CAST(:b AS uuid[]),
                        CAST(:scores AS float8[]), CAST(:reasons AS text[]))
                 AS t (tenant_id, pair_id, lead_a, lead_b, score, reasons)
            ORDER BY tenant_id, lead_a, lead_b
            ON CONFLICT (tenant_id, lead_a, lead_b) DO NOTHING
            """,
            tenants=[pair.tenant for pair in pairs],
            ids=[uuid7() for _ in pairs],
            a=[pair.lead_ids[0] for pair in pairs],
            b=[pair.lead_ids[1] for pair in pairs],
            scores=[pair.score for pair in pairs],
            reasons=[",".join(pair.reasons) for pair in pairs],
            found_on=found_on,
        )


async def open_pairs(work: UnitOfWork, tenant: str, *, before: UUID | None, limit: int) -> Sequence[Row]:
    """The pairs without a decision, the newest first, except those whose leads are merged already."""
    return await work.fetch(
        f"""
        {_PAIR}
        WHERE d.tenant_id = :tenant AND d.state = 'open' AND (CAST(:before AS uuid) IS NULL OR d.pair_id < :before)
          AND coalesce(a.merged_into, a.lead_id) <> coalesce(b.merged_into, b.lead_id)
        ORDER BY d.pair_id DESC LIMIT :limit
        """,
        tenant=tenant,
        before=before,
        limit=limit,
    )


async def lock_pair(work: UnitOfWork, tenant: str, pair_id: UUID) -> Row | None:
    return await work.fetch_one(
        f"{_PAIR} WHERE d.tenant_id = :tenant AND d.pair_id = :pair FOR UPDATE OF d", tenant=tenant, pair=pair_id
    )


async def store_decision(
    work: UnitOfWork, tenant: str, pair_id: UUID, state: str, *, by: str, merge_id: UUID | None = None
) -> None:
    await work.run(
        """
        UPDATE duplicate SET state = :state, merge_id = :merge, decided_on = :now, decided_by = :by
        WHERE tenant_id = :tenant AND pair_id = :pair
        """,
        tenant=tenant,
        pair=pair_id,
        state=state,
        merge=merge_id,
        now=work.now,
        by=by,
    )


async def decide_by_merge(work: UnitOfWork, tenant: str, a: UUID, b: UUID, merge_id: UUID, by: str) -> None:
    """Decide the pair of two merged leads, if there is one."""
    first, second = sorted((a, b))
    await work.run(
        """
        UPDATE duplicate SET state = 'merged', merge_id = :merge, decided_on = :now, decided_by = :by
        WHERE tenant_id = :tenant AND lead_a = :a AND lead_b = :b
        """,
        tenant=tenant,
        a=first,
        b=second,
        merge=merge_id,
        now=work.now,
        by=by,
    )


async def reopen(work: UnitOfWork, tenant: str, merge_id: UUID) -> None:
    """Open the pair of an undone merge, if there is one, for another decision."""
    await work.run(
        """
        UPDATE duplicate SET state = 'open', merge_id = NULL, decided_on = NULL, decided_by = NULL
        WHERE tenant_id = :tenant AND merge_id = :merge
        """,
        tenant=tenant,
        merge=merge_id,
    )
