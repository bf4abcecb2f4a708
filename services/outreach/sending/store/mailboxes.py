"""Queries on mailboxes: how much each has sent today, and when it last did."""

from dataclasses import dataclass
from datetime import datetime

from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class MailboxUse:
    """What a mailbox has sent on this UTC day. Its row is locked until the transaction ends."""

    sent_today: int
    last_at: datetime | None


async def lock_mailbox(work: UnitOfWork, tenant: str, address: str) -> MailboxUse:
    """Lock the mailbox, creating its row where it is missing."""
    today = work.now.date()
    await work.run(
        "INSERT INTO mailbox (tenant_id, address, day) VALUES (:tenant, :address, :today) ON CONFLICT DO NOTHING",
        tenant=tenant,
        address=address,
        today=today,
    )
    row = await work.fetch_one(
        "SELECT * FROM mailbox WHERE tenant_id = :tenant AND address = :address FOR UPDATE",
        tenant=tenant,
        address=address,
    )
    assert row is not None
    return MailboxUse(row["sent"] if row["day"] == today else 0, row["last_at"])


async def count_attempt(work: UnitOfWork, tenant: str, address: str, sent_today: int) -> None:
    """Count one more attempt of the (locked) mailbox. `sent_today`: the attempts before it."""
    await work.run(
        """
        UPDATE mailbox SET day = :today, sent = :sent, last_at = :now
        WHERE tenant_id = :tenant AND address = :address
        """,
        today=work.now.date(),
        sent=sent_today + 1,
        now=work.now,
        tenant=tenant,
        address=address,
    )
