"""Queries on the numbers of drafts. Triggers write them: a change of state adds rows, and the sum is the number."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from shared.db import Row, UnitOfWork

FOLD_ABOVE = 500
"""Rows of a tenant above which they are added up."""


class Count(NamedTuple):
    """How many drafts there are of a state, kind and channel."""

    state: str
    kind: str
    channel: str
    n: int


async def of_tenant(work: UnitOfWork, tenant: str) -> list[Count]:
    """The numbers of all drafts of the tenant."""
    rows = await work.fetch_tuples(
        """
        SELECT state, kind, channel, CAST(sum(n) AS bigint) FROM draft_count WHERE tenant_id = :tenant
        GROUP BY state, kind, channel
        """,
        tenant=tenant,
    )
    return [Count(*row) for row in rows]


async def of_lead(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> list[Count]:
    """The numbers of the drafts of one lead, by all of its ids."""
    rows = await work.fetch_tuples(
        """
        SELECT state, kind, channel, count(*) FROM draft WHERE tenant_id = :tenant AND lead_id = ANY (:leads)
        GROUP BY state, kind, channel
        """,
        tenant=tenant,
        leads=list(lead_ids),
    )
    return [Count(*row) for row in rows]


async def at_work(work: UnitOfWork, tenant: str, actor: str) -> Row:
    """How many pending drafts are claimed, by anybody and by the actor (mine), and how many are snoozed: these are not
    among the others, as in the lists."""
    row = await work.fetch_one(
        """
        SELECT count(*) AS claimed, count(*) FILTER (WHERE claimed_by = :actor) AS mine,
               (SELECT count(*) FROM draft WHERE tenant_id = :tenant AND state = 'pending'
                AND snoozed_until IS NOT NULL AND snoozed_until > :now) AS snoozed
        FROM draft
        WHERE tenant_id = :tenant AND state = 'pending' AND claimed_by IS NOT NULL AND lease_until > :now
          AND (snoozed_until IS NULL OR snoozed_until <= :now)
        """,
        tenant=tenant,
        actor=actor,
        now=work.now,
    )
    assert row is not None
    return row


async def tenants_to_fold(work: UnitOfWork, limit: int) -> Sequence[str]:
    """Tenants whose numbers are in more than FOLD_ABOVE rows."""
    rows = await work.fetch_tuples(
        "SELECT tenant_id FROM draft_count GROUP BY tenant_id HAVING count(*) > :above LIMIT :limit",
        above=FOLD_ABOVE,
        limit=limit,
    )
    return [tenant for (tenant,) in rows]


async def fold(work: UnitOfWork, tenant: str) -> None:
    """Put one row in the place of all rows of a number. Rows that are added meanwhile stay."""
    await work.run(
        """
        WITH gone AS (DELETE FROM draft_count WHERE tenant_id = :tenant RETURNING state, kind, channel, n)
        INSERT INTO draft_count (tenant_id, state, kind, channel, n)
        SELECT :tenant, state, kind, channel, sum(n) FROM gone GROUP BY state, kind, channel HAVING sum(n) <> 0
        """,
        tenant=tenant,
    )
