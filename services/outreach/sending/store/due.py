"""When queued dispatches are due: sooner after a change, later after an error."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from shared.db import UnitOfWork
from shared.ids import LeadKey

_HASTENED = """least(due_at, CASE WHEN attempts = 0 THEN CAST(:now AS timestamptz)
                                  ELSE CAST(:retry_at AS timestamptz) END)"""


async def hasten_queued(work: UnitOfWork, tenant: str, retry_at: datetime) -> None:
    """Make queued dispatches due now that wait for a window or their mailbox, because the settings have changed.

    A dispatch that was tried before may be backing off instead: it falls due at `retry_at` at the latest. Dispatches
    that are due already are updated too, to wait for a sender that is still deciding by the old settings.
    """
    await work.run(
        f"UPDATE dispatch SET due_at = {_HASTENED} WHERE tenant_id = :tenant AND state = 'queued'",
        now=work.now,
        retry_at=retry_at,
        tenant=tenant,
    )


async def hasten_queued_of(work: UnitOfWork, leads: Collection[LeadKey], retry_at: datetime) -> None:
    """The same for the messages to these leads, because something about the leads has changed.

    The leads are locked, so a sender that has locked one of their messages decides by what they are afterwards.
    """
    await work.run(
        f"""
        UPDATE dispatch SET due_at = {_HASTENED} WHERE (tenant_id, dispatch_id) IN (
            SELECT d.tenant_id, d.dispatch_id FROM dispatch d
            JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
              ON w.tenant_id = d.tenant_id AND w.lead_id = d.lead_id
            WHERE d.state = 'queued' FOR UPDATE OF d SKIP LOCKED)
        """,
        now=work.now,
        retry_at=retry_at,
        tenants=[tenant for tenant, _ in leads],
        leads=[lead_id for _, lead_id in leads],
    )


async def postpone(work: UnitOfWork, tenant: str, dispatch_id: UUID, until: datetime, reason: str) -> None:
    """Look at a queued dispatch again at that moment; the reason is kept for people."""
    await work.run(
        """
        UPDATE dispatch SET due_at = :until, reason = :reason
        WHERE tenant_id = :tenant AND dispatch_id = :dispatch AND state = 'queued'
        """,
        until=until,
        reason=reason,
        tenant=tenant,
        dispatch=dispatch_id,
    )
