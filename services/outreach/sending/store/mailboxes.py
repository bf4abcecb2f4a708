"""Queries on mailboxes: how much each has sent today, when it last did, and which domains they may be in."""

from dataclasses import dataclass
from datetime import date, datetime

from shared.db import Row, UnitOfWork


@dataclass(frozen=True, slots=True)
class MailboxUse:
    """What a mailbox has sent on this UTC day."""

    sent_today: int
    last_at: datetime | None


async def lock_mailbox(work: UnitOfWork, tenant: str, address: str) -> MailboxUse:
    """What the mailbox has sent; its row, made where it is missing, is locked until the transaction ends."""
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
    return _use(row, today)


async def mailbox_use(work: UnitOfWork, tenant: str, address: str) -> MailboxUse:
    """What the mailbox has sent today. Its row is not locked."""
    row = await work.fetch_one(
        "SELECT * FROM mailbox WHERE tenant_id = :tenant AND address = :address", tenant=tenant, address=address
    )
    return _use(row, work.now.date()) if row else MailboxUse(0, None)


def _use(row: Row, today: date) -> MailboxUse:
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


async def give_back_attempt(work: UnitOfWork, tenant: str, address: str, tried_at: datetime) -> None:
    """Take an attempt at that time off the count of its day: it provably sent nothing. The spacing counts from it."""
    await work.run(
        """
        UPDATE mailbox SET sent = sent - 1 WHERE tenant_id = :tenant AND address = :address AND day = :day AND sent > 0
        """,
        tenant=tenant,
        address=address,
        day=tried_at.date(),
    )


async def sending_domains(work: UnitOfWork, tenant: str) -> list[str]:
    """The domains that the tenant was given, in alphabetical order."""
    rows = await work.fetch(
        "SELECT domain FROM sending_domain WHERE tenant_id = :tenant ORDER BY domain", tenant=tenant
    )
    return [row["domain"] for row in rows]


async def allow_domain(work: UnitOfWork, tenant: str, domain: str) -> bool:
    """Give the domain to the tenant; False when it belongs to another one."""
    await work.run(
        """
        INSERT INTO sending_domain (tenant_id, domain, allowed_at) VALUES (:tenant, :domain, :now)
        ON CONFLICT (domain) DO NOTHING
        """,
        tenant=tenant,
        domain=domain,
        now=work.now,
    )
    return domain in await sending_domains(work, tenant)


async def withdraw_domain(work: UnitOfWork, tenant: str, domain: str) -> bool:
    """Take the domain from the tenant; False when it had not been given it."""
    rows = await work.fetch(
        "DELETE FROM sending_domain WHERE tenant_id = :tenant AND domain = :domain RETURNING domain",
        tenant=tenant,
        domain=domain,
    )
    return bool(rows)
