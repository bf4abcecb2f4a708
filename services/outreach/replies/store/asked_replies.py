"""Queries on the replies that a language model is asked about."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.outreach.store.due import in_turn
from shared.db import UnitOfWork


class AskedReply(NamedTuple):
    """A reply that needs a label. `because`: why the rules left it to a human."""

    text: str
    subject: str
    channel: str
    because: str


_DUE = in_turn(
    "reply",
    "reply_id",
    "received_at",
    "needs_human",
    """
    received_at >= :since AND method <> 'human' AND asked < :attempts AND newest <> ''
    AND (ask_after IS NULL OR ask_after <= :now)
    """,
)


async def due(work: UnitOfWork, since: datetime, attempts: int, limit: int) -> Sequence[tuple[str, UUID]]:
    """(tenant, id) of replies to ask about: the tenants in turn, of each the oldest first.

    The replies of a tenant that has used up its tokens stay due, and keep none of another waiting.
    """
    rows = await work.fetch_tuples(_DUE, since=since, attempts=attempts, now=work.now, limit=limit)
    return [(tenant, reply_id) for tenant, reply_id in rows]


async def take(work: UnitOfWork, tenant: str, reply_id: UUID, attempts: int, again: datetime) -> AskedReply | None:
    """Count an attempt, and leave the reply to this process until `again`; None when somebody else has it."""
    row = await work.fetch_one(
        """
        UPDATE reply SET asked = asked + 1, ask_after = :again
        WHERE tenant_id = :tenant AND reply_id = :reply AND needs_human AND method <> 'human' AND asked < :attempts
          AND (ask_after IS NULL OR ask_after <= :now)
        RETURNING newest, coalesce(subject, '') AS subject, channel, coalesce(because, '') AS because
        """,
        tenant=tenant,
        reply=reply_id,
        attempts=attempts,
        again=again,
        now=work.now,
    )
    return AskedReply(row["newest"], row["subject"], row["channel"], row["because"]) if row else None


async def leave(work: UnitOfWork, tenant: str, reply_id: UUID, attempts: int) -> None:
    """Ask no more: the answer was none, and the same question would bring the same one."""
    await work.run(
        "UPDATE reply SET asked = :attempts WHERE tenant_id = :tenant AND reply_id = :reply",
        attempts=attempts,
        tenant=tenant,
        reply=reply_id,
    )
