"""Erased leads: who was erased, so that whatever is received of them later is dropped."""

from collections.abc import Iterable
from uuid import UUID

from shared.db.transaction import Transaction
from shared.ids import LeadKey


async def record_erasure(work: Transaction, tenant: str, lead_id: UUID) -> None:
    """Drop from now on whatever is received of this lead. Its dead letters are deleted at once."""
    await work.run(
        "INSERT INTO erased (tenant_id, lead_id) VALUES (:tenant, :lead) ON CONFLICT DO NOTHING",
        tenant=tenant,
        lead=lead_id,
    )
    await work.run(
        "DELETE FROM dead_letter WHERE tenant_id = :tenant AND subject = :subject", tenant=tenant, subject=str(lead_id)
    )


async def erased_among(work: Transaction, leads: Iterable[LeadKey]) -> set[LeadKey]:
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
