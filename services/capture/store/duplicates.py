"""Pairs for review: leads that may be one person."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.capture.rules.likeness import Likeness
from services.capture.rules.matching import DuplicatePair
from shared.db import Row, UnitOfWork
from shared.ids import LeadKey, uuid7

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


class KnownPair(NamedTuple):
    """A stored pair. `lead_ids`: the leads that its ids are or are aliases of now."""

    tenant: str
    pair_id: UUID
    lead_ids: tuple[UUID, UUID]
    state: str
    likeness: Likeness

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.likeness.reasons


_MOST_KNOWN = 1_000
"""Pairs of one lead that are read, such as those of the first lead with the phone of a switchboard."""


async def known_pairs(work: UnitOfWork, leads: Iterable[LeadKey]) -> list[KnownPair]:
    """The pairs of these ids, open or decided, except those whose two leads are merged; the newest first."""
    wanted = sorted(set(leads))
    rows = await work.fetch_tuples(
        f"""
        SELECT DISTINCT d.tenant_id, d.pair_id, coalesce(a.merged_into, a.lead_id), coalesce(b.merged_into, b.lead_id),
               d.state, d.score, d.reasons
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        CROSS JOIN LATERAL (
            (SELECT * FROM duplicate WHERE tenant_id = w.tenant_id AND lead_a = w.lead_id LIMIT {_MOST_KNOWN})
          UNION ALL
            (SELECT * FROM duplicate WHERE tenant_id = w.tenant_id AND lead_b = w.lead_id LIMIT {_MOST_KNOWN})
        ) d
        CROSS JOIN LATERAL (
            SELECT lead_id, merged_into FROM lead WHERE tenant_id = d.tenant_id AND lead_id = d.lead_a
            ORDER BY tenant_id, lead_id LIMIT 1
        ) a
        CROSS JOIN LATERAL (
            SELECT lead_id, merged_into FROM lead WHERE tenant_id = d.tenant_id AND lead_id = d.lead_b
            ORDER BY tenant_id, lead_id LIMIT 1
        ) b
        ORDER BY d.pair_id DESC
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead_id for _, lead_id in wanted],
    )
    return [
        KnownPair(tenant, pair_id, (min(a, b), max(a, b)), state, Likeness(score, tuple(reasons)))
        for tenant, pair_id, a, b, state, score, reasons in rows
        if a != b
    ]


async def rescore(work: UnitOfWork, pairs: Sequence[KnownPair]) -> None:
    """Give pairs that are still open the score and the reasons that they have here."""
    if pairs:
        await work.run(
            """
            UPDATE duplicate d SET score = t.score, reasons = string_to_array(t.reasons, ',')
            FROM unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[]), CAST(:scores AS float8[]),
                        CAST(:reasons AS text[])) AS t (tenant_id, pair_id, score, reasons)
            WHERE d.tenant_id = t.tenant_id AND d.pair_id = t.pair_id AND d.state = 'open'
            """,
            tenants=[pair.tenant for pair in pairs],
            ids=[pair.pair_id for pair in pairs],
            scores=[pair.likeness.score for pair in pairs],
            reasons=[",".join(pair.reasons) for pair in pairs],
        )


async def withdraw(work: UnitOfWork, pairs: Sequence[KnownPair]) -> None:
    """Delete pairs that are still open."""
    if pairs:
        await work.run(
            """
            DELETE FROM duplicate d
            USING unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[])) AS t (tenant_id, pair_id)
            WHERE d.tenant_id = t.tenant_id AND d.pair_id = t.pair_id AND d.state = 'open'
            """,
            tenants=[pair.tenant for pair in pairs],
            ids=[pair.pair_id for pair in pairs],
        )


async def delete_of(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """Delete every pair of leads that were erased."""
    if wanted := sorted(set(leads)):
        await work.run(
            """
            DELETE FROM duplicate d
            USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
            WHERE d.tenant_id = w.tenant_id AND (d.lead_a = w.lead_id OR d.lead_b = w.lead_id)
            """,
            tenants=[tenant for tenant, _ in wanted],
            leads=[lead_id for _, lead_id in wanted],
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
    """Decide the pair of two merged leads, if there is one; what a person called distinct stays so."""
    first, second = sorted((a, b))
    await work.run(
        """
        UPDATE duplicate SET state = 'merged', merge_id = :merge, decided_on = :now, decided_by = :by
        WHERE tenant_id = :tenant AND lead_a = :a AND lead_b = :b AND state <> 'distinct'
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
