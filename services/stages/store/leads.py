"""LeadKey rows: locked in one order, loaded at once, saved at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.stages.rules import QUIET_STAGES, Journey, Stage, status_of
from services.stages.store.activities import ACTIVE
from shared.db import UnitOfWork, array_parameters, by_column
from shared.ids import LeadKey

# Not year 1: asyncpg takes the least datetime for -infinity, and reads that back without a time zone.
UNBORN = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
"""The last activity of a lead of which nothing is known yet."""


OPEN, CLOSED = "open", "closed"


@dataclass(slots=True)
class Standing:
    """A lead's row, locked, with its journey; `known` is False when the row is to be made."""

    tenant: str
    lead_id: UUID
    journey: Journey
    known: bool = True
    captured: bool = False
    revision: int = 0
    score_total: int = 0
    band: str = ""
    score_revision: int = 0
    scored_at: datetime | None = None
    last_activity_on: datetime = UNBORN
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

    @property
    def key(self) -> LeadKey:
        return self.tenant, self.lead_id

    @property
    def stage(self) -> str:
        """The stage as lists see it: a lead that is not captured yet, is an alias, or was erased, is in none."""
        if not self.captured:
            return "waiting"
        if self.merged_into:
            return "merged"
        return "erased" if self.journey.erased else self.journey.stage.value

    def saw(self, type: str, at: datetime) -> None:
        """Something happened; it may be the lead's last activity."""
        if type in ACTIVE and at > self.last_activity_on:
            self.last_activity_on = at

    @property
    def draft_waits(self) -> bool:
        return OPEN in self.drafts.values()

    @property
    def status(self) -> str:
        return status_of(self.journey.stage, self.journey.contacted)


_READ = (
    "tenant_id", "lead_id", "journey", "captured", "revision", "score_total", "band", "score_revision", "scored_at",
    "last_activity_on", "source", "campaign", "owner", "name", "company", "contact_version", "drafts", "merged_into",
    "next_due",
)  # fmt: skip
"""The columns of a standing, in the order of its fields."""

_LOCK = f"""
    SELECT {", ".join(_READ)} FROM lead
    WHERE (tenant_id, lead_id) IN (SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])))
    ORDER BY tenant_id, lead_id FOR UPDATE
"""


async def lock(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, Standing]:
    """The standings of these leads, locked until the transaction ends; an unknown lead gets a new one."""
    wanted = sorted(set(leads), key=lambda lead: (lead[0], lead[1].int))
    rows = await work.fetch_tuples(_LOCK, tenants=[tenant for tenant, _ in wanted], leads=[lead for _, lead in wanted])
    found = {(row[0], row[1]): _standing(*row) for row in rows}
    return {key: found.get(key) or Standing(*key, journey=Journey(), known=False) for key in wanted}


def standing_of(row: RowMapping) -> Standing:
    return _standing(*(row[name] for name in _READ))


def _standing(tenant: str, lead_id: UUID, journey: Mapping[str, Any], *rest: Any) -> Standing:
    return Standing(tenant, lead_id, Journey.from_json(journey), True, *rest)


_COLUMNS: dict[str, str] = {
    "tenant_id": "text",
    "lead_id": "uuid",
    "captured": "bool",
    "stage": "text",
    "status": "text",
    "revision": "int",
    "journey": "text",
    "next_due": "timestamptz",
    "score_total": "int",
    "band": "text",
    "score_revision": "int",
    "scored_at": "timestamptz",
    "hot": "bool",
    "last_activity_on": "timestamptz",
    "source": "text",
    "campaign": "text",
    "owner": "text",
    "name": "text",
    "company": "text",
    "contact_version": "int",
    "drafts": "text",
    "merged_into": "uuid",
    "updated_at": "timestamptz",
}
_JSON = {"journey", "drafts"}
_VALUES = ", ".join(f"CAST(v.{name} AS jsonb)" if name in _JSON else f"v.{name}" for name in _COLUMNS)
_INSERT = f"""
    INSERT INTO lead ({", ".join(_COLUMNS)})
    SELECT {_VALUES} FROM unnest({array_parameters(_COLUMNS)}) AS v ({", ".join(_COLUMNS)})
"""
_UPDATE = f"""
    UPDATE lead SET ({", ".join(_COLUMNS)}) = ({_VALUES})
    FROM unnest({array_parameters(_COLUMNS)}) AS v ({", ".join(_COLUMNS)})
    WHERE lead.tenant_id = v.tenant_id AND lead.lead_id = v.lead_id
"""


async def save(work: UnitOfWork, standings: Iterable[Standing]) -> None:
    """Write all of them. A new row that another replica made meanwhile is a unique violation: the batch runs again."""
    of_both: tuple[list[Standing], list[Standing]] = ([], [])
    for standing in standings:
        of_both[standing.known].append(standing)
    for statement, some in zip((_INSERT, _UPDATE), of_both, strict=True):
        if some:
            await work.run(statement, **_arrays(some, work.now))
    for standing in of_both[0]:
        standing.known = True


def _arrays(standings: Sequence[Standing], now: datetime) -> dict[str, list[Any]]:
    rows = [
        (
            s.tenant,
            s.lead_id,
            s.captured,
            s.stage,
            s.status,
            s.revision,
            orjson.dumps(s.journey.to_json()).decode(),
            s.next_due,
            s.score_total,
            s.band,
            s.score_revision,
            s.scored_at,
            s.journey.hot,
            s.last_activity_on,
            s.source,
            s.campaign,
            s.owner,
            s.name,
            s.company,
            s.contact_version,
            orjson.dumps(s.drafts).decode(),
            s.merged_into,
            now,
        )
        for s in standings
    ]
    return by_column(_COLUMNS, rows)


async def find(work: UnitOfWork, lead_id: UUID) -> Standing | None:
    """One lead of the tenant, not locked; an id that is an alias answers as the lead it stands for."""
    row = await work.fetch_one(
        """
        SELECT * FROM lead
        WHERE tenant_id = :tenant AND captured AND lead_id = coalesce(
            (SELECT lead_id FROM alias WHERE tenant_id = :tenant AND alias_id = :lead AND NOT undone), :lead)
        """,
        tenant=work.tenants[0],
        lead=lead_id,
    )
    return standing_of(row) if row else None


async def due(work: UnitOfWork, limit: int) -> Sequence[LeadKey]:
    """Leads of all tenants whose next timer has fallen due, oldest first. Not locked: `lock` decides who does it."""
    rows = await work.fetch(
        "SELECT tenant_id, lead_id FROM lead WHERE next_due <= :now ORDER BY next_due LIMIT :limit",
        now=work.now,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def put_off(work: UnitOfWork, lead: LeadKey, pause: timedelta) -> None:
    """Look at this lead's timers later."""
    await work.run(
        "UPDATE lead SET next_due = :later WHERE tenant_id = :tenant AND lead_id = :lead",
        later=work.now + pause,
        tenant=lead[0],
        lead=lead[1],
    )


async def that_may_go_quiet(work: UnitOfWork, tenant: str, last: UUID | None, limit: int) -> Sequence[LeadKey]:
    """A page of a tenant's leads, by id, in the stages that the quiet period is about."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead
        WHERE tenant_id = :tenant AND stage = ANY (:stages) AND lead_id > coalesce(CAST(:last AS uuid), :least)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        stages=[stage.value for stage in QUIET_STAGES],
        last=last,
        least=UUID(int=0),
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def after(work: UnitOfWork, last: UUID | None, limit: int) -> list[Standing]:
    """A page of the tenant's open leads by id, for what has to look at all of them."""
    rows = await work.fetch(
        """
        SELECT * FROM lead
        WHERE tenant_id = :tenant AND captured AND merged_into IS NULL AND stage = ANY (:stages)
          AND (CAST(:last AS uuid) IS NULL OR lead_id > :last)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=work.tenants[0],
        stages=[stage.value for stage in Stage],
        last=last,
        limit=limit,
    )
    return [standing_of(row) for row in rows]


async def forget_waiting(work: UnitOfWork, days: float, limit: int) -> int:
    """Remove rows and signals of leads that never were captured within `days`. An alias is none of them."""
    waiting = "stage = 'waiting' AND NOT captured AND merged_into IS NULL AND updated_at < :before"
    before = work.now - timedelta(days=days)
    rows = await work.fetch(f"SELECT tenant_id FROM lead WHERE {waiting} LIMIT :limit", before=before, limit=limit)
    if not rows:
        return 0
    tenants = ",".join(sorted({row["tenant_id"] for row in rows}))
    await work.run("SELECT set_config('leadflow.tenants', :tenants, true)", tenants=tenants)
    gone = await work.fetch(
        f"""
        DELETE FROM lead WHERE (tenant_id, lead_id) IN (
            SELECT tenant_id, lead_id FROM lead WHERE {waiting} LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING tenant_id, lead_id
        """,
        before=before,
        limit=limit,
    )
    await work.run(
        """
        DELETE FROM activity WHERE (tenant_id, lead_id) IN (
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])))
        """,
        tenants=[row["tenant_id"] for row in gone],
        leads=[row["lead_id"] for row in gone],
    )
    return len(rows)
