"""Queries on dispatches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork
from shared.ids import uuid7


@dataclass(frozen=True, slots=True)
class Approved:
    """A draft that a human has just approved, as far as sending it goes."""

    tenant: str
    draft_id: UUID
    sha256: str
    lead_id: UUID
    kind: str
    channel: str
    address_hash: bytes
    mailbox: str
    cause_at: datetime


async def queue(work: UnitOfWork, approved: Approved) -> UUID:
    """A dispatch for an approved draft, due at once. The database refuses it without the approval."""
    dispatch_id = uuid7()
    await work.run(
        """
        INSERT INTO dispatch (tenant_id, dispatch_id, draft_id, sha256, lead_id, kind, channel, address_hash, mailbox,
                              cause_at, due_at, created_at)
        VALUES (:tenant, :dispatch, :draft, :sha256, :lead, :kind, :channel, :hash, :mailbox, :cause_at, :now, :now)
        """,
        tenant=approved.tenant,
        dispatch=dispatch_id,
        draft=approved.draft_id,
        sha256=approved.sha256,
        lead=approved.lead_id,
        kind=approved.kind,
        channel=approved.channel,
        hash=approved.address_hash,
        mailbox=approved.mailbox,
        cause_at=approved.cause_at,
        now=work.now,
    )
    return dispatch_id


async def next_due(work: UnitOfWork, spread: int) -> RowMapping | None:
    """One of the dispatches that are due longest; senders side by side pick different ones."""
    return await work.fetch_one(
        """
        SELECT * FROM (
            SELECT tenant_id, dispatch_id, channel, address_hash, lead_id FROM dispatch
            WHERE state = 'queued' AND due_at <= :now ORDER BY due_at LIMIT :spread
        ) d ORDER BY random() LIMIT 1
        """,
        now=work.now,
        spread=spread,
    )


_WHOLE = """
    SELECT d.*, c.canonical, c.from_address, c.to_address, c.subject, c.body, c.headers
    FROM dispatch d
    JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
"""


async def lock_due(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> RowMapping | None:
    """The dispatch with its text, locked; None when another has it or it is not due any more."""
    return await work.fetch_one(
        f"""{_WHOLE} WHERE d.tenant_id = :tenant AND d.dispatch_id = :dispatch AND d.state = 'queued'
            AND d.due_at <= :now FOR UPDATE OF d SKIP LOCKED""",
        tenant=tenant,
        dispatch=dispatch_id,
        now=work.now,
    )


async def lock(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> RowMapping | None:
    """The dispatch with its text, locked; None when it is not there (any more)."""
    return await work.fetch_one(
        f"{_WHOLE} WHERE d.tenant_id = :tenant AND d.dispatch_id = :dispatch FOR UPDATE OF d",
        tenant=tenant,
        dispatch=dispatch_id,
    )


@dataclass(frozen=True, slots=True)
class MailboxUse:
    """What a mailbox has sent on this UTC day; its row is locked."""

    sent_today: int
    last_at: datetime | None


async def lock_mailbox(work: UnitOfWork, tenant: str, address: str) -> MailboxUse:
    """How much the mailbox has sent today, and when it last did."""
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


async def last_turn(work: UnitOfWork, tenant: str, address: str, reason: str) -> datetime | None:
    """When the last of those is due who wait for the (locked) mailbox for this reason; None when nobody does."""
    row = await work.fetch_one(
        """
        SELECT max(due_at) AS at FROM dispatch
        WHERE tenant_id = :tenant AND mailbox = :address AND state = 'queued' AND due_at > :now AND reason = :reason
        """,
        tenant=tenant,
        address=address,
        now=work.now,
        reason=reason,
    )
    return row["at"] if row else None


async def count_mailbox(work: UnitOfWork, tenant: str, address: str, sent_today: int) -> None:
    """One more attempt from the mailbox."""
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


async def begin(work: UnitOfWork, row: RowMapping, message_id: str, lease: timedelta) -> None:
    """Store `sending` with its Message-ID, before the first byte goes out. The lease is by the database's own clock."""
    await work.run(
        """
        UPDATE dispatch SET state = 'sending', message_id = :message_id, attempts = attempts + 1, reason = NULL,
               first_tried_at = coalesce(first_tried_at, :now), sending_at = :now,
               lease_until = clock_timestamp() + :lease
        WHERE tenant_id = :tenant AND dispatch_id = :dispatch
        """,
        message_id=message_id,
        now=work.now,
        lease=lease,
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
    )


async def change(work: UnitOfWork, row: RowMapping, state: str, **columns: Any) -> None:
    """Another state, with the columns that go with it."""
    names = ", ".join(f"{name} = :{name}" for name in columns)
    await work.run(
        f"""
        UPDATE dispatch SET state = :state{", " + names if names else ""}
        WHERE tenant_id = :tenant AND dispatch_id = :dispatch
        """,
        state=state,
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
        **columns,
    )


async def overdue(work: UnitOfWork, limit: int = 100) -> Sequence[RowMapping]:
    """Dispatches whose lease ran out in `sending`: nobody knows whether they left."""
    return await work.fetch(
        """
        SELECT tenant_id, dispatch_id FROM dispatch
        WHERE state = 'sending' AND lease_until < clock_timestamp() ORDER BY lease_until LIMIT :limit
        """,
        limit=limit,
    )


async def by_provider_id(work: UnitOfWork, tenant: str, sid: str) -> RowMapping | None:
    """The dispatch that a provider knows by this id."""
    return await work.fetch_one(
        f"{_WHOLE} WHERE d.tenant_id = :tenant AND (d.provider_id = :sid OR d.message_id = :sid)",
        tenant=tenant,
        sid=sid,
    )


async def uses(
    work: UnitOfWork, tenant: str, address_hash: bytes, since: datetime | None
) -> tuple[int, datetime | None]:
    """(messages that went out to an address since then, when the last did); nurture check-ins do not count."""
    row = await work.fetch_one(
        """
        SELECT count(*) AS n, max(sent_at) AS last_at FROM dispatch
        WHERE tenant_id = :tenant AND address_hash = :hash AND state = 'sent' AND kind <> 'nurture'
          AND (CAST(:since AS timestamptz) IS NULL OR sent_at > CAST(:since AS timestamptz))
        """,
        tenant=tenant,
        hash=address_hash,
        since=since,
    )
    assert row is not None
    return row["n"], row["last_at"]


async def page(
    work: UnitOfWork, tenant: str, filters: dict[str, Any], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RowMapping]:
    """Dispatches, the newest first. `filters`: column -> value, only columns of `dispatch`."""
    conditions = "".join(f" AND {column} = :{column}" for column in filters)
    after = " AND (created_at, dispatch_id) < (:before_at, :before_id)" if before else ""
    return await work.fetch(
        f"""
        SELECT * FROM dispatch WHERE tenant_id = :tenant{conditions}{after}
        ORDER BY created_at DESC, dispatch_id DESC LIMIT :limit
        """,
        tenant=tenant,
        limit=limit,
        **({"before_at": before[0], "before_id": before[1]} if before else {}),
        **filters,
    )


async def annotate(work: UnitOfWork, row: RowMapping, note: str) -> None:
    """A word on a dispatch that leaves its state alone."""
    await work.run(
        "UPDATE dispatch SET note = :note WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        note=note,
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
    )
