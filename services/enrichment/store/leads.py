"""Leads with their facts, and the switch of each tenant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.enrichment.tables import Lead
from shared.db import Row, UnitOfWork, by_column, rows_of
from shared.db.columns import column_types, insert_rows, select_values
from shared.ids import LeadKey

_LEAD = column_types(Lead)
_CHANGING = [name for name in _LEAD if name not in ("tenant_id", "lead_id")]


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """What is stored of a lead. `enriched_at` is None until the first `lead.enriched` is published."""

    lead: LeadKey
    version: int
    fields: Mapping[str, str]
    facts: Mapping[str, Mapping[str, Any]]
    providers: Sequence[Mapping[str, Any]]
    revision: int
    enriched_at: datetime | None
    cause: Mapping[str, Any] | None = None
    """The event of capture that later facts are due to; only where a provider uses a network."""

    @property
    def tenant(self) -> str:
        return self.lead[0]

    @property
    def lead_id(self) -> UUID:
        return self.lead[1]


async def lock_leads(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, LeadRecord]:
    """Lock these leads, in the same order everywhere. Leads that are not stored are missing from the answer."""
    wanted = sorted(leads)
    rows = await work.fetch(
        """
        SELECT l.* FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        ORDER BY l.tenant_id, l.lead_id
        FOR UPDATE OF l
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return {(row["tenant_id"], row["lead_id"]): _record(row) for row in rows}


async def read_lead(work: UnitOfWork, lead: LeadKey) -> LeadRecord | None:
    """One lead without a lock; None if it is not stored."""
    row = await work.fetch_one(
        "SELECT * FROM lead WHERE tenant_id = :tenant AND lead_id = :lead", tenant=lead[0], lead=lead[1]
    )
    return _record(row) if row else None


async def enriched_leads(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int
) -> Sequence[LeadRecord]:
    """The next leads by id that were enriched since then, aliases too."""
    rows = await work.fetch(
        """
        SELECT l.* FROM lead l
        WHERE l.tenant_id = :tenant AND l.enriched_at >= :since
          AND l.lead_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        ORDER BY l.lead_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return [_record(row) for row in rows]


async def raise_revisions(work: UnitOfWork, lead_ids: Iterable[UUID], by: int) -> list[LeadRecord]:
    """Raise the revisions of these leads, which are locked; their records as they are then.

    What was enriched is enriched now: its event is published again, and readers order such events by their time.
    """
    rows = await work.fetch(
        """
        UPDATE lead SET revision = revision + :by, enriched_at = CASE WHEN enriched_at IS NOT NULL
                        THEN greatest(:now, enriched_at + interval '1 microsecond') END
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) RETURNING *
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        by=by,
        now=work.now,
    )
    return [_record(row) for row in rows]


def _record(row: Row) -> LeadRecord:
    return LeadRecord(
        lead=(row["tenant_id"], row["lead_id"]),
        version=row["version"],
        fields=row["fields"],
        facts=row["facts"],
        providers=row["providers"],
        revision=row["revision"],
        enriched_at=row["enriched_at"],
        cause=row["cause"],
    )


async def insert_leads(work: UnitOfWork, records: Sequence[LeadRecord]) -> None:
    """Store new leads. A unique violation means that another replica stored one first: the batch is repeated."""
    await work.run(insert_rows(Lead), **_parameters(sorted(records, key=lambda record: record.lead)))


async def update_leads(work: UnitOfWork, records: Sequence[LeadRecord]) -> None:
    """Store leads that this transaction has locked."""
    await work.run(
        f"""
        UPDATE lead l
        SET ({", ".join(_CHANGING)}) = ROW ({select_values(Lead, _CHANGING)})
        FROM {rows_of(_LEAD)}
        WHERE l.tenant_id = v.tenant_id AND l.lead_id = v.lead_id
        """,
        **_parameters(records),
    )


def _parameters(records: Sequence[LeadRecord]) -> dict[str, list[Any]]:
    return by_column(
        _LEAD,
        [
            (
                *record.lead,
                record.version,
                orjson.dumps(record.fields).decode(),
                orjson.dumps(record.facts).decode(),
                orjson.dumps(record.providers).decode(),
                record.revision,
                record.enriched_at,
                orjson.dumps(record.cause).decode() if record.cause is not None else None,
            )
            for record in records
        ],
    )


async def delete_leads(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """Delete all that is stored of these leads."""
    wanted = list(leads)
    await work.run(
        """
        DELETE FROM lead l
        USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )


async def disabled_tenants(work: UnitOfWork, tenants: Iterable[str]) -> set[str]:
    """Those of the tenants that have enrichment switched off."""
    rows = await work.fetch(
        "SELECT tenant_id FROM setting WHERE NOT enabled AND tenant_id = ANY (CAST(:tenants AS text[]))",
        tenants=sorted(set(tenants)),
    )
    return {row["tenant_id"] for row in rows}


async def set_enabled(work: UnitOfWork, tenant: str, enabled: bool, actor: str) -> None:
    """Switch a tenant's enrichment on or off."""
    await work.run(
        """
        INSERT INTO setting (tenant_id, enabled, changed_at, changed_by) VALUES (:tenant, :enabled, :now, :actor)
        ON CONFLICT (tenant_id) DO UPDATE
        SET enabled = excluded.enabled, changed_at = excluded.changed_at, changed_by = excluded.changed_by
        """,
        tenant=tenant,
        enabled=enabled,
        now=work.now,
        actor=actor,
    )
