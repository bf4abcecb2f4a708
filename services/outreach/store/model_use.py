"""Queries on what a tenant uses of the language model. Days are UTC days."""

from shared.db import UnitOfWork


async def tokens_today(work: UnitOfWork, tenant: str) -> int:
    """The tokens that the tenant has used today."""
    row = await work.fetch_one(
        "SELECT tokens FROM llm_use WHERE tenant_id = :tenant AND day = :day", tenant=tenant, day=work.now.date()
    )
    return int(row["tokens"]) if row else 0


async def add(work: UnitOfWork, tenant: str, tokens: int) -> None:
    """Count one request and its tokens."""
    await work.run(
        """
        INSERT INTO llm_use AS u (tenant_id, day, tokens, requests) VALUES (:tenant, :day, :tokens, 1)
        ON CONFLICT (tenant_id, day)
        DO UPDATE SET tokens = u.tokens + excluded.tokens, requests = u.requests + 1
        """,
        tenant=tenant,
        day=work.now.date(),
        tokens=tokens,
    )
