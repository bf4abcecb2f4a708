"""Many leads at once: enrolling them, or moving enrolments to the newest version, page by page with a result each."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from services.outreach.sequences.rules import step_after_move
from services.outreach.sequences.store import enrolments, jobs, sequences
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.use_cases import changes, enrolling
from shared.db import Row, UnitOfWork, may_pass_later
from shared.errors import Invalid, LeadflowError, NotFound
from shared.ids import uuid7

log = structlog.get_logger()

PAGE = 100
"""Items in one transaction."""
MOST_LEADS = 100_000
"""Leads of one job that a filter selects."""


async def start_enrolling(
    work: UnitOfWork,
    tenant: str,
    sequence_id: UUID,
    actor: str,
    note: str | None,
    lead_ids: Sequence[UUID] | None,
    filters: dict[str, Any] | None,
) -> UUID:
    """Start a job that enrols these leads, or those that a filter of the queue matches now; its id."""
    await enrolling.active_sequence(work, tenant, sequence_id)
    if lead_ids is None:
        lead_ids = await jobs.matching_leads(work, tenant, filters or {}, MOST_LEADS + 1)
        if len(lead_ids) > MOST_LEADS:
            raise Invalid(f"the filter matches more than {MOST_LEADS} leads: name a narrower one")
    job_id = uuid7()
    await jobs.add(work, tenant, job_id, sequence_id, "enrol", actor, note, None, list(dict.fromkeys(lead_ids)))
    return job_id


async def preview_moves(work: UnitOfWork, tenant: str, sequence_id: UUID, limit: int) -> dict[str, Any]:
    """Which enrolments of older versions would move to the newest one, and to which step (null: to its end)."""
    newest = await sequences.get(work, tenant, sequence_id)
    if newest is None:
        raise NotFound("no such sequence")
    known = {newest.version: newest}
    moves: list[dict[str, Any]] = []
    total, before = 0, None
    while page := await enrolments.page(work, tenant, sequence_id=sequence_id, before=before, limit=1_000):
        before = page[-1].enrolment_id
        for each in page:
            if not each.running or each.version == newest.version or each.step is None:
                continue
            total += 1
            if each.version not in known:
                stored = await sequences.get(work, tenant, sequence_id, each.version)
                assert stored is not None, "a foreign key holds the version of an enrolment"
                known[each.version] = stored
            if len(moves) < limit:
                to_step = step_after_move(known[each.version].definition, newest.definition, each.step)
                moves.append(
                    {
                        "enrolment_id": each.enrolment_id,
                        "lead_id": each.lead_id,
                        "from_version": each.version,
                        "from_step": each.step,
                        "to_version": newest.version,
                        "to_step": to_step,
                    }
                )
    return {"total": total, "moves": moves}


async def start_moving(
    work: UnitOfWork,
    tenant: str,
    sequence_id: UUID,
    actor: str,
    note: str | None,
    enrolment_ids: Sequence[UUID] | None,
) -> UUID:
    """Start a job that moves enrolments of older versions, all or these, to the newest version; its id."""
    newest = await sequences.get(work, tenant, sequence_id)
    if newest is None:
        raise NotFound("no such sequence")
    if enrolment_ids is None:
        found = (await preview_moves(work, tenant, sequence_id, MOST_LEADS))["moves"]
        enrolment_ids = [each["enrolment_id"] for each in found]
    job_id = uuid7()
    subjects = list(dict.fromkeys(enrolment_ids))
    await jobs.add(work, tenant, job_id, sequence_id, "move", actor, note, newest.version, subjects)
    return job_id


async def run_page(work: UnitOfWork, tenant: str, job_id: UUID) -> int:
    """Do the next page of a job, each item behind a savepoint; how many, 0 while another worker does it."""
    job = await jobs.lock(work, tenant, job_id)
    if job is None:
        return 0
    items = await jobs.open_items(work, tenant, job_id, PAGE)
    sequence = await sequences.get(work, tenant, job["sequence_id"])
    assert sequence is not None, "a foreign key holds the sequence of a job"
    results: list[tuple[int, int, UUID | None, str | None]] = []
    for item in items:
        subject = item["subject_id"]
        try:
            async with work.savepoint():
                made = await _do(work, tenant, job, sequence, subject)
            results.append((item["position"], 201 if job["kind"] == "enrol" else 200, made, None))
        except LeadflowError as error:
            results.append((item["position"], error.status, None, error.detail))
        except Exception as error:
            if may_pass_later(error):
                raise
            # One item that fails must not keep the others, and the job, waiting for ever.
            log.error("sequence.job_item_failed", tenant=tenant, job_id=str(job_id), exc_info=error)
            results.append((item["position"], 500, None, "a defect of Leadflow: it is in the log of outreach"))
    if results:
        await jobs.save_results(work, tenant, job_id, results)
    await jobs.advance(work, tenant, job_id, len(results), is_done=len(items) < PAGE)
    return max(1, len(results))


async def _do(work: UnitOfWork, tenant: str, job: Row, sequence: StoredSequence, subject: UUID) -> UUID:
    """Do an item of a job; the enrolment's id. Raises NotFound for an enrolment in another sequence."""
    if job["kind"] == "enrol":
        if sequence.state != "active":
            raise Invalid(f"the sequence is {sequence.state}")
        cause = enrolling.Cause("manual", f"job:{job['job_id']}", job["actor"], job["note"])
        return await enrolling.enrol(work, tenant, subject, sequence, cause)
    if (await changes.get(work, tenant, subject)).sequence_id != sequence.sequence_id:
        raise NotFound("no such enrolment in this sequence")
    await changes.move(work, tenant, subject, job["actor"], None, job["version"], job["note"])
    return subject
