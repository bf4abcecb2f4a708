"""Leads: their rows, locked in one order, loaded at once and saved at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from services.stages.rules import QUIET_STAGES, Journey, Stage, status_of
from services.stages.store.activities import LAST_ACTIVITY_TYPES
from services.stages.tables import Lead
from shared.db import Row, Transaction, UnitOfWork, by_column, rows_of
from shared.db.columns import column_types, insert_rows, select_values
from shared.errors import NotFound
from shared.ids import LeadKey
from shared.observability import TIMERS_LATE

NO_ACTIVITY = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
"""The last activity of a lead without any. Not year 1: asyncpg writes the least datetime as -infinity."""

DRAFT_OPEN, DRAFT_CLOSED = "open", "closed"

WAITING, MERGED, ERASED = "waiting", "merged", "erased"
"""The column `stage` of leads that no list shows: not captured yet, an alias of another lead, erased."""


@dataclass(slots=True)
class LeadRecord:
    """A lead's row with its journey. `stored` is False while the row is not inserted yet."""

    tenant: str
    lead_id: UUID
    journey: Journey
    stored: bool = True
    captured: bool = False
    revision: int = 0
    score_total: int = 0
    band: str = ""
    score_revision: int = 0
    scored_at: datetime | None = None
    last_activity_on: datetime = NO_ACTIVITY
    source: str | None = None
    campaign: str | None = None
    owner: str | None = None
    name: str | None = None
    company: str | None = None
    contact_version: int = 0
    drafts: dict[str, str] = field(default_factory=dict)
    """The newest drafts by id: open or closed."""
    merged_into: UUID | None = None
    next_due: datetime | None = None
    updated_at: datetime = NO_ACTIVITY

    @property
    def key(self) -> LeadKey:
        return self.tenant, self.lead_id

    @property
    def stage(self) -> str:
        """The stage as lists filter by it: of an uncaptured, merged or erased lead none of the fourteen."""
        if not self.captured:
            return WAITING
        if self.merged_into:
            return MERGED
        return ERASED if self.journey.erased else self.journey.stage.value

    @property
    def status(self) -> str:
        return status_of(self.journey.stage, self.journey.contacted)

    @property
    def has_open_draft(self) -> bool:
        return DRAFT_OPEN in self.drafts.values()

    @property
    def journey_json(self) -> str:
        return orjson.dumps(self.journey.to_json()).decode()

    @property
    def drafts_json(self) -> str:
        return orjson.dumps(self.drafts).decode()

    def count_activity(self, type: str, at: datetime) -> None:
        """Let an activity count for `last_activity_on`, if its type does."""
        if type in LAST_ACTIVITY_TYPES and at > self.last_activity_on:
            self.last_activity_on = at


_FIELDS = [each.name for each in fields(LeadRecord) if each.name != "stored"]
_READ = tuple("tenant_id" if name == "tenant" else name for name in _FIELDS)
"""The columns of a record, in the order of its fields."""

_WRITTEN = column_types(Lead)
_ATTRIBUTES = {"tenant_id": "tenant", "journey": "journey_json", "hot": "journey.hot", "drafts": "drafts_json"}
"""The attribute of a record that a column is written from, where it has another name."""

_values = attrgetter(*(_ATTRIBUTES.get(name, name) for name in _WRITTEN))
_LOCK = f"""
    SELECT {", ".join(_READ)} FROM lead
    WHERE (tenant_id, lead_id) IN (SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])))
    ORDER BY tenant_id, lead_id FOR UPDATE
"""
_INSERT = insert_rows(Lead)
_UPDATE = f"""
    UPDATE lead SET ({", ".join(_WRITTEN)}) = ({select_values(Lead, _WRITTEN)}) FROM {rows_of(_WRITTEN)}
    WHERE lead.tenant_id = v.tenant_id AND lead.lead_id = v.lead_id
"""


def columns(row: str = "lead") -> str:
    """The columns that `record_of` reads, of a table or row of a FROM clause."""
    return ", ".join(f"{row}.{name}" for name in _READ)


def record_of(row: Row) -> LeadRecord:
    """The record in a row that has these columns."""
    return _record(*(row[name] for name in _READ))


def _record(tenant: str, lead_id: UUID, journey: Mapping[str, Any], *rest: Any) -> LeadRecord:
    return LeadRecord(tenant, lead_id, Journey.from_json(journey), True, *rest)


async def lock(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, LeadRecord]:
    """These leads, locked until the transaction ends; an unknown lead gets a new record."""
    wanted = sorted(set(leads), key=lambda lead: (lead[0], lead[1].int))
    rows = await work.fetch_tuples(_LOCK, tenants=[tenant for tenant, _ in wanted], leads=[lead for _, lead in wanted])
    found = {(row[0], row[1]): _record(*row) for row in rows}
    return {key: found.get(key) or LeadRecord(*key, journey=Journey(), stored=False) for key in wanted}


async def save(work: UnitOfWork, records: Iterable[LeadRecord]) -> None:
    """Insert or update the leads.

    A row that another replica has inserted meanwhile is a unique violation: the consumer then repeats the batch.
    """
    new: list[LeadRecord] = []
    known: list[LeadRecord] = []
    for record in records:
        record.updated_at = work.now
        (known if record.stored else new).append(record)
    if new:
        await work.run(_INSERT, **by_column(_WRITTEN, map(_values, new)))
    if known:
        await work.run(_UPDATE, **by_column(_WRITTEN, map(_values, known)))
    for record in new:
        record.stored = True


async def get(work: UnitOfWork, lead_id: UUID) -> LeadRecord:
    """One captured lead of the tenant, not locked; for an alias, the lead that it was merged into. Raises NotFound."""
    row = await work.fetch_one(
        f"""
        SELECT {columns()} FROM lead
        WHERE tenant_id = :tenant AND captured AND lead_id = coalesce(
            (SELECT lead_id FROM alias WHERE tenant_id = :tenant AND alias_id = :lead AND NOT undone), :lead)
        """,
        tenant=work.tenants[0],
        lead=lead_id,
    )
    record = record_of(row) if row is not None else None
    if record is None or record.journey.erased:
        raise NotFound(f"there is no lead {lead_id}")
    return record


async def page(work: UnitOfWork, after: UUID | None, limit: int) -> list[LeadRecord]:
    """A page of the tenant's captured leads that are neither merged nor erased, by id."""
    rows = await work.fetch(
        f"""
        SELECT {columns()} FROM lead
        WHERE tenant_id = :tenant AND captured AND merged_into IS NULL AND stage = ANY (:stages)
          AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=work.tenants[0],
        stages=[stage.value for stage in Stage],
        after=after,
        limit=limit,
    )
    return [record_of(row) for row in rows]


async def changed_since(work: UnitOfWork, since: datetime, after: UUID | None, limit: int) -> list[LeadRecord]:
    """A page of the tenant's leads that have published a `stage.changed` and were saved since then, by id."""
    rows = await work.fetch(
        f"""
        SELECT {columns()} FROM lead
        WHERE tenant_id = :tenant AND captured AND merged_into IS NULL AND revision > 0 AND updated_at >= :since
          AND (CAST(:after AS uuid) IS NULL OR lead_id > :after)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=work.tenants[0],
        since=since,
        after=after,
        limit=limit,
    )
    return [record_of(row) for row in rows]


async def raise_revisions(work: UnitOfWork, lead_ids: Iterable[UUID], by: int) -> list[LeadRecord]:
    """Raise the revisions of these leads, which are locked; their records as they are then."""
    rows = await work.fetch(
        f"""
        UPDATE lead SET revision = revision + :by, updated_at = :now
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) RETURNING {columns()}
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        by=by,
        now=work.now,
    )
    return [record_of(row) for row in rows]


async def with_due_timer(work: UnitOfWork, limit: int) -> Sequence[LeadKey]:
    """Leads of all tenants whose next timer is due, the oldest first. They are not locked."""
    rows = await work.fetch(
        "SELECT tenant_id, lead_id FROM lead WHERE next_due <= :now ORDER BY next_due LIMIT :limit",
        now=work.now,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def measure_timers(work: Transaction) -> None:
    """Set the gauge of the oldest timer that is due."""
    row = await work.fetch_one("SELECT extract(epoch FROM :now - min(next_due)) AS late FROM lead", now=work.now)
    TIMERS_LATE.set(max(0.0, float(row["late"] or 0)) if row else 0.0)


async def postpone_timer(work: UnitOfWork, lead: LeadKey, pause: timedelta) -> None:
    """Let the timers of a lead be due again after a pause."""
    await work.run(
        "UPDATE lead SET next_due = :later WHERE tenant_id = :tenant AND lead_id = :lead",
        later=work.now + pause,
        tenant=lead[0],
        lead=lead[1],
    )


async def in_quiet_stages(work: UnitOfWork, tenant: str, after: UUID | None, limit: int) -> Sequence[LeadKey]:
    """A page of a tenant's leads in the stages that have a quiet period, by id."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead
        WHERE tenant_id = :tenant AND stage = ANY (:stages) AND lead_id > coalesce(CAST(:after AS uuid), :least)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        stages=[stage.value for stage in QUIET_STAGES],
        after=after,
        least=UUID(int=0),
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def strip_person(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Remove the name, the company and the drafts of an erased lead.

    The fold has removed the person from the journey. An alias still has the journey that it had when it was merged, and
    gets an empty one.
    """
    await work.run(
        """
        UPDATE lead SET name = NULL, company = NULL, drafts = '{}',
               journey = CASE WHEN merged_into IS NULL THEN journey ELSE CAST(:empty AS jsonb) END
        WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        empty=Journey().to_json(),
        tenant=tenant,
        lead=lead_id,
    )
