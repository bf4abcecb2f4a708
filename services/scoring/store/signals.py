"""Signals: each stored once, read by lead."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.scoring.rules import Signal
from shared.db import UnitOfWork
from shared.events import Received
from shared.ids import LeadKey


async def add_signals(work: UnitOfWork, arrived: Sequence[tuple[Received[Any], str]]) -> set[LeadKey]:
    """Store events with the part of their data that models read (JSON); (tenant, digest) of those that are new."""
    ordered = sorted(arrived, key=lambda pair: (pair[0].tenant, pair[0].digest))
    rows = await work.fetch_tuples(
        """
        INSERT INTO signal (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, data)
        SELECT tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, CAST(data AS jsonb)
        FROM unnest(
            CAST(:tenants AS text[]), CAST(:digests AS uuid[]), CAST(:leads AS uuid[]), CAST(:types AS text[]),
            CAST(:ids AS text[]), CAST(:sources AS text[]), CAST(:times AS timestamptz[]),
            CAST(:recorded AS timestamptz[]), CAST(:data AS text[]))
            AS v (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, data)
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, digest
        """,
        tenants=[received.tenant for received, _ in ordered],
        digests=[received.digest for received, _ in ordered],
        leads=[received.lead_id for received, _ in ordered],
        types=[received.type for received, _ in ordered],
        ids=[received.id for received, _ in ordered],
        sources=[received.source for received, _ in ordered],
        times=[received.occurred_at for received, _ in ordered],
        recorded=[received.recorded_at for received, _ in ordered],
        data=[data for _, data in ordered],
    )
    return {(tenant, digest) for tenant, digest in rows}


async def load_signals(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, list[Signal]]:
    """The signals that came with each of these ids."""
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


async def remove_signals(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """Forget all that came with these ids."""
    wanted = list(leads)
    await work.run(
        """
        DELETE FROM signal s
        USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
