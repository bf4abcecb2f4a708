"""Queries on nurture check-ins: `lead.nurture_due` is when the next one falls due."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.outreach.store.due import in_turn
from shared.db import Row, UnitOfWork

_DUE = in_turn("lead", "lead_id", "nurture_due", "nurture_due IS NOT NULL", "nurture_due <= :now")


async def due(work: UnitOfWork, limit: int) -> Sequence[Row]:
    """(tenant_id, lead_id) of leads whose check-in is due: the tenants in turn, of each the longest due first."""
    return await work.fetch(_DUE, now=work.now, limit=limit)


async def lock(work: UnitOfWork, tenant: str, lead_id: UUID) -> Row | None:
    """The lead's stage and `nurture_due`, locked; None when its check-in is not due any more."""
    return await work.fetch_one(
        """
        SELECT stage, nurture_due FROM lead
        WHERE tenant_id = :tenant AND lead_id = :lead AND nurture_due <= :now FOR UPDATE
        """,
        tenant=tenant,
        lead=lead_id,
        now=work.now,
    )


async def put_off(work: UnitOfWork, tenant: str, lead_id: UUID, until: datetime) -> None:
    """Let the next check-in, if there is one, fall due no sooner than then."""
    await work.run(
        """
        UPDATE lead SET nurture_due = :until
        WHERE tenant_id = :tenant AND lead_id = :lead AND nurture_due < :until
        """,
        until=until,
        tenant=tenant,
        lead=lead_id,
    )


async def set_next(work: UnitOfWork, tenant: str, lead_id: UUID, due: datetime | None) -> None:
    """Set when the next check-in falls due; None: no more check-ins."""
    await work.run(
        "UPDATE lead SET nurture_due = :due WHERE tenant_id = :tenant AND lead_id = :lead",
        due=due,
        tenant=tenant,
        lead=lead_id,
    )
