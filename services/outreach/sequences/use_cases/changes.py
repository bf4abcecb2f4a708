"""What people do with an enrolment: pause, resume, move to a step or a version, end. All with actor and note."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.outreach.drafts.use_cases.supersession import supersede_all
from services.outreach.rules import far_fault
from services.outreach.sequences.rules import Enrolment, Exit, OpenPause, SequenceVersion, due_at, step_after_move
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store import enrolments, pauses, sequences
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


async def _seen_running(work: UnitOfWork, tenant: str, enrolment_id: UUID) -> StoredEnrolment:
    """The enrolment as it is once its lead is locked. Conflict when it has ended."""
    await lead_of(work, tenant, (await get(work, tenant, enrolment_id)).lead_id, lock=True)
    enrolment = await get(work, tenant, enrolment_id)
    if not enrolment.running:
        raise Conflict(f"the enrolment is {enrolment.state}: {enrolment.detail}")
    return enrolment


async def _lock_running(work: UnitOfWork, tenant: str, enrolment_id: UUID, *, drafts_end: str = "") -> StoredEnrolment:
    """The enrolment, locked after its lead; `drafts_end`: why its pending draft ends. Conflict when it has ended."""
    enrolment = await _seen_running(work, tenant, enrolment_id)
    if drafts_end:
        await supersede_all(work, [enrolment.key], drafts_end, kind="sequence")
    locked = await enrolments.get(work, tenant, enrolment_id, lock=True)
    if locked is None or not locked.running:
        raise Conflict("the enrolment has just ended")
    return locked


async def pause(
    work: UnitOfWork, tenant: str, enrolment_id: UUID, actor: str, until: datetime | None, note: str | None
) -> None:
    """Nothing is drafted or sent until then; None: until somebody resumes. It takes the place of every other pause."""
    if until is not None and (fault := far_fault(until, work.now)):
        raise Invalid("nothing can be put off until then", [{"field": "until", "message": fault}])
    enrolment = await _lock_running(work, tenant, enrolment_id)
    await pauses.save(work, enrolment, [OpenPause(until, actor, note or "paused by a person")])
    detail = f"until {until.isoformat()}" if until else "until somebody resumes it"
    await enrolling.record_change(work, enrolment, "paused", actor, note=note, detail=detail)


async def resume(work: UnitOfWork, tenant: str, enrolment_id: UUID, actor: str, note: str | None) -> None:
    """Go on now. An enrolment that is not paused stays as it is."""
    enrolment = await _lock_running(work, tenant, enrolment_id)
    if enrolment.state == "active":
        return
    await pauses.save(work, enrolment, [])
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
    """Let the enrolment go on with that step, or with that version of its sequence.

    A step that keeps its number and its message goes on as it is: with its draft, and with a message that was approved.
    Another one is given up, and its message never leaves; one that is on its way cannot be taken back (Conflict). Nor
    is an approved message replaced by another text of its step (Conflict): an address gets one message of each step,
    and the worker skips a step that it has one of. NotFound for a step that the version does not have.
    """
    seen = await _seen_running(work, tenant, enrolment_id)
    old = await sequences.get(work, tenant, seen.sequence_id, seen.version)
    new = await sequences.get(work, tenant, seen.sequence_id, version or seen.version)
    if old is None or new is None:
        raise NotFound(f"the sequence has no version {version}")
    if step is None:
        # An enrolment that is at the end of its version already is at that of the other too.
        step = seen.step and step_after_move(old.definition, new.definition, seen.step)
    elif step not in {each.number for each in new.definition.steps}:
        raise Invalid("the sequence has no such step", [{"field": "step", "message": "is no step of this version"}])
    if (step, new.version) == (seen.step, seen.version):
        return
    keeps = _keeps_message(old.definition, new.definition, seen.step, step)
    reason = "" if keeps else "the enrolment was moved to another step"
    enrolment = await _lock_running(work, tenant, enrolment_id, drafts_end=reason)
    if (enrolment.step, enrolment.version, enrolment.draft_id) != (seen.step, seen.version, seen.draft_id):
        raise Conflict("the enrolment has just gone on: look at it again")
    if not keeps:
        await enrolling.give_up_step(work, enrolment, reason, even_approved=step != enrolment.step)
    progress = replace(enrolment.progress(), step=step, under_way=False)
    if step != enrolment.step:
        progress = replace(progress, anchor_at=work.now)
    planned = enrolment.planned_at
    if not keeps or enrolment.draft_id is None:
        planned = await _planned(work, enrolment, progress, new.sequence_id, new.version)
    await enrolments.update(
        work,
        enrolment,
        version=new.version,
        step=step,
        attempt=enrolment.attempt if keeps else 0,
        anchor_at=progress.anchor_at,
        draft_id=enrolment.draft_id if keeps else None,
        planned_at=planned,
        due_at=enrolment.due_at if enrolment.state == "paused" else AT_ONCE,
    )
    detail = f"to step {step} of version {new.version}" if step else f"to the end of version {new.version}"
    await enrolling.record_change(work, enrolment, "moved", actor, note=note, detail=detail)


def _keeps_message(old: SequenceVersion, new: SequenceVersion, step: int | None, to: int | None) -> bool:
    """Whether the step that comes next is the present one, with the message that it had."""
    return step is not None and step == to and old.step(step).is_same_message(new.step(step))


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
