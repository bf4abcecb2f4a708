"""What people do with an enrolment: pause, resume, move to a step or a version, end. All with actor and note."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.outreach.drafts.use_cases.supersession import supersede_all
from services.outreach.rules import far_fault
from services.outreach.sequences.rules import Enrolment, Exit, due_at, step_after_move
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store import enrolments, sequences
from services.outreach.sequences.store.enrolments import AT_ONCE, StoredEnrolment
from services.outreach.sequences.use_cases import enrolling, restoring
from services.outreach.sequences.use_cases.conditions import calendar_of
from services.outreach.store import lead_of, settings_of
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound


async def get(work: UnitOfWork, tenant: str, enrolment_id: UUID) -> StoredEnrolment:
    """The enrolment. Raises NotFound, also once its lead was erased."""
    enrolment = await enrolments.get(work, tenant, enrolment_id)
    if enrolment is None or await lead_of(work, *enrolment.key) is None:
        raise NotFound("no such enrolment")
    return enrolment


async def _lock_running(work: UnitOfWork, tenant: str, enrolment_id: UUID, *, drafts_end: str = "") -> StoredEnrolment:
    """The enrolment, locked after its lead; `drafts_end`: why its pending draft ends. Conflict when it has ended."""
    enrolment = await get(work, tenant, enrolment_id)
    await lead_of(work, tenant, enrolment.lead_id, lock=True)
    if not enrolment.running:
        raise Conflict(f"the enrolment is {enrolment.state}: {enrolment.detail}")
    if drafts_end:
        await supersede_all(work, [enrolment.key], drafts_end, kind="sequence")
    locked = await enrolments.get(work, tenant, enrolment_id, lock=True)
    if locked is None or not locked.running:
        raise Conflict("the enrolment has just ended")
    return locked


async def pause(
    work: UnitOfWork, tenant: str, enrolment_id: UUID, actor: str, until: datetime | None, note: str | None
) -> None:
    """Nothing is drafted or sent until then; None: until somebody resumes."""
    if until is not None and (fault := far_fault(until, work.now)):
        raise Invalid("nothing can be put off until then", [{"field": "until", "message": fault}])
    enrolment = await _lock_running(work, tenant, enrolment_id)
    await enrolments.update(
        work,
        enrolment,
        state="paused",
        paused_until=until,
        paused_by=actor,
        paused_by_reply=None,
        due_at=until,
        detail=note or "paused by a person",
    )
    detail = f"until {until.isoformat()}" if until else "until somebody resumes it"
    await enrolling.record_change(work, enrolment, "paused", actor, note=note, detail=detail)


async def resume(work: UnitOfWork, tenant: str, enrolment_id: UUID, actor: str, note: str | None) -> None:
    """Go on now. An enrolment that is not paused stays as it is."""
    enrolment = await _lock_running(work, tenant, enrolment_id)
    if enrolment.state == "active":
        return
    await enrolments.update(
        work,
        enrolment,
        state="active",
        paused_until=None,
        paused_by=None,
        paused_by_reply=None,
        due_at=AT_ONCE,
        detail=None,
    )
    await of_enrolment.hasten_dispatch(work, enrolment)
    await enrolling.record_change(work, enrolment, "resumed", actor, note=note)


async def exit_by_hand(work: UnitOfWork, tenant: str, enrolment_id: UUID, actor: str, note: str | None) -> None:
    """End the enrolment. One that has ended stays as it is, for good."""
    present = await get(work, tenant, enrolment_id)
    if not present.running:
        if present.may_come_back:
            await restoring.make_final(work, present)
        return
    enrolment = await _lock_running(work, tenant, enrolment_id, drafts_end="a person ended the enrolment")
    await enrolling.end(work, [enrolment], Exit("manual", note or "a person ended it"), actor=actor, note=note)


async def move(
    work: UnitOfWork,
    tenant: str,
    enrolment_id: UUID,
    actor: str,
    step: int | None,
    version: int | None,
    note: str | None,
) -> None:
    """Let the enrolment go on with that step, or with that version of its sequence; the step under way is given up.

    A step that the address has had already is never sent again: the worker skips it, and says so. A message that is on
    its way cannot be taken back (Conflict). NotFound for a step that the version does not have.
    """
    enrolment = await _lock_running(work, tenant, enrolment_id, drafts_end="the enrolment was moved to another step")
    old = await sequences.get(work, tenant, enrolment.sequence_id, enrolment.version)
    new = await sequences.get(work, tenant, enrolment.sequence_id, version or enrolment.version)
    if old is None or new is None:
        raise NotFound(f"the sequence has no version {version}")
    if step is None:
        # An enrolment that is at the end of its version already is at that of the other too.
        step = enrolment.step and step_after_move(old.definition, new.definition, enrolment.step)
    elif step not in {each.number for each in new.definition.steps}:
        raise Invalid("the sequence has no such step", [{"field": "step", "message": "is no step of this version"}])
    await enrolling.give_up_step(work, enrolment, "the enrolment was moved to another step")
    progress = replace(enrolment.progress(), step=step, under_way=False)
    if step != enrolment.step:
        progress = replace(progress, anchor_at=work.now)
    planned = await _planned(work, enrolment, progress, new.sequence_id, new.version)
    await enrolments.update(
        work,
        enrolment,
        version=new.version,
        step=step,
        attempt=0,
        anchor_at=progress.anchor_at,
        draft_id=None,
        planned_at=planned,
        due_at=enrolment.due_at if enrolment.state == "paused" else AT_ONCE,
    )
    detail = f"to step {step} of version {new.version}" if step else f"to the end of version {new.version}"
    await enrolling.record_change(work, enrolment, "moved", actor, note=note, detail=detail)


async def _planned(
    work: UnitOfWork, enrolment: StoredEnrolment, progress: Enrolment, sequence_id: UUID, version: int
) -> datetime | None:
    if progress.step is None:
        return None
    sequence = await sequences.get(work, enrolment.tenant_id, sequence_id, version)
    lead = await lead_of(work, *enrolment.key)
    if sequence is None or lead is None:
        return None
    settings = await settings_of(work, enrolment.tenant_id)
    return due_at(sequence.definition, progress, calendar_of(lead, settings, sequence.definition))[0]
