"""The inbox: the digests of events that were received, so that a repeated one changes nothing."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.db.transaction import Transaction
from shared.events.envelope import Received
from shared.ids import EventKey

KEPT = "30 days"
"""How long a received event is known; a SQL interval."""

KEPT_FOR_EVER = "lead.submitted"
"""The type of the events that stay known. A submission without an external id that is read again later would make a
second lead once the first one's address has changed, and bring back a person who was erased. A digest is no personal
data, so it outlives them."""

DELETE_OLD = f"""
    DELETE FROM inbox WHERE (tenant_id, digest, type) IN (
        SELECT tenant_id, digest, type FROM inbox
        WHERE seen_on < now() - interval '{KEPT}' AND type <> '{KEPT_FOR_EVER}' LIMIT :limit)
"""


async def first_deliveries(work: Transaction, batch: Sequence[Received[Any]]) -> list[Received[Any]]:
    """Those of the batch that the inbox did not know, in order; from now on it knows them.

    Entries that were written before migration 0002 have the type '', which matches every type.
    """
    fresh = await first_of(work, [received.key for received in batch])
    return [received for received in batch if received.key in fresh]


async def without_repetitions(
    work: Transaction, batch: Sequence[Received[Any]], types: Collection[str]
) -> list[Received[Any]]:
    """The batch without those events of these types that the inbox knew; from now on it knows them.

    For a use case whose own table knows all other events.
    """
    guarded = [received.key for received in batch if received.type in types]
    fresh = await first_of(work, guarded) if guarded else set()
    return [received for received in batch if received.type not in types or received.key in fresh]


async def first_of(work: Transaction, events: Iterable[EventKey]) -> set[EventKey]:
    """Those of the events that the inbox did not know; from now on it knows them."""
    keys = sorted(events, key=lambda key: (key[0], key[2].int, key[1]))
    rows = await work.fetch_tuples(
        """
        INSERT INTO inbox (tenant_id, type, digest)
        SELECT n.tenant_id, n.type, n.digest
        FROM unnest(CAST(:tenants AS text[]), CAST(:types AS text[]), CAST(:digests AS uuid[]))
             AS n (tenant_id, type, digest)
        WHERE NOT EXISTS (
            SELECT FROM inbox i WHERE i.tenant_id = n.tenant_id AND i.digest = n.digest AND i.type = '')
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, type, digest
        """,
        tenants=[tenant for tenant, _, _ in keys],
        types=[type for _, type, _ in keys],
        digests=[digest for _, _, digest in keys],
    )
    return {(tenant, type, digest) for tenant, type, digest in rows}


async def known_among(work: Transaction, events: Iterable[EventKey]) -> set[EventKey]:
    """Those of the events that the inbox knows."""
    keys = list(events)
    rows = await work.fetch_tuples(
        """
        SELECT i.tenant_id, i.type, i.digest
        FROM unnest(CAST(:tenants AS text[]), CAST(:types AS text[]), CAST(:digests AS uuid[]))
             AS n (tenant_id, type, digest)
        JOIN inbox i ON i.tenant_id = n.tenant_id AND i.digest = n.digest AND i.type = n.type
        """,
        tenants=[tenant for tenant, _, _ in keys],
        types=[type for _, type, _ in keys],
        digests=[digest for _, _, digest in keys],
    )
    return {(tenant, type, digest) for tenant, type, digest in rows}


async def delete_old(work: Transaction, limit: int) -> int:
    """Delete up to `limit` entries that are older than 30 days; how many there were. Submissions stay known."""
    return await work.run(DELETE_OLD, limit=limit)
