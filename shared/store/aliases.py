"""Merged leads: the ids that are aliases, and the lead that each belongs to now.

Every row of a service keeps the lead id that it was received with, and the alias is applied on reading. So a merge and
its undo change one row, and no service rewrites its history.
"""

from collections.abc import Iterable
from uuid import UUID

from shared.db.transaction import Transaction
from shared.events import LeadMerged, Received
from shared.ids import LeadKey


async def apply_merge(work: Transaction, received: Received[LeadMerged]) -> bool:
    """Store a merge or its undo; False when the same or a later version of the alias is stored already."""
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


async def resolve(work: Transaction, leads: Iterable[LeadKey]) -> dict[LeadKey, UUID]:
    """The lead that each id belongs to now (itself, unless it is an alias)."""
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


async def aliases_of(work: Transaction, leads: Iterable[LeadKey]) -> dict[LeadKey, list[UUID]]:
    """For each lead, the ids that are aliases of it now."""
    wanted = list(set(leads))
    found: dict[LeadKey, list[UUID]] = {lead: [] for lead in wanted}
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
