"""Who may count at the same time.

Counting takes the tenant's lock shared, so consumers on all replicas count side by side. Whatever changes what is to be
counted (a new series, a recount) or who belongs to whom (a merge, an erasure) takes it alone: then nobody counts by an
old list of series, and no lead changes its group under anybody's hands. Locks come first in a transaction, in order.
"""

from collections.abc import Mapping

from shared.db import UnitOfWork

_COUNTING = 0x601
_TELLING = 0x602


async def count_together(work: UnitOfWork, tenants: Mapping[str, bool]) -> None:
    """Lock each tenant for counting: shared, or (True) alone. Until the end of the transaction."""
    await work.run(
        """
        SELECT CASE WHEN alone THEN pg_advisory_xact_lock(:class, hash)
                    ELSE pg_advisory_xact_lock_shared(:class, hash) END
        FROM (SELECT hashtext(tenant) AS hash, bool_or(alone) AS alone
              FROM unnest(CAST(:tenants AS text[]), CAST(:alone AS boolean[])) AS t (tenant, alone)
              GROUP BY 1 ORDER BY 1) AS wanted
        """,
        **{"class": _COUNTING},
        tenants=list(tenants),
        alone=list(tenants.values()),
    )


async def count_alone(work: UnitOfWork, tenant: str) -> None:
    """Lock a tenant so that nobody else counts for it until the end of the transaction."""
    await count_together(work, {tenant: True})


async def tell_alone(work: UnitOfWork, tenant: str) -> bool:
    """Whether this transaction is the one that tells of the tenant's progress now; it does not wait for another."""
    row = await work.fetch_one(
        "SELECT pg_try_advisory_xact_lock(:class, hashtext(:tenant)) AS got", **{"class": _TELLING}, tenant=tenant
    )
    return bool(row and row["got"])
