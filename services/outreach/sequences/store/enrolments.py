"""Queries on enrolments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.outreach.sequences.rules import Enrolment
from services.outreach.sequences.tables import EnrolmentRow
from services.outreach.store.due import in_turn
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows
from shared.ids import LeadKey

AT_ONCE = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""The `due_at` of an enrolment that a worker looks at at once; the triggers that wake one set the same."""


@dataclass(frozen=True, slots=True)
class StoredEnrolment:
    """An enrolment as it is stored."""

    tenant_id: str
    enrolment_id: UUID
    lead_id: UUID
    sequence_id: UUID
    version: int
    state: str
    step: int | None
    attempt: int
    anchor_at: datetime
    not_before: datetime | None
    planned_at: datetime | None
    why: str | None
    due_at: datetime | None
    draft_id: UUID | None
    paused_until: datetime | None
    paused_by: str | None
    paused_by_reply: UUID | None
    other_pauses: Sequence[Mapping[str, Any]]
    reason: str | None
    detail: str | None
    cause: str
    cause_id: str
    nurture: bool
    nurture_next: str | None
    enrolled_by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: Sequence[str] | None
    restored: int

    @property
    def key(self) -> LeadKey:
        return self.tenant_id, self.lead_id

    @property
    def running(self) -> bool:
        return self.state in ("active", "paused")

    @property
    def may_come_back(self) -> bool:
        """Whether its end may yet turn out to be a mistake."""
        return self.state == "exited" and self.ended_by is not None

    def progress(self) -> Enrolment:
        """What the rules need of it."""
        return Enrolment(
            state=self.state,
            step=self.step,
            anchor_at=self.anchor_at,
            not_before=self.not_before,
            paused_until=self.paused_until,
            attempt=self.attempt,
            under_way=self.draft_id is not None,
        )


_COLUMNS = tuple(StoredEnrolment.__dataclass_fields__)
_SELECT = f"SELECT {', '.join(f'e.{name}' for name in _COLUMNS)} FROM enrolment e"


def _stored(row: Row) -> StoredEnrolment:
    return StoredEnrolment(**row)


class NewEnrolment(NamedTuple):
    """An enrolment that begins now, or when the lead wants to hear from us again."""

    tenant_id: str
    enrolment_id: UUID
    lead_id: UUID
    sequence_id: UUID
    version: int
    step: int
    anchor_at: datetime
    not_before: datetime | None
    planned_at: datetime
    why: str
    due_at: datetime
    cause: str
    cause_id: str
    nurture: bool
    enrolled_by: str
    created_at: datetime


_ADD = f"{insert_rows(EnrolmentRow, NewEnrolment._fields)} ON CONFLICT DO NOTHING"


async def add(work: UnitOfWork, new: NewEnrolment) -> bool:
    """Store an enrolment; False while another one of the lead runs, or for a cause that enrolled it before."""
    return bool(await work.run(_ADD, **by_column(NewEnrolment._fields, [new])))


async def get(
    work: UnitOfWork, tenant: str, enrolment_id: UUID, *, lock: bool = False, skip_locked: bool = False
) -> StoredEnrolment | None:
    """One enrolment; with `skip_locked` None when another worker has it."""
    locking = "FOR UPDATE" + (" SKIP LOCKED" if skip_locked else "") if lock else ""
    row = await work.fetch_one(
        f"{_SELECT} WHERE e.tenant_id = :tenant AND e.enrolment_id = :enrolment {locking}",
        tenant=tenant,
        enrolment=enrolment_id,
    )
    return _stored(row) if row else None


async def running_of(work: UnitOfWork, leads: Iterable[LeadKey], *, lock: bool = False) -> list[StoredEnrolment]:
    """The enrolments of these leads that run (active or paused), in the order of the leads."""
    keys = sorted(set(leads))
    if not keys:
        return []
    rows = await work.fetch(
        f"""{_SELECT} JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
              ON w.tenant_id = e.tenant_id AND w.lead_id = e.lead_id
            WHERE e.state IN ('active', 'paused') ORDER BY e.tenant_id, e.lead_id
            {"FOR UPDATE OF e" if lock else ""}""",
        tenants=[tenant for tenant, _ in keys],
        leads=[lead for _, lead in keys],
    )
    return [_stored(row) for row in rows]


async def current_of(work: UnitOfWork, leads: Iterable[LeadKey]) -> list[StoredEnrolment]:
    """The newest enrolment of each of these leads, where it runs or may come back; in the order of the leads."""
    keys = sorted(set(leads))
    if not keys:
        return []
    rows = await work.fetch(
        f"""SELECT newest.* FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
            CROSS JOIN LATERAL (
                {_SELECT} WHERE e.tenant_id = w.tenant_id AND e.lead_id = w.lead_id
                ORDER BY e.created_at DESC, e.enrolment_id DESC LIMIT 1
            ) newest WHERE newest.state IN ('active', 'paused') OR newest.ended_by IS NOT NULL
            ORDER BY w.tenant_id, w.lead_id""",
        tenants=[tenant for tenant, _ in keys],
        leads=[lead for _, lead in keys],
    )
    return [_stored(row) for row in rows]


async def held_by(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], causes: Iterable[str]) -> list[UUID]:
    """The ids of the ended enrolments of these leads that are held by one of these causes."""
    rows = await work.fetch_tuples(
        """
        SELECT enrolment_id FROM enrolment
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND state = 'exited'
          AND ended_by && CAST(:causes AS text[])
        ORDER BY enrolment_id
        """,
        tenant=tenant,
        leads=list(lead_ids),
        causes=sorted(set(causes)),
    )
    return [enrolment_id for (enrolment_id,) in rows]


async def by_cause(
    work: UnitOfWork, tenant: str, sequence_id: UUID, lead_id: UUID, cause_id: str
) -> StoredEnrolment | None:
    """The enrolment that this cause brought about."""
    row = await work.fetch_one(
        f"""{_SELECT} WHERE e.tenant_id = :tenant AND e.sequence_id = :sequence AND e.lead_id = :lead
            AND e.cause_id = :cause""",
        tenant=tenant,
        sequence=sequence_id,
        lead=lead_id,
        cause=cause_id,
    )
    return _stored(row) if row else None


async def begun_since(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> list[StoredEnrolment]:
    """The enrolments that began since then, of the next `limit` leads after `last` that have one."""
    return await _since(work, "created_at", since, last, limit)


async def ended_since(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> list[StoredEnrolment]:
    """The enrolments that ended since then, of the next `limit` leads after `last` that have one."""
    return await _since(work, "ended_at", since, last, limit)


async def _since(
    work: UnitOfWork, column: str, since: datetime, last: UUID | None, limit: int
) -> list[StoredEnrolment]:
    rows = await work.fetch(
        f"""{_SELECT} JOIN (
            SELECT DISTINCT n.tenant_id, n.lead_id FROM enrolment n
            JOIN lead l ON l.tenant_id = n.tenant_id AND l.lead_id = n.lead_id
            WHERE n.tenant_id = :tenant AND n.{column} >= :since
              AND (CAST(:last AS uuid) IS NULL OR n.lead_id > CAST(:last AS uuid))
            ORDER BY n.lead_id LIMIT :limit
        ) w ON w.tenant_id = e.tenant_id AND w.lead_id = e.lead_id
        WHERE e.{column} >= :since ORDER BY e.lead_id, e.{column}""",
        tenant=work.tenants[0],
        since=since,
        last=last,
        limit=limit,
    )
    return [_stored(row) for row in rows]


async def page(
    work: UnitOfWork,
    tenant: str,
    *,
    lead_ids: Sequence[UUID] | None = None,
    sequence_id: UUID | None = None,
    state: str | None = None,
    before: UUID | None = None,
    limit: int = 200,
) -> list[StoredEnrolment]:
    """Enrolments, the newest first."""
    where = " AND e.lead_id = ANY (:leads)" if lead_ids is not None else ""
    where += " AND e.sequence_id = :sequence" if sequence_id else ""
    where += " AND e.state = :state" if state else ""
    where += " AND e.enrolment_id < :before" if before else ""
    given = {"leads": list(lead_ids or ()), "sequence": sequence_id, "state": state, "before": before}
    rows = await work.fetch(
        f"{_SELECT} WHERE e.tenant_id = :tenant{where} ORDER BY e.enrolment_id DESC LIMIT :limit",
        tenant=tenant,
        limit=limit,
        **{name: value for name, value in given.items() if f":{name}" in where},
    )
    return [_stored(row) for row in rows]


_DUE = in_turn("enrolment", "enrolment_id", "due_at", "due_at IS NOT NULL", "due_at <= :now")


async def due(work: UnitOfWork, limit: int) -> Sequence[tuple[str, UUID]]:
    """(tenant, enrolment id) of enrolments that are due: the tenants in turn, of each those that are due longest."""
    rows = await work.fetch_tuples(_DUE, now=work.now, limit=limit)
    return [(tenant, enrolment_id) for tenant, enrolment_id in rows]


async def explain_due(work: UnitOfWork, limit: int) -> str:
    """The plan of the query for due enrolments, as PostgreSQL explains it."""
    rows = await work.fetch_tuples(f"EXPLAIN (ANALYZE, BUFFERS) {_DUE}", now=work.now, limit=limit)
    return "\n".join(line for (line,) in rows)


async def update(work: UnitOfWork, enrolment: StoredEnrolment, **columns: Any) -> None:
    """Set columns of a locked enrolment."""
    await work.run(
        f"UPDATE enrolment SET {', '.join(f'{name} = :{name}' for name in columns)}"
        " WHERE tenant_id = :tenant AND enrolment_id = :enrolment",
        tenant=enrolment.tenant_id,
        enrolment=enrolment.enrolment_id,
        **columns,
    )


async def postpone(work: UnitOfWork, tenant: str, enrolment_id: UUID, until: datetime) -> None:
    """Look at an enrolment again at that moment."""
    await work.run(
        "UPDATE enrolment SET due_at = :until WHERE tenant_id = :tenant AND enrolment_id = :enrolment"
        " AND due_at IS NOT NULL",
        until=until,
        tenant=tenant,
        enrolment=enrolment_id,
    )


async def wake(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    """Let a worker look at the active enrolments of these leads at once: something about the leads has changed."""
    keys = sorted(set(leads))
    if keys:
        await work.run(
            """
            UPDATE enrolment e SET due_at = :at
            FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
            WHERE w.tenant_id = e.tenant_id AND w.lead_id = e.lead_id AND e.state = 'active'
            """,
            at=AT_ONCE,
            tenants=[tenant for tenant, _ in keys],
            leads=[lead for _, lead in keys],
        )


async def wake_waiting(work: UnitOfWork, tenant: str) -> None:
    """Let a worker look at once at the tenant's active enrolments that wait for a moment.

    Those that are due already are updated too, to wait for a worker that is still deciding as it was before.
    """
    await work.run(
        "UPDATE enrolment SET due_at = :at WHERE tenant_id = :tenant AND state = 'active' AND due_at IS NOT NULL",
        at=AT_ONCE,
        tenant=tenant,
    )


async def wake_sequence(work: UnitOfWork, tenant: str, sequence_id: UUID) -> None:
    """Let a worker look at the enrolments that were put aside while their sequence was paused.

    All of them are updated, to wait for a worker that is still putting one aside because of the pause.
    """
    await work.run(
        """
        UPDATE enrolment SET due_at = :at
        WHERE tenant_id = :tenant AND sequence_id = :sequence AND state IN ('active', 'paused')
        """,
        at=AT_ONCE,
        tenant=tenant,
        sequence=sequence_id,
    )
    await work.run(
        "UPDATE dispatch SET due_at = :now WHERE tenant_id = :tenant AND sequence_id = :sequence AND state = 'queued'",
        now=work.now,
        tenant=tenant,
        sequence=sequence_id,
    )
