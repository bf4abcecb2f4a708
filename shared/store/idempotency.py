"""Idempotency keys: the answer that the first request with a key was given."""

from collections.abc import Iterable
from uuid import UUID

from shared.db import Row
from shared.db.transaction import Transaction

KEPT = "2 days"
"""How long a key is known; a SQL interval."""


async def reserve(work: Transaction, route: str, key: str, request_digest: bytes) -> bool:
    """Reserve a key within the tenant and the route; False when a request has used it before."""
    return bool(
        await work.run(
            """
            INSERT INTO idempotency (tenant_id, route, key, request_digest, status, body)
            VALUES (:tenant, :route, :key, :digest, 0, '') ON CONFLICT DO NOTHING
            """,
            tenant=work.tenants[0],
            route=route,
            key=key,
            digest=request_digest,
        )
    )


async def store_answer(
    work: Transaction, route: str, key: str, *, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """Keep the answer of the request that has reserved the key."""
    await work.run(
        """
        UPDATE idempotency SET status = :status, body = :body, headers = CAST(:headers AS jsonb)
        WHERE tenant_id = :tenant AND route = :route AND key = :key
        """,
        tenant=work.tenants[0],
        route=route,
        key=key,
        status=status,
        body=body,
        headers=headers,
    )


async def find(work: Transaction, route: str, key: str) -> Row | None:
    """The request and the answer that are known for a key: `request_digest`, `status`, `body`, `headers`."""
    return await work.fetch_one(
        """
        SELECT request_digest, status, body, headers FROM idempotency
        WHERE tenant_id = :tenant AND route = :route AND key = :key
        """,
        tenant=work.tenants[0],
        route=route,
        key=key,
    )


async def delete_answers(work: Transaction, tenant: str, ids: Iterable[UUID]) -> None:
    """Delete the answers that name one of these ids, with their keys: what they say of a person is erased."""
    await work.run(
        """
        DELETE FROM idempotency i
        WHERE i.tenant_id = :tenant AND EXISTS (
            SELECT FROM unnest(CAST(:ids AS text[])) AS w (id) WHERE position(convert_to(w.id, 'UTF8') IN i.body) > 0)
        """,
        tenant=tenant,
        ids=[str(id) for id in ids],
    )


async def delete_old(work: Transaction, limit: int) -> int:
    """Delete up to `limit` keys that are older than two days; how many there were."""
    return await work.run(
        f"""
        DELETE FROM idempotency WHERE (tenant_id, route, key) IN (
            SELECT tenant_id, route, key FROM idempotency
            WHERE at < clock_timestamp() - interval '{KEPT}' LIMIT :limit)
        """,
        limit=limit,
    )
