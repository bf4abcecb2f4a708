"""Queries on how far IMAP accounts have been read, and on the lease of the process that reads one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Failing:
    """A mail that the server did not deliver: how often it was tried, and when to try again."""

    attempts: int
    next_at: datetime


@dataclass(slots=True)
class ImapPosition:
    """How far an account has been read. The meaning of each field is in `ImapPositionRow`."""

    mailbox: str = ""
    uidvalidity: int = 0
    uid: int = 0
    failing: dict[int, Failing] = field(default_factory=dict)
    unmarked: list[int] = field(default_factory=list)


async def lease(work: UnitOfWork, tenant: str, account: str, holder: UUID, seconds: float) -> bool:
    """Take the account for this process, or keep it; False while another process has it."""
    row = await work.fetch_one(
        """
        INSERT INTO imap_position (tenant_id, account, holder, lease_until)
        VALUES (:tenant, :account, :holder, clock_timestamp() + make_interval(secs => :seconds))
        ON CONFLICT (tenant_id, account) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
        WHERE imap_position.holder IS NULL OR imap_position.holder = excluded.holder
              OR imap_position.lease_until < clock_timestamp()
        RETURNING holder
        """,
        tenant=tenant,
        account=account,
        holder=holder,
        seconds=seconds,
    )
    return row is not None


async def release(work: UnitOfWork, tenant: str, account: str, holder: UUID) -> None:
    """Leave the account to any other process."""
    await work.run(
        """
        UPDATE imap_position SET holder = NULL, lease_until = NULL
        WHERE tenant_id = :tenant AND account = :account AND holder = :holder
        """,
        tenant=tenant,
        account=account,
        holder=holder,
    )


async def lock_position(work: UnitOfWork, tenant: str, account: str, holder: UUID) -> ImapPosition | None:
    """The position, locked until the end of the transaction; None when another process has the account."""
    row = await work.fetch_one(
        """
        SELECT mailbox, uidvalidity, uid, failing, unmarked FROM imap_position
        WHERE tenant_id = :tenant AND account = :account AND holder = :holder FOR UPDATE
        """,
        tenant=tenant,
        account=account,
        holder=holder,
    )
    if row is None:
        return None
    failing = {int(uid): _failing(each) for uid, each in row["failing"].items()}
    return ImapPosition(row["mailbox"], row["uidvalidity"], row["uid"], failing, list(row["unmarked"]))


def _failing(stored: dict[str, Any]) -> Failing:
    return Failing(stored["attempts"], datetime.fromisoformat(stored["next_at"]))


async def save_position(work: UnitOfWork, tenant: str, account: str, position: ImapPosition) -> None:
    """Store the position of an account that this transaction has locked."""
    failing = {
        str(uid): {"attempts": each.attempts, "next_at": each.next_at.isoformat()}
        for uid, each in position.failing.items()
    }
    await work.run(
        """
        UPDATE imap_position SET mailbox = :mailbox, uidvalidity = :uidvalidity, uid = :uid,
               failing = CAST(:failing AS jsonb), unmarked = CAST(:unmarked AS jsonb)
        WHERE tenant_id = :tenant AND account = :account
        """,
        mailbox=position.mailbox,
        uidvalidity=position.uidvalidity,
        uid=position.uid,
        failing=orjson.dumps(failing).decode(),
        unmarked=orjson.dumps(position.unmarked).decode(),
        tenant=tenant,
        account=account,
    )
