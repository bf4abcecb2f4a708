"""How an enrolment begins and ends. Locks are taken in the order lead, draft, enrolment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.supersession import supersede_all
from services.outreach.rules import next_check_in
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store as sending
from services.outreach.sequences.rules import EXITS, Enrolment, Exit, due_at, exit_of
from services.outreach.sequences.store import changes, enrolments, sequences, steps
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store.enrolments import NewEnrolment, StoredEnrolment
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.use_cases.conditions import conditions_of
from services.outreach.store import Lead, lead_of, schedule_check_ins, settings_of
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import Envelope, SequenceChanged, SequenceEnrolled, SequenceExited
from shared.ids import derived_id, uuid7
from shared.store.aliases import resolve

SYSTEM = "system:sequences"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a lead is enrolled. `kind`: manual, rule, nurture. An id enrols a lead once in a sequence."""

    kind: str
    id: str
    actor: str = SYSTEM
    note: str | None = None
    event: Envelope | None = None


async def active_sequence(work: UnitOfWork, tenant: str, sequence_id: UUID) -> StoredSequence:
    """A sequence that leads can be enrolled in. Raises NotFound or Conflict with the reason."""
    sequence = await sequences.get(work, tenant, sequence_id)
    if sequence is None:
        raise NotFound("no such sequence")
    if sequence.state != "active":
        raise Conflict(f"the sequence is {sequence.state}: activate it before leads are enrolled")
    return sequence


async def enrol(work: UnitOfWork, tenant: str, lead_id: UUID, sequence: StoredSequence, cause: Cause) -> UUID:
    """Enrol a lead, given by its id or an alias; the enrolment's id, the same for the same cause.

    Raises NotFound for an unknown lead; Conflict, with the reason, while another enrolment of the lead runs, while a
    template of the sequence's newest version is not approved, and for a lead that would leave the sequence at once.
    """
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    lead = await lead_of(work, tenant, kept, lock=True)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    known = await enrolments.by_cause(work, tenant, sequence.sequence_id, lead.lead_id, cause.id)
    if known is not None:
        return known.enrolment_id
    if running := await enrolments.running_of(work, [(tenant, lead.lead_id)]):
        other = await sequences.get(work, tenant, running[0].sequence_id)
        name = other.name if other else "another sequence"
        raise Conflict(f"the lead is enrolled in {name!r} already ({running[0].state}): {running[0].enrolment_id}")
    if missing := await sequences.unapproved_steps(work, tenant, sequence):
        raise Conflict(f"the template of step {missing} is not approved: activate the sequence with its hash first")
    settings = await settings_of(work, tenant)
    state = await conditions_of(work, lead, settings, sequence)
    if exit_ := exit_of(sequence.definition, state):
        raise Conflict(f"the lead cannot be enrolled: {exit_.detail or EXITS[exit_.reason]}")
    first = sequence.definition.first
    not_before = lead.later_until if lead.later_until and lead.later_until > work.now else None
    begun = Enrolment("active", first.number, work.now, not_before)
    planned, why = due_at(sequence.definition, begun, state.calendar)
    nurture = lead.stage == "nurture"
    new = NewEnrolment(
        tenant_id=tenant,
        enrolment_id=uuid7(),
        lead_id=lead.lead_id,
        sequence_id=sequence.sequence_id,
        version=sequence.version,
        step=first.number,
        anchor_at=work.now,
        not_before=not_before,
        planned_at=planned,
        why=why,
        due_at=planned,
        cause=cause.kind,
        cause_id=cause.id,
        nurture=nurture,
        enrolled_by=cause.actor,
        created_at=work.now,
    )
    if not await enrolments.add(work, new):
        raise Conflict("the lead is being enrolled by somebody else")
    if nurture:
        # The steps of the sequence take the place of the recurring check-in.
        await schedule_check_ins(work, {(tenant, lead.lead_id): None})
    caused_by = cause.event.id if cause.event else None
    await changes.record(work, new, "enrolled", cause.actor, note=cause.note, caused_by=caused_by)
    event, event_id = enrolled_event(new, cause.note)
    work.emit(event, tenant=tenant, subject=lead.lead_id, cause=cause.event, event_id=event_id)
    return new.enrolment_id


def enrolled_event(enrolment: NewEnrolment | StoredEnrolment, note: str | None = None) -> tuple[SequenceEnrolled, str]:
    """The event of an enrolment's beginning, and its id, which is the same whenever it is published."""
    event = SequenceEnrolled(
        enrolment_id=str(enrolment.enrolment_id),
        sequence_id=str(enrolment.sequence_id),
        reason=_REASONS.get(enrolment.cause, enrolment.cause),
        actor=enrolment.enrolled_by,
        **({"note": note} if note else {}),
    )
    return event, str(derived_id("sequence.enrolled", enrolment.tenant_id, enrolment.enrolment_id))


def exited_event(
    enrolment: StoredEnrolment, actor: str | None = None, note: str | None = None
) -> tuple[SequenceExited, str]:
    """The event of an enrolment's end, and its id, which is the same whenever it is published."""
    optional = {name: value for name, value in (("actor", actor), ("note", note or enrolment.detail)) if value}
    event = SequenceExited(
        enrolment_id=str(enrolment.enrolment_id),
        sequence_id=str(enrolment.sequence_id),
        reason=enrolment.reason,
        **optional,
    )
    again = [enrolment.restored] if enrolment.restored else []
    return event, str(derived_id("sequence.exited", enrolment.tenant_id, enrolment.enrolment_id, *again))


_REASONS = {
    "manual": "a person enrolled the lead",
    "rule": "a rule of the sequence enrolled the lead",
    "nurture": "the lead entered nurture",
}


async def record_change(
    work: UnitOfWork,
    enrolment: StoredEnrolment,
    change: str,
    actor: str,
    *,
    detail: str | None = None,
    note: str | None = None,
    cause: Envelope | None = None,
) -> None:
    """Record that an enrolment was paused, resumed, moved or restored, and publish it for the timeline."""
    caused_by = cause.id if cause else None
    await changes.record(work, enrolment, change, actor, note=note, detail=detail, caused_by=caused_by)
    optional = {name: value for name, value in (("reason", detail), ("note", note)) if value}
    work.emit(
        SequenceChanged(
            enrolment_id=str(enrolment.enrolment_id),
            sequence_id=str(enrolment.sequence_id),
            change=change,
            actor=actor,
            **optional,
        ),
        tenant=enrolment.tenant_id,
        subject=enrolment.lead_id,
        cause=cause,
    )


async def end(
    work: UnitOfWork,
    ended: Sequence[StoredEnrolment],
    exit_: Exit,
    *,
    actor: str = SYSTEM,
    note: str | None = None,
    cause: Envelope | None = None,
    caused_by: str | None = None,
    ended_by: Sequence[str] = (),
) -> None:
    """End locked enrolments for one reason: nothing of them is sent any more, and `sequence.exited` is published.

    What of them is on its way already is shown as crossed. The pending drafts of the leads were locked before.
    `ended_by`: what ends them, where that may turn out to be a mistake (`restoring`); without any the end is final. The
    pause, the plan and the step under way stay as they were.
    """
    ended = [each for each in ended if each.running]
    state = "done" if exit_.reason == "done" else "exited"
    detail = exit_.detail or EXITS[exit_.reason]
    for each in ended:
        await enrolments.update(
            work,
            each,
            state=state,
            reason=exit_.reason,
            detail=detail,
            ended_at=work.now,
            ended_by=list(ended_by) or None,
            due_at=None,
        )
        caused = cause.id if cause else caused_by
        await changes.record(work, each, state, actor, note=note, detail=detail, caused_by=caused)
        await of_enrolment.mark_crossed(work, each)
        event, event_id = exited_event(replace(each, reason=exit_.reason, detail=detail), actor, note)
        work.emit(event, tenant=each.tenant_id, subject=each.lead_id, cause=cause, event_id=event_id)
    if not ended:
        return
    await of_enrolment.refuse_queued(work, ended, f"the enrolment has ended: {detail}")
    await steps.cancel(work, ended, detail)
    for each in ended:
        await compositions.drop_all(work, *each.key, None, detail, kind="sequence")
        await _after_end(work, each, exit_)


async def end_with_drafts(
    work: UnitOfWork, running: Sequence[StoredEnrolment], exit_: Exit, **more: object
) -> list[StoredEnrolment]:
    """End enrolments that are not locked yet, and their pending drafts before; those that were ended."""
    keys = [each.key for each in running]
    await supersede_all(work, keys, f"the enrolment has ended: {exit_.detail or EXITS[exit_.reason]}", kind="sequence")
    wanted = {each.enrolment_id for each in running}
    locked = [each for each in await enrolments.running_of(work, keys, lock=True) if each.enrolment_id in wanted]
    await end(work, locked, exit_, **more)  # type: ignore[arg-type]
    return locked


async def give_up_step(work: UnitOfWork, enrolment: StoredEnrolment, reason: str, *, even_approved: bool) -> None:
    """The step under way of a locked enrolment is not taken any more.

    Raises Conflict while its message is leaving; unless `even_approved`, also where it is approved and waits to leave.
    """
    if enrolment.draft_id is None:
        return
    if even_approved:
        await of_enrolment.refuse_queued(work, [enrolment], reason)
    under_way = await steps.under_way(work, enrolment.tenant_id, enrolment.draft_id)
    if under_way.dispatch == "queued" and not even_approved:
        raise Conflict("the message of the present step is approved already, with the text that the step has now")
    if under_way.dispatch in ("queued", "sending", "unknown"):
        raise Conflict("the message of the present step is on its way")
    await steps.cancel(work, [enrolment], reason)
    await compositions.drop_all(work, *enrolment.key, None, reason, kind="sequence")


async def _after_end(work: UnitOfWork, ended: StoredEnrolment, exit_: Exit) -> None:
    """What follows for the lead: its channels may be used up, and a lead in nurture is not left alone for ever."""
    tenant, lead_id = ended.key
    if exit_.reason == "erased":
        return
    settings = await settings_of(work, tenant)
    if exit_.reason == "done" and not ended.nurture:
        await sending.check_at_latest(work, tenant, lead_id, work.now)
    lead = await lead_of(work, tenant, lead_id)
    if lead is None or lead.stage != "nurture" or lead.opted_out or lead.merged_into:
        return
    if ended.nurture_next and await enrol_in_nurture(work, lead, settings, ended.nurture_next):
        return
    await schedule_check_ins(work, {ended.key: next_check_in(work.now, lead.later_until, work.now)})


async def resume_check_ins(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Set the next check-in of a lead in nurture that would get none, neither by a date nor by a sequence."""
    lead = await lead_of(work, tenant, lead_id, lock=True)
    if lead is None or lead.stage != "nurture" or lead.opted_out or lead.merged_into or lead.nurture_due:
        return
    if not await enrolments.running_of(work, [(tenant, lead_id)]):
        due = next_check_in(lead.stage_since or work.now, lead.later_until, work.now)
        await schedule_check_ins(work, {(tenant, lead_id): due})


async def enrol_in_nurture(
    work: UnitOfWork, lead: Lead, settings: OutreachSettings, cause_id: str, event: Envelope | None = None
) -> bool:
    """Enrol a lead in nurture into the tenant's nurture sequence; whether there is one that runs."""
    if settings.nurture_sequence_id is None:
        return False
    sequence = await sequences.get(work, lead.tenant, settings.nurture_sequence_id)
    if sequence is None or sequence.state != "active":
        return False
    try:
        await enrol(work, lead.tenant, lead.lead_id, sequence, Cause("nurture", cause_id, event=event))
    except (Conflict, NotFound):
        return False
    return True
