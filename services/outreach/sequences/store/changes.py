"""Queries on what happened to enrolments besides their steps."""

from collections.abc import Sequence
from uuid import UUID

from services.outreach.sequences.store.enrolments import NewEnrolment, StoredEnrolment
from services.outreach.sequences.tables import EnrolmentChangeRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows
from shared.ids import uuid7

_CHANGE = (
    "tenant_id", "enrolment_id", "change_id", "lead_id", "change", "actor", "note", "detail", "caused_by", "at"
)  # fmt: skip
_ADD_CHANGE = insert_rows(EnrolmentChangeRow, _CHANGE)


async def record(
    work: UnitOfWork,
    enrolment: StoredEnrolment | NewEnrolment,
    change: str,
    actor: str,
    *,
    note: str | None = None,
    detail: str | None = None,
    caused_by: str | None = None,
) -> None:
    """Record what happened to an enrolment."""
    row = (
        enrolment.tenant_id,
        enrolment.enrolment_id,
        uuid7(),
        enrolment.lead_id,
        change,
        actor,
        note,
        detail,
        caused_by,
        work.now,
    )
    await work.run(_ADD_CHANGE, **by_column(_CHANGE, [row]))


async def of_enrolment(work: UnitOfWork, tenant: str, enrolment_id: UUID) -> Sequence[Row]:
    """What happened to an enrolment, the oldest first."""
    return await work.fetch(
        """
        SELECT change, actor, note, detail, caused_by, at FROM enrolment_change
        WHERE tenant_id = :tenant AND enrolment_id = :enrolment ORDER BY change_id
        """,
        tenant=tenant,
        enrolment=enrolment_id,
    )
