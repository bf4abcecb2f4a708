"""Web forms, and how often their visitors use them."""

from services.capture.store.public_tokens import PublicTable
from services.capture.tables import FormRow
from shared.db import UnitOfWork

FORMS = PublicTable(FormRow)


async def count_use(work: UnitOfWork, tenant: str, token: str, visitor: bytes, *, seconds: float) -> tuple[int, float]:
    """Count a use of a form by a visitor, known by a hash: how many there were, with this one, in such a time, and the
    seconds until it is over.

    The count is in the database, so that replicas count together and a restart forgets nothing.
    """
    row = await work.fetch_one(
        """
        INSERT INTO form_use AS f (tenant_id, token, visitor, until, uses)
        VALUES (:tenant, :token, :visitor, clock_timestamp() + make_interval(secs => :seconds), 1)
        ON CONFLICT (tenant_id, token, visitor) DO UPDATE
        SET uses = CASE WHEN f.until <= clock_timestamp() THEN 1 ELSE f.uses + 1 END,
            until = CASE WHEN f.until <= clock_timestamp() THEN excluded.until ELSE f.until END
        RETURNING uses, extract(epoch FROM f.until - clock_timestamp())::float8 AS left
        """,
        tenant=tenant,
        token=token,
        visitor=visitor,
        seconds=float(seconds),
    )
    assert row is not None
    return row["uses"], row["left"]


async def tenants_of_past_uses(work: UnitOfWork) -> list[str]:
    """Some tenants with counts that are over."""
    rows = await work.fetch_tuples(
        "SELECT DISTINCT tenant_id FROM (SELECT tenant_id FROM form_use WHERE until < clock_timestamp() LIMIT 1000) f"
    )
    return [tenant for (tenant,) in rows]


async def delete_past_uses(work: UnitOfWork, limit: int) -> int:
    """Delete counts that are over, of the tenants of this transaction; how many there were."""
    return await work.run(
        """
        DELETE FROM form_use WHERE (tenant_id, token, visitor) IN (
            SELECT tenant_id, token, visitor FROM form_use
            WHERE until < clock_timestamp() AND tenant_id = ANY (CAST(:tenants AS text[])) LIMIT :limit)
        """,
        tenants=list(work.tenants),
        limit=limit,
    )
