"""Queries on raw mails that were received and not read yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.outreach.store.due import in_turn
from shared.db import UnitOfWork


class StoredMail(NamedTuple):
    """A raw mail that was not read yet, and how often that was tried."""

    raw: bytes
    received_at: datetime
    attempts: int


async def add(work: UnitOfWork, tenant: str, mail_id: UUID, raw: bytes, due_at: datetime) -> None:
    """Store a raw mail, received now."""
    await work.run(
        """
        INSERT INTO inbound_mail (tenant_id, mail_id, raw, received_at, due_at)
        VALUES (:tenant, :mail, :raw, :now, :due)
        """,
        tenant=tenant,
        mail=mail_id,
        raw=raw,
        now=work.now,
        due=due_at,
    )


_DUE = in_turn("inbound_mail", "mail_id", "due_at", "true", "due_at <= :now")


async def due(work: UnitOfWork, limit: int) -> Sequence[tuple[str, UUID]]:
    """(tenant, id) of mails that are due to be read: the tenants in turn, of each those that have waited longest."""
    rows = await work.fetch_tuples(_DUE, now=work.now, limit=limit)
    return [(tenant, mail_id) for tenant, mail_id in rows]


async def get(work: UnitOfWork, tenant: str, mail_id: UUID) -> StoredMail | None:
    """A mail that was not read yet; None once it was."""
    row = await work.fetch_one(
        "SELECT raw, received_at, attempts FROM inbound_mail WHERE tenant_id = :tenant AND mail_id = :mail",
        tenant=tenant,
        mail=mail_id,
    )
    return StoredMail(bytes(row["raw"]), row["received_at"], row["attempts"]) if row else None


async def lock(work: UnitOfWork, tenant: str, mail_id: UUID) -> bool:
    """Lock a mail that was not read yet; False once it was, and while somebody else records what it says."""
    row = await work.fetch_one(
        """
        SELECT mail_id FROM inbound_mail WHERE tenant_id = :tenant AND mail_id = :mail FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
        mail=mail_id,
    )
    return row is not None


async def delete(work: UnitOfWork, tenant: str, mail_id: UUID) -> None:
    """The mail was read."""
    await work.run(
        "DELETE FROM inbound_mail WHERE tenant_id = :tenant AND mail_id = :mail", tenant=tenant, mail=mail_id
    )


async def postpone(work: UnitOfWork, tenant: str, mail_id: UUID, due_at: datetime, problem: str) -> None:
    """An attempt to read the mail failed: count it, and try again at `due_at`."""
    await work.run(
        """
        UPDATE inbound_mail SET attempts = attempts + 1, due_at = :due, problem = :problem
        WHERE tenant_id = :tenant AND mail_id = :mail
        """,
        tenant=tenant,
        mail=mail_id,
        due=due_at,
        problem=problem,
    )


async def release(work: UnitOfWork, tenant: str, mail_id: UUID) -> None:
    """Let a worker read the mail at once."""
    await work.run(
        "UPDATE inbound_mail SET due_at = :now WHERE tenant_id = :tenant AND mail_id = :mail",
        now=work.now,
        tenant=tenant,
        mail=mail_id,
    )
