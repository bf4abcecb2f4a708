"""Queries on the reply models that tenants have trained, and on the labels that they are trained with."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from shared.db import UnitOfWork


class HumanLabel(NamedTuple):
    """A reply and the label that a person gave it."""

    text: str
    subject: str
    channel: str
    label: str


async def human_labels(work: UnitOfWork, tenant: str, limit: int) -> Sequence[HumanLabel]:
    """The latest labels of the tenant's people, the oldest of them first. Delivery reports have none."""
    rows = await work.fetch_tuples(
        """
        SELECT newest, coalesce(subject, ''), channel, label FROM reply
        WHERE tenant_id = :tenant AND method = 'human' AND label <> 'bounce' AND newest <> ''
        ORDER BY labelled_at DESC, reply_id DESC LIMIT :limit
        """,
        tenant=tenant,
        limit=limit,
    )
    return [HumanLabel(*row) for row in reversed(rows)]


async def digest_of(work: UnitOfWork, tenant: str) -> bytes | None:
    """The SHA-256 of the tenant's model; None where the shipped one labels its replies."""
    row = await work.fetch_one("SELECT digest FROM reply_model WHERE tenant_id = :tenant", tenant=tenant)
    return bytes(row["digest"]) if row else None


async def get(work: UnitOfWork, tenant: str) -> bytes | None:
    """The tenant's model."""
    row = await work.fetch_one("SELECT model FROM reply_model WHERE tenant_id = :tenant", tenant=tenant)
    return bytes(row["model"]) if row else None


async def save(work: UnitOfWork, tenant: str, model: bytes, replies: int, figures: dict[str, Any]) -> None:
    """Let this model label the tenant's replies from now on, instead of any other."""
    await work.run(
        """
        INSERT INTO reply_model (tenant_id, digest, model, replies, figures, trained_at)
        VALUES (:tenant, :digest, :model, :replies, CAST(:figures AS jsonb), :now)
        ON CONFLICT (tenant_id) DO UPDATE SET digest = excluded.digest, model = excluded.model,
            replies = excluded.replies, figures = excluded.figures, trained_at = excluded.trained_at
        """,
        tenant=tenant,
        digest=sha256(model).digest(),
        model=model,
        replies=replies,
        figures=orjson.dumps(figures).decode(),
        now=work.now,
    )


async def delete(work: UnitOfWork, tenant: str) -> bool:
    """Go back to the shipped model; False where the tenant had no other."""
    return bool(await work.run("DELETE FROM reply_model WHERE tenant_id = :tenant", tenant=tenant))
