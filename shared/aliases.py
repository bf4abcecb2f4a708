"""Merged leads. A row keeps the lead id it came with; which lead it belongs to now is read here.

So a merge and its undo are one row, and no service rewrites its history.
"""

from collections.abc import Iterable
from uuid import UUID

from shared.db import UnitOfWork
from shared.events import LeadMerged, Received

Lead = tuple[str, UUID]
"""(tenant, lead id): the identity of a lead."""


async def apply_merge(work: UnitOfWork, received: Received[LeadMerged]) -> bool:
    """Remember a merge or its undo; False when a later version of the same alias is known already."""
    event = received.event
    return bool(
        await work.run(
            """
            INSERT INTO alias (tenant_id, alias_id, lead_id, merge_id, version, undone)
            VALUES (:tenant, :alias, :lead, :merge, :version, :undone)
            ON CONFLICT (tenant_id, alias_id) DO UPDATE
            SET lead_id = excluded.lead_id, merge_id = excluded.merge_id,
                version = excluded.version, undone = excluded.undone
            WHERE alias.version < excluded.version
            """,
            tenant=received.tenant,
            alias=event.alias_id,
            lead=received.lead_id,
            merge=event.merge_id,
            version=event.version,
            undone=event.undone,
        )
    )


async def resolve(work: UnitOfWork, leads: Iterable[Lead]) -> dict[Lead, UUID]:
    """The lead that each id stands for now (itself, where it was never merged)."""
    wanted = list(set(leads))
    rows = await work.fetch(
        """
        SELECT a.tenant_id, a.alias_id, a.lead_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, alias_id)
        JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.alias_id AND NOT a.undone
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    kept = {(row["tenant_id"], row["alias_id"]): row["lead_id"] for row in rows}
    return {lead: kept.get(lead, lead[1]) for lead in wanted}


async def aliases_of(work: UnitOfWork, leads: Iterable[Lead]) -> dict[Lead, list[UUID]]:
    """For each lead, the ids that are other names of it now."""
    wanted = list(set(leads))
    found: dict[Lead, list[UUID]] = {lead: [] for lead in wanted}
    rows = await work.fetch(
        """
        SELECT a.tenant_id, a.lead_id, a.alias_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN alias a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id AND NOT a.undone
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    for row in rows:
        found[row["tenant_id"], row["lead_id"]].append(row["alias_id"])
    return found


async def remember_erased(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """From now on, what comes of this lead is dropped. Its dead letters go at once."""
    await work.run(
        "INSERT INTO erased (tenant_id, lead_id) VALUES (:tenant, :lead) ON CONFLICT DO NOTHING",
        tenant=tenant,
        lead=lead_id,
    )
    await work.run(
        "DELETE FROM dead_letter WHERE tenant_id = :tenant AND subject = :subject", tenant=tenant, subject=str(lead_id)
    )


async def erased_among(work: UnitOfWork, leads: Iterable[Lead]) -> set[Lead]:
    """Those of the leads that were erased."""
    wanted = list(set(leads))
    rows = await work.fetch(
        """
        SELECT e.tenant_id, e.lead_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN erased e ON e.tenant_id = w.tenant_id AND e.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return {(row["tenant_id"], row["lead_id"]) for row in rows}
