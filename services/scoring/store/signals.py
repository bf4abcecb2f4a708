"""Signals: each stored once, read by lead."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.scoring import tables
from services.scoring.rules import Signal
from shared.db import UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows
from shared.events import Received
from shared.ids import EventKey, LeadKey

_COLUMNS = column_types(tables.Signal)
_INSERT = f"{insert_rows(tables.Signal)} ON CONFLICT DO NOTHING RETURNING tenant_id, type, digest"


async def add_signals(work: UnitOfWork, events: Sequence[tuple[Received[Any], str]]) -> set[EventKey]:
    """Store events, at least one, with the part of their data that models read (JSON text).

    Returns (tenant, type, digest) of those that were not stored before.
    """
    ordered = sorted(events, key=lambda pair: (pair[0].tenant, pair[0].digest, pair[0].type))
    rows = [
        (
            received.tenant,
            received.digest,
            received.lead_id,
            received.type,
            received.id,
            received.source,
            received.occurred_at,
            received.recorded_at,
            data,
        )
        for received, data in ordered
    ]
    new = await work.fetch_tuples(_INSERT, **by_column(_COLUMNS, rows))
    return {(tenant, type, digest) for tenant, type, digest in new}


async def load_signals(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, list[Signal]]:
    """The signals that were received with each of these lead ids."""
    wanted = list(leads)
    found: dict[LeadKey, list[Signal]] = {lead: [] for lead in wanted}
    if not wanted:
        return found
    rows = await work.fetch_tuples(
        """
        SELECT s.tenant_id, s.lead_id, s.type, s.occurred_at, s.event_id, s.source, s.data
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN signal s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    for tenant, lead_id, type_, at, event_id, source, data in rows:
        found[tenant, lead_id].append(Signal(lead_id, type_, at, event_id, source, data))
    return found


async def delete_signals(work: UnitOfWork, leads: Iterable[LeadKey], before: datetime | None = None) -> None:
    """Delete the signals that were received with these lead ids: all, or those that were recorded `before`."""
    wanted = list(leads)
    await work.run(
        """
        DELETE FROM signal s
        USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
          AND (CAST(:before AS timestamptz) IS NULL OR s.recorded_at < :before)
        """,
        before=before,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
