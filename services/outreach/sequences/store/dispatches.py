"""Queries on the dispatches of enrolments: what has not left, and what is on its way when an enrolment ends."""

from collections.abc import Sequence
from datetime import datetime

from services.outreach.sending.rules import MAY_HAVE_LEFT
from services.outreach.sequences.store.enrolments import StoredEnrolment
from shared.db import UnitOfWork


async def hasten_dispatch(work: UnitOfWork, enrolment: StoredEnrolment) -> None:
    """Let the sender look at once at a message that waited for the end of the enrolment's pause."""
    await work.run(
        """
        UPDATE dispatch SET due_at = :now WHERE tenant_id = :tenant AND dispatch_id IN (
            SELECT dispatch_id FROM dispatch
            WHERE tenant_id = :tenant AND enrolment_id = :enrolment AND state = 'queued' FOR UPDATE SKIP LOCKED)
        """,
        now=work.now,
        tenant=enrolment.tenant_id,
        enrolment=enrolment.enrolment_id,
    )


async def queue_again(work: UnitOfWork, enrolment: StoredEnrolment) -> None:
    """Queue the message of the step under way of an enrolment that came back, where it was refused meanwhile.

    It never left, unless a restore has left that open. The sender judges it afresh, and refuses it again for whatever
    still holds.
    """
    await work.run(
        """
        UPDATE dispatch SET state = 'queued', reason = NULL, due_at = :now
        WHERE tenant_id = :tenant AND draft_id = :draft AND state = 'refused' AND reason IS DISTINCT FROM :left_open
        """,
        now=work.now,
        left_open=MAY_HAVE_LEFT,
        tenant=enrolment.tenant_id,
        draft=enrolment.draft_id,
    )


async def keep_refused(work: UnitOfWork, tenant: str, since: datetime) -> int:
    """After a restore: refused messages of enrolments that ended since then and may come back are never queued again.

    Such an enrolment may have come back since the backup, and its message have left. How many there were.
    """
    return await work.run(
        """
        UPDATE dispatch d SET reason = :left_open FROM enrolment e
        WHERE d.tenant_id = :tenant AND d.state = 'refused' AND d.reason IS DISTINCT FROM :left_open
          AND e.tenant_id = d.tenant_id AND e.enrolment_id = d.enrolment_id AND e.draft_id = d.draft_id
          AND e.state = 'exited' AND e.ended_by IS NOT NULL AND e.ended_at >= :since
        """,
        since=since,
        left_open=MAY_HAVE_LEFT,
        tenant=tenant,
    )


async def refuse_queued(work: UnitOfWork, enrolments: Sequence[StoredEnrolment], reason: str) -> None:
    """Refuse the messages of ended enrolments that have not left. One that a sender has just locked is left alone:

    the sender sees the end of the enrolment itself, or the message is on its way and is shown as crossed.
    """
    if enrolments:
        await work.run(
            """
            UPDATE dispatch SET state = 'refused', reason = :reason
            WHERE (tenant_id, dispatch_id) IN (
                SELECT tenant_id, dispatch_id FROM dispatch
                WHERE tenant_id = ANY (:tenants) AND enrolment_id = ANY (:enrolments) AND state = 'queued'
                FOR UPDATE SKIP LOCKED)
            """,
            reason=reason,
            tenants=sorted({each.tenant_id for each in enrolments}),
            enrolments=[each.enrolment_id for each in enrolments],
        )


async def mark_crossed(work: UnitOfWork, enrolment: StoredEnrolment) -> None:
    """Show as crossed what is on its way for an enrolment that has just ended.

    So is a message of which only the reply that ends the enrolment proves that it was sent.
    """
    await work.run(
        """
        UPDATE dispatch SET crossed = true WHERE (tenant_id, dispatch_id) IN (
            SELECT tenant_id, dispatch_id FROM dispatch
            WHERE tenant_id = :tenant AND enrolment_id = :enrolment
              AND (state IN ('sending', 'unknown') OR (state = 'sent' AND note = 'known by a reply'))
            FOR UPDATE SKIP LOCKED)
        """,
        tenant=enrolment.tenant_id,
        enrolment=enrolment.enrolment_id,
    )
