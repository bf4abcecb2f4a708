"""The inbox: the digests of events that were received, so that a repeated one changes nothing."""

from collections.abc import Sequence
from typing import Any

from shared.db.transaction import Transaction
from shared.events.envelope import Received

KEPT = "30 days"
"""How long a received event is known; a SQL interval."""


async def first_deliveries(work: Transaction, batch: Sequence[Received[Any]]) -> list[Received[Any]]:
    """Those of the batch that the inbox did not know, in order; from now on it knows them."""
    first = {(received.tenant, received.digest): received for received in reversed(batch)}
    keys = sorted(first, key=lambda key: (key[0], key[1].int))
    rows = await work.fetch_tuples(
        """
        INSERT INTO inbox (tenant_id, digest)
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:digests AS uuid[]))
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, digest
        """,
        tenants=[tenant for tenant, _ in keys],
        digests=[digest for _, digest in keys],
    )
    fresh = {(tenant, digest) for tenant, digest in rows}
    return [r for r in batch if (r.tenant, r.digest) in fresh and first[r.tenant, r.digest] is r]


async def delete_old(work: Transaction, limit: int) -> int:
    """Delete up to `limit` entries that are older than 30 days; how many there were."""
    return await work.run(
        f"""
        DELETE FROM inbox WHERE (tenant_id, digest) IN (
            SELECT tenant_id, digest FROM inbox WHERE seen_on < clock_timestamp() - interval '{KEPT}' LIMIT :limit)
        """,
        limit=limit,
    )
