"""Queries on used-up channels: what was sent to an address, and when each lead's channels are checked next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.outreach.rules import USED_UP_MOVES_FROM
from services.outreach.store.due import in_turn
from shared.db import Row, UnitOfWork
from shared.ids import LeadKey


@dataclass(frozen=True, slots=True)
class SentMessages:
    """How many messages were sent, when the last one was, and whether a sequence with some of them is done."""

    count: int
    last_at: datetime | None
    sequence_done: bool = False


async def sent_since(work: UnitOfWork, tenant: str, address_hash: bytes, since: datetime | None) -> SentMessages:
    """The messages sent to an address since then (None: ever). What is sent to leads in nurture does not count."""
    row = await work.fetch_one(
        """
        SELECT count(*) AS n, max(sent_at) AS last_at, coalesce(bool_or(EXISTS (
            SELECT FROM enrolment e
            WHERE e.tenant_id = d.tenant_id AND e.enrolment_id = d.enrolment_id AND e.state = 'done'
        )), false) AS done
        FROM dispatch d
        WHERE tenant_id = :tenant AND address_hash = :hash AND sending_at IS NOT NULL AND state = 'sent'
          AND kind <> 'nurture' AND uses_up
          AND (CAST(:since AS timestamptz) IS NULL OR sent_at > CAST(:since AS timestamptz))
        """,
        tenant=tenant,
        hash=address_hash,
        since=since,
    )
    assert row is not None
    return SentMessages(row["n"], row["last_at"], row["done"])


_DUE = in_turn("lead", "lead_id", "exhaust_due", "exhaust_due IS NOT NULL", "exhaust_due <= :now")


async def due_for_exhaustion(work: UnitOfWork, limit: int = 100) -> Sequence[Row]:
    """(tenant_id, lead_id) of leads whose channels are due to be checked, the tenants in turn."""
    return await work.fetch(_DUE, now=work.now, limit=limit)


async def mark_exhausted(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Store that `outreach.exhausted` was published for the lead."""
    await work.run(
        "UPDATE lead SET exhausted_at = :now WHERE tenant_id = :tenant AND lead_id = :lead",
        now=work.now,
        tenant=tenant,
        lead=lead_id,
    )


async def set_next_check(work: UnitOfWork, tenant: str, lead_id: UUID, due: datetime | None) -> None:
    """Check the lead's channels at `due`; None: not until a message is sent to it."""
    await work.run(
        "UPDATE lead SET exhaust_due = :due WHERE tenant_id = :tenant AND lead_id = :lead",
        due=due,
        tenant=tenant,
        lead=lead_id,
    )


async def check_at_latest(work: UnitOfWork, tenant: str, lead_id: UUID, due: datetime) -> None:
    """Check the lead's channels at `due`, or earlier if that was planned before."""
    await work.run(
        "UPDATE lead SET exhaust_due = least(exhaust_due, :due) WHERE tenant_id = :tenant AND lead_id = :lead",
        due=due,
        tenant=tenant,
        lead=lead_id,
    )


async def check_now(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> None:
    """Check the channels of these leads now, as far as a later check is planned."""
    await work.run(
        """
        UPDATE lead SET exhaust_due = :now
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND exhaust_due > :now
        """,
        now=work.now,
        tenant=tenant,
        leads=list(lead_ids),
    )


_WRITTEN_TO = """
    stage = ANY (CAST(:stages AS text[])) AND EXISTS (
        SELECT FROM dispatch d WHERE d.tenant_id = l.tenant_id AND d.address_hash IN (l.email_hash, l.phone_hash)
        AND d.sending_at IS NOT NULL AND d.state = 'sent')
"""
"""Whether a channel of the lead `l` may be used up, and that would move it."""


async def check_all_for_exhaustion(work: UnitOfWork, tenant: str) -> None:
    """Check now the channels of every lead of the tenant that may be used up: its settings have changed."""
    await work.run(
        f"""
        UPDATE lead l SET exhaust_due = :now
        WHERE tenant_id = :tenant AND (exhaust_due IS NOT NULL OR {_WRITTEN_TO})
        """,
        stages=sorted(USED_UP_MOVES_FROM),
        now=work.now,
        tenant=tenant,
    )


async def check_returned(work: UnitOfWork, leads: Collection[LeadKey]) -> None:
    """Check now the channels of those of these (locked) leads that may be used up and are not checked: they have come
    back from a stage in which they are not."""
    wanted = sorted(leads)
    await work.run(
        f"""
        UPDATE lead l SET exhaust_due = :now
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id AND exhaust_due IS NULL AND {_WRITTEN_TO}
        """,
        stages=sorted(USED_UP_MOVES_FROM),
        now=work.now,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead_id for _, lead_id in wanted],
    )
