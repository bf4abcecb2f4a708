"""Queries on jobs: many leads to enrol, or many enrolments to move to another version."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.outreach.rules import STATUS_STAGES
from services.outreach.sequences.tables import EnrolmentJobItemRow, EnrolmentJobRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows

_JOB = ("tenant_id", "job_id", "sequence_id", "kind", "actor", "note", "version", "total", "created_at")
_ADD_JOB = insert_rows(EnrolmentJobRow, _JOB)
_ITEM = ("tenant_id", "job_id", "position", "subject_id")
_ADD_ITEMS = insert_rows(EnrolmentJobItemRow, _ITEM)


async def add(
    work: UnitOfWork,
    tenant: str,
    job_id: UUID,
    sequence_id: UUID,
    kind: str,
    actor: str,
    note: str | None,
    version: int | None,
    subjects: Sequence[UUID],
) -> None:
    """Store a job with an item for each lead or enrolment."""
    row = (tenant, job_id, sequence_id, kind, actor, note, version, len(subjects), work.now)
    await work.run(_ADD_JOB, **by_column(_JOB, [row]))
    items = [(tenant, job_id, position, subject) for position, subject in enumerate(subjects)]
    if items:
        await work.run(_ADD_ITEMS, **by_column(_ITEM, items))


async def get(work: UnitOfWork, tenant: str, job_id: UUID) -> Row | None:
    """A job with its progress."""
    return await work.fetch_one(
        "SELECT * FROM enrolment_job WHERE tenant_id = :tenant AND job_id = :job", tenant=tenant, job=job_id
    )


async def results(work: UnitOfWork, tenant: str, job_id: UUID, after: int | None, limit: int) -> Sequence[Row]:
    """The items of a job in order, with their results."""
    return await work.fetch(
        """
        SELECT position, subject_id, status, enrolment_id, error FROM enrolment_job_item
        WHERE tenant_id = :tenant AND job_id = :job AND position > :after ORDER BY position LIMIT :limit
        """,
        tenant=tenant,
        job=job_id,
        after=-1 if after is None else after,
        limit=limit,
    )


async def running(work: UnitOfWork) -> tuple[str, UUID] | None:
    """(tenant, job id) of one of the jobs that run: tenants take turns."""
    row = await work.fetch_one(
        "SELECT tenant_id, job_id FROM enrolment_job WHERE state = 'running' ORDER BY random() LIMIT 1"
    )
    return (row["tenant_id"], row["job_id"]) if row else None


async def lock(work: UnitOfWork, tenant: str, job_id: UUID) -> Row | None:
    """The job, locked; None when another worker has it, or it is done."""
    return await work.fetch_one(
        """
        SELECT * FROM enrolment_job
        WHERE tenant_id = :tenant AND job_id = :job AND state = 'running' FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
        job=job_id,
    )


async def open_items(work: UnitOfWork, tenant: str, job_id: UUID, limit: int) -> Sequence[Row]:
    """The next items without a result."""
    return await work.fetch(
        """
        SELECT position, subject_id FROM enrolment_job_item
        WHERE tenant_id = :tenant AND job_id = :job AND status IS NULL ORDER BY position LIMIT :limit
        """,
        tenant=tenant,
        job=job_id,
        limit=limit,
    )


async def save_results(
    work: UnitOfWork, tenant: str, job_id: UUID, results: Sequence[tuple[int, int, UUID | None, str | None]]
) -> None:
    """Store the results (position, status, enrolment id, error) of a page of items."""
    columns = {"positions": "integer", "statuses": "integer", "enrolments": "uuid", "errors": "text"}
    await work.run(
        """
        UPDATE enrolment_job_item i SET status = w.status, enrolment_id = w.enrolment_id, error = w.error
        FROM unnest(CAST(:positions AS integer[]), CAST(:statuses AS integer[]), CAST(:enrolments AS uuid[]),
                    CAST(:errors AS text[])) AS w (position, status, enrolment_id, error)
        WHERE i.tenant_id = :tenant AND i.job_id = :job AND i.position = w.position
        """,
        tenant=tenant,
        job=job_id,
        **by_column(columns, results),
    )


async def advance(work: UnitOfWork, tenant: str, job_id: UUID, more: int, *, is_done: bool) -> None:
    """Count the items that were done; end the job after the last."""
    await work.run(
        """
        UPDATE enrolment_job SET done = done + :more, state = CASE WHEN :ended THEN 'done' ELSE state END,
               ended_at = CASE WHEN :ended THEN CAST(:now AS timestamptz) END
        WHERE tenant_id = :tenant AND job_id = :job
        """,
        more=more,
        ended=is_done,
        now=work.now,
        tenant=tenant,
        job=job_id,
    )


_FILTERS = {
    "stage": "l.stage = :stage",
    "status": """CASE WHEN l.stage <> 'nurture' THEN l.stage = ANY (CAST(:stages AS text[]))
        ELSE :status = CASE WHEN EXISTS (
            SELECT FROM dispatch d WHERE d.tenant_id = l.tenant_id AND d.lead_id = l.lead_id AND d.state = 'sent')
            THEN 'contacted' ELSE 'new' END END""",
    "source": "l.fields ->> 'source' = :source",
    "campaign": "l.fields ->> 'campaign' = :campaign",
    "owner": "coalesce(l.owner, l.fields ->> 'owner') = :owner",
    "band": "l.score_band = :band",
}


async def matching_leads(work: UnitOfWork, tenant: str, filters: Mapping[str, Any], limit: int) -> list[UUID]:
    """The leads that a filter of the queue matches, the best scores first; aliases and the erased are none."""
    where = "".join(f" AND {_FILTERS[name]}" for name in filters)
    if "status" in filters:
        filters = {**filters, "stages": sorted(STATUS_STAGES[filters["status"]])}
    rows = await work.fetch_tuples(
        f"""
        SELECT l.lead_id FROM lead l
        WHERE l.tenant_id = :tenant AND l.version > 0{where} AND NOT EXISTS (
            SELECT FROM alias a WHERE a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id AND NOT a.undone)
        ORDER BY coalesce(l.score_total, 0) DESC, l.lead_id DESC LIMIT :limit
        """,
        tenant=tenant,
        limit=limit,
        **filters,
    )
    return [lead_id for (lead_id,) in rows]
