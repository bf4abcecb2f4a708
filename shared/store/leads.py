"""What all services do alike with the leads that they store, each in a table `lead` of its own."""

from uuid import UUID

from shared.db.transaction import Transaction


async def tenants_with_leads(work: Transaction) -> list[str]:
    """The tenants that have leads here."""
    return [row["tenant_id"] for row in await work.fetch("SELECT DISTINCT tenant_id FROM lead ORDER BY tenant_id")]


async def lock_page(work: Transaction, after: UUID | None, limit: int) -> list[UUID]:
    """The tenant's next leads by id, locked in that order."""
    rows = await work.fetch(
        """
        SELECT lead_id FROM lead WHERE tenant_id = :tenant AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
        ORDER BY lead_id LIMIT :limit FOR UPDATE
        """,
        tenant=work.tenants[0],
        after=after,
        limit=limit,
    )
    return [row["lead_id"] for row in rows]
