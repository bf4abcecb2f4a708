"""Alerts: leads that became hot, once for each crossing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Alert:
    tenant: str
    id: UUID
    lead_id: UUID
    total: int
    threshold: int
    at: datetime
    caused_by: str
    """The event that brought the score."""


async def add(work: UnitOfWork, alerts: Sequence[Alert]) -> list[Alert]:
    """Store them; those that were not known yet."""
    new: list[Alert] = []
    for alert in alerts:
        if await work.run(
            """
            INSERT INTO alert (tenant_id, alert_id, lead_id, total, threshold, at)
            VALUES (:tenant, :id, :lead, :total, :threshold, :at) ON CONFLICT DO NOTHING
            """,
            tenant=alert.tenant,
            id=alert.id,
            lead=alert.lead_id,
            total=alert.total,
            threshold=alert.threshold,
            at=alert.at,
        ):
            new.append(alert)
    return new


async def page(work: UnitOfWork, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[RowMapping]:
    """The newest first."""
    at, id = before or (None, None)
    return await work.fetch(
        """
        SELECT alert_id, lead_id, total, threshold, at FROM alert
        WHERE tenant_id = :tenant
          AND (CAST(:at AS timestamptz) IS NULL OR (at, alert_id) < (:at, CAST(:id AS uuid)))
        ORDER BY at DESC, alert_id DESC LIMIT :limit
        """,
        tenant=work.tenants[0],
        at=at,
        id=id,
        limit=limit,
    )
