"""Leads: lock, read, insert, save. One statement for a whole batch, whatever its size."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.capture.rules.contact import DETAILS
from services.capture.rules.lead import Lead, Provenance
from services.capture.store.candidates import ExternalId
from services.capture.tables import LeadIdentityRow, LeadRow
from shared.db import Row, UnitOfWork, by_column, rows_of
from shared.db.columns import column_types, insert_rows, select_values
from shared.ids import LeadKey

# The column `likeness` belongs to the release before.
COLUMNS = tuple(name for name in column_types(LeadRow) if name != "likeness")
_LIST = ", ".join(COLUMNS)

_KEY = ("tenant_id", "lead_id")
_SET_AT_CAPTURE = ("source", "external_id", "owner", "as_of", "created_on")
_CHANGEABLE = tuple(name for name in COLUMNS if name not in (*_KEY, *_SET_AT_CAPTURE))
_SAVED = column_types(LeadRow, (*_KEY, *_CHANGEABLE))

_INSERT = insert_rows(LeadRow, COLUMNS)
_GIVE_UP = f"""
    UPDATE lead l SET email = NULL, phone = NULL, phone_first = false
    FROM {rows_of(column_types(LeadRow, _KEY))}
    WHERE l.tenant_id = v.tenant_id AND l.lead_id = v.lead_id
"""
_SAVE = f"""
    UPDATE lead l SET ({", ".join(_CHANGEABLE)}) = ROW ({select_values(LeadRow, _CHANGEABLE)})
    FROM {rows_of(_SAVED)}
    WHERE l.tenant_id = v.tenant_id AND l.lead_id = v.lead_id
"""

_EXTERNAL_IDS = tuple(column_types(LeadIdentityRow))
_INSERT_EXTERNAL_IDS = insert_rows(LeadIdentityRow)


async def lock(work: UnitOfWork, keys: Iterable[LeadKey]) -> list[Lead]:
    """The leads with these ids and, of aliases, their kept leads; locked in the same order everywhere."""
    # The nested loop locks the rows as it reaches them, in the order of the array.
    wanted = sorted(set(keys))
    leads: list[Lead] = []
    while wanted:
        rows = await work.fetch(
            f"""
            SELECT l.*
            FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
            CROSS JOIN LATERAL (
                SELECT {_LIST} FROM lead WHERE tenant_id = w.tenant_id AND lead_id = w.lead_id
                ORDER BY tenant_id, lead_id LIMIT 1
                FOR UPDATE
            ) l
            """,
            tenants=[tenant for tenant, _ in wanted],
            leads=[lead_id for _, lead_id in wanted],
        )
        leads += map(lead_from, rows)
        known = {lead.key for lead in leads}
        wanted = sorted({(lead.tenant, lead.merged_into) for lead in leads if lead.merged_into is not None} - known)
    return leads


async def read(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead | None:
    """The lead with this id, be it an alias."""
    row = await work.fetch_one(
        f"SELECT {_LIST} FROM lead WHERE tenant_id = :tenant AND lead_id = :lead", tenant=tenant, lead=lead_id
    )
    return lead_from(row) if row else None


async def read_all(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> list[Lead]:
    """The leads with these ids, in their order; ids that no lead has are left out."""
    rows = await work.fetch(
        f"SELECT {_LIST} FROM lead WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[]))",
        tenant=tenant,
        leads=list(lead_ids),
    )
    leads = {lead.lead_id: lead for lead in map(lead_from, rows)}
    return [leads[lead_id] for lead_id in lead_ids if lead_id in leads]


async def page(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int, *, only_changed: bool = False
) -> list[Lead]:
    """The next leads, by id, with an event since then; `only_changed` leaves out those that are as captured."""
    rows = await work.fetch(
        f"""
        SELECT {_LIST} FROM lead
        WHERE tenant_id = :tenant AND updated_on >= :since {"AND version > 1" if only_changed else ""}
          AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return [lead_from(row) for row in rows]


async def raise_versions(work: UnitOfWork, lead_ids: Iterable[UUID], by: int) -> list[Lead]:
    """Raise both versions of these leads, which are locked, and let their last event be now; the leads."""
    rows = await work.fetch(
        f"""
        UPDATE lead SET version = version + :by, merge_version = merge_version + :by,
                        updated_on = greatest(:now, updated_on + interval '1 microsecond')
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) RETURNING {_LIST}
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        by=by,
        now=work.now,
    )
    return [lead_from(row) for row in rows]


async def insert(work: UnitOfWork, leads: Sequence[Lead]) -> None:
    """Add new leads. A unique violation: another transaction has just captured a lead with one of the addresses."""
    if leads:
        await work.run(_INSERT, **_values(leads, COLUMNS))


async def save(work: UnitOfWork, leads: Sequence[Lead]) -> None:
    """Store changed leads, which the transaction has locked."""
    if leads:
        # The join is planned anew each time, for the table as large as it is then.
        await work.run("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
        # An address may be another lead's by now, and a unique index looks at each row by itself: before any lead takes
        # an address, those that left theirs give it up.
        if leaving := [lead for lead in leads if lead.left_address]:
            await work.run(_GIVE_UP, **_values(leaving, _KEY))
        await work.run(_SAVE, **_values(leads, _SAVED))


async def insert_external_ids(work: UnitOfWork, leads: Mapping[ExternalId, UUID]) -> None:
    """Store the lead of each new external id. A unique violation: another transaction has just stored one of them."""
    if leads:
        rows = [(*external_id, lead_id) for external_id, lead_id in leads.items()]
        await work.run(_INSERT_EXTERNAL_IDS, **by_column(_EXTERNAL_IDS, rows))


def _values(leads: Sequence[Lead], columns: Iterable[str]) -> dict[str, list[Any]]:
    """The leads as array parameters, one for each of these columns."""
    values: dict[str, list[Any]] = {
        "tenant_id": [lead.tenant for lead in leads],
        "lead_id": [lead.lead_id for lead in leads],
        "version": [lead.version for lead in leads],
        "source": [lead.source for lead in leads],
        "external_id": [lead.external_id for lead in leads],
        "owner": [lead.owner for lead in leads],
        "email": [lead.email for lead in leads],
        "phone": [lead.phone for lead in leads],
        "phone_first": [lead.phone_first for lead in leads],
        "details": [_json({name: lead.fields[name] for name in DETAILS if name in lead.fields}) for lead in leads],
        "attributes": [_json(lead.attributes) for lead in leads],
        "consent": [_json(lead.consent) for lead in leads],
        "marks": [_json({name: [p.time.isoformat(), p.human] for name, p in x.provenance.items()}) for x in leads],
        "as_of": [lead.as_of for lead in leads],
        "created_on": [lead.created_on for lead in leads],
        "updated_on": [lead.updated_on for lead in leads],
        "merged_into": [lead.merged_into for lead in leads],
        "merge_version": [lead.merge_version for lead in leads],
    }
    return {name: values[name] for name in columns}


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode() if value else "{}"


def lead_from(row: Row) -> Lead:
    """The lead of a row with all `COLUMNS`."""
    fields: dict[str, str] = dict(row["details"])
    if row["email"] is not None:
        fields["email"] = row["email"]
    if row["phone"] is not None:
        fields["phone"] = row["phone"]
    return Lead(
        tenant=row["tenant_id"],
        lead_id=row["lead_id"],
        source=row["source"],
        created_on=row["created_on"],
        as_of=row["as_of"],
        updated_on=row["updated_on"],
        version=row["version"],
        external_id=row["external_id"],
        owner=row["owner"],
        fields=fields,
        attributes=row["attributes"],
        consent=row["consent"],
        provenance={
            name: Provenance(datetime.fromisoformat(time), human) for name, (time, human) in row["marks"].items()
        },
        merged_into=row["merged_into"],
        merge_version=row["merge_version"],
        phone_first=row["phone_first"],
    )
