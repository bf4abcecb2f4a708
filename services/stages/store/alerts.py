"""Alerts: leads that became hot, one alert for each until it cools."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from services.stages.tables import Alert
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows


@dataclass(frozen=True, slots=True)
class HotAlert:
    """An alert, with the id of the score or move that made the lead hot."""

    tenant_id: str
    alert_id: UUID
    lead_id: UUID
    total: int
    threshold: int
    at: datetime
    caused_by: str


_COLUMNS = column_types(Alert)
_row = attrgetter(*_COLUMNS)
_ADD = f"{insert_rows(Alert)} ON CONFLICT DO NOTHING RETURNING tenant_id, alert_id"


async def add(work: UnitOfWork, alerts: Sequence[HotAlert]) -> list[HotAlert]:
    """Store the alerts; returns those that were not known yet, in order."""
    if not alerts:
        return []
    first: dict[tuple[str, UUID], HotAlert] = {}
    for alert in alerts:
        first.setdefault((alert.tenant_id, alert.alert_id), alert)
    rows = await work.fetch_tuples(_ADD, **by_column(_COLUMNS, map(_row, first.values())))
    new = {(tenant, id) for tenant, id in rows}
    return [alert for key, alert in first.items() if key in new]


async def page(work: UnitOfWork, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Row]:
    """A page of the tenant's alerts, the newest first."""
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
