"""The locks of a tenant's counters and of its progress events; held until the end of the transaction.

Counting takes the lock of the counters shared, so consumers of all replicas count side by side; so does closing a
period, whose report no erasure may pass by. What changes the list
of time series (a new goal), the counters as a whole (a recount) or the groups of merged leads (a merge, an erasure)
takes it exclusively. A transaction takes these locks before it reads, in one order for all tenants.
"""

from collections.abc import Mapping

from shared.db import UnitOfWork

COUNTERS = 0x601
"""The class of the advisory locks on a tenant's counters; the second number is the tenant's hash."""
PROGRESS = 0x602
"""The class of those on publishing a tenant's progress."""


async def lock_counters(work: UnitOfWork, tenants: Mapping[str, bool]) -> None:
    """Lock the counters of each tenant: shared, or (True) exclusively."""
    await work.run(
        """
        SELECT CASE WHEN exclusive THEN pg_advisory_xact_lock(:class, hash)
                    ELSE pg_advisory_xact_lock_shared(:class, hash) END
        FROM (SELECT hashtext(tenant) AS hash, bool_or(exclusive) AS exclusive
              FROM unnest(CAST(:tenants AS text[]), CAST(:exclusive AS boolean[])) AS t (tenant, exclusive)
              GROUP BY 1 ORDER BY 1) AS wanted
        """,
        **{"class": COUNTERS},
        tenants=list(tenants),
        exclusive=list(tenants.values()),
    )


async def lock_counters_exclusively(work: UnitOfWork, tenant: str) -> None:
    """Lock the counters of a tenant, so that no other transaction counts for it."""
    await lock_counters(work, {tenant: True})


async def try_lock_progress(work: UnitOfWork, tenant: str) -> bool:
    """Whether this transaction got the lock on publishing the tenant's progress; it does not wait for it."""
    row = await work.fetch_one(
        "SELECT pg_try_advisory_xact_lock(:class, hashtext(:tenant)) AS got", **{"class": PROGRESS}, tenant=tenant
    )
    return bool(row and row["got"])
