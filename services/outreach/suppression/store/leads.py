"""Queries on leads by their addresses, and on which of them have opted out."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.outreach.store import Lead
from services.outreach.suppression.rules import Suppression, blocklists
from shared.db import UnitOfWork
from shared.ids import LeadKey


async def blocklisted_among(work: UnitOfWork, leads: Sequence[Lead]) -> set[LeadKey]:
    """Those of the leads, not opted out for good yet, whose address or domain is blocklisted (`rules.blocklists`).

    A row caused by a reply of the lead itself does not count here: it holds only as long as the reply's label does.
    """
    if not leads:
        return set()
    rows = await work.fetch(
        """
        SELECT DISTINCT l.tenant_id, l.lead_id, s.channel, s.how
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        JOIN suppression s ON s.tenant_id = l.tenant_id
             AND (s.address_hash IN (l.email_hash, l.phone_hash) OR s.domain_hash = l.domain_hash)
        WHERE NOT l.opted_out_for_good
          AND NOT EXISTS (SELECT FROM suppression_retraction r
                          WHERE r.tenant_id = s.tenant_id AND r.suppression_id = s.suppression_id)
          AND NOT EXISTS (SELECT FROM reply y LEFT JOIN alias a
                          ON a.tenant_id = y.tenant_id AND a.alias_id = y.lead_id AND NOT a.undone
                          WHERE y.tenant_id = s.tenant_id AND y.reply_id = s.reply_id AND s.how = 'reply'
                            AND l.lead_id IN (y.lead_id, a.lead_id))
        """,
        tenants=[lead.tenant for lead in leads],
        leads=[lead.lead_id for lead in leads],
    )
    return {(row["tenant_id"], row["lead_id"]) for row in rows if blocklists([Suppression(row["channel"], row["how"])])}


async def leads_with(
    work: UnitOfWork, tenant: str, hash: bytes, *, after: UUID | None = None, limit: int | None = None
) -> list[UUID]:
    """Ids of the leads with this address or mail domain, in order: all of them, or a page."""
    rows = await work.fetch(
        """
        SELECT lead_id FROM lead WHERE tenant_id = :tenant
          AND (email_hash = :hash OR phone_hash = :hash OR domain_hash = :hash)
          AND (CAST(:after AS uuid) IS NULL OR lead_id > CAST(:after AS uuid))
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        hash=hash,
        after=after,
        limit=limit,
    )
    return [row["lead_id"] for row in rows]


async def mark_opted_out(
    work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], *, for_good: bool = True
) -> list[UUID]:
    """Mark the leads as opted out; those of them that were not yet.

    `for_good` is false for an opt-out by reply: a corrected label retracts it.
    """
    return await _mark(work, tenant, "lead_id = ANY (:leads)", for_good, leads=list(lead_ids))


async def mark_all_with(work: UnitOfWork, tenant: str, hash: bytes, besides: Collection[UUID]) -> list[UUID]:
    """Mark all leads with this address as opted out for good, besides these; those of them that were not yet."""
    whose = "(email_hash = :hash OR phone_hash = :hash) AND NOT opted_out_for_good AND lead_id <> ALL (:besides)"
    return await _mark(work, tenant, whose, for_good=True, hash=hash, besides=list(besides))


async def _mark(work: UnitOfWork, tenant: str, whose: str, for_good: bool, **named: Any) -> list[UUID]:
    rows = await work.fetch_tuples(
        f"""
        UPDATE lead l SET opted_out_at = coalesce(l.opted_out_at, :now), opted_out_for_good = :for_good
        FROM (SELECT lead_id FROM lead WHERE tenant_id = :tenant AND {whose} ORDER BY lead_id FOR UPDATE) w
        WHERE l.tenant_id = :tenant AND l.lead_id = w.lead_id AND NOT l.opted_out_for_good
          AND (:for_good OR l.opted_out_at IS NULL)
        RETURNING l.lead_id
        """,
        now=work.now,
        for_good=for_good,
        tenant=tenant,
        **named,
    )
    return [lead_id for (lead_id,) in rows]


async def clear_opt_out(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> None:
    """Clear the opt-out of a lead and its aliases, unless it is for good or another reply is labelled `opt_out`.

    Their channels are checked again: those of a lead that has opted out are not.
    """
    await work.run(
        """
        UPDATE lead SET opted_out_at = NULL, exhaust_due = least(exhaust_due, :now)
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND NOT opted_out_for_good AND NOT EXISTS (
            SELECT FROM reply WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND label = 'opt_out')
        """,
        now=work.now,
        tenant=tenant,
        leads=list(lead_ids),
    )
