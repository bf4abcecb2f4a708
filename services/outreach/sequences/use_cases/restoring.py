"""Enrolments that come back, because their end was a mistake: a label was corrected, a merge undone, a move taken back.

An enrolment whose end is not final keeps everything that would end it by itself, also what happens after its end
(`ended_by`). What was a mistake is taken off; an enrolment that nothing holds any more goes on where it was.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.outreach.sequences.rules import exit_of
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store import enrolments, pauses, sequences, steps
from services.outreach.sequences.store.enrolments import AT_ONCE, StoredEnrolment
from services.outreach.sequences.use_cases import enrolling
from services.outreach.sequences.use_cases.conditions import conditions_of
from services.outreach.store import lead_of, schedule_check_ins, settings_of
from shared.db import UnitOfWork
from shared.events import Envelope

LATEST = timedelta(days=30)
"""How long after its end an enrolment may come back: nobody expects a follow-up of last year because of a new label."""


def by_reply(reply_id: UUID) -> str:
    """What ends an enrolment: the label of a reply."""
    return f"reply:{reply_id}"


def by_merge(merge_id: UUID) -> str:
    """What ends an enrolment: a merge."""
    return f"merge:{merge_id}"


def by_alias(alias_id: UUID) -> str:
    """What ends an enrolment: an alias of its lead has opted out."""
    return f"alias:{alias_id}"


def by_move(event_id: str) -> str:
    """What ends an enrolment: a `stage.changed`."""
    return f"stage:{event_id}"


async def hold(work: UnitOfWork, ended: StoredEnrolment, causes: Iterable[str]) -> None:
    """Something else has happened that would have ended an enrolment which may come back."""
    known = list(ended.ended_by or ())
    held = list(dict.fromkeys((*known, *causes)))
    if held != known:
        await enrolments.update(work, ended, ended_by=held)


async def make_final(work: UnitOfWork, ended: StoredEnrolment) -> None:
    """A person wants an ended enrolment to stay ended."""
    await enrolments.update(work, ended, ended_by=None)


async def take_back(
    work: UnitOfWork,
    tenant: str,
    lead_ids: Iterable[UUID],
    causes: Iterable[str],
    why: str,
    event: Envelope | None,
) -> None:
    """These causes were mistakes: the enrolments of the leads that nothing else holds go on. `why`: for people."""
    wrong = set(causes)
    for enrolment_id in await enrolments.held_by(work, tenant, sorted(lead_ids), wrong):
        seen = await enrolments.get(work, tenant, enrolment_id)
        assert seen is not None, "an enrolment is never deleted"
        await lead_of(work, tenant, seen.lead_id, lock=True)
        ended = await enrolments.get(work, tenant, enrolment_id, lock=True)
        if ended is None or not ended.may_come_back:
            continue
        left = [each for each in ended.ended_by or () if each not in wrong]
        await enrolments.update(work, ended, ended_by=left)
        if not left:
            await _restore(work, replace(ended, ended_by=left), why, event)


async def _restore(work: UnitOfWork, ended: StoredEnrolment, why: str, event: Envelope | None) -> None:
    """Let an ended (locked) enrolment go on, unless the lead has another one since or would leave it at once."""
    newest = await enrolments.current_of(work, [ended.key])
    lead = await lead_of(work, *ended.key)
    sequence = await sequences.get(work, ended.tenant_id, ended.sequence_id, ended.version)
    assert lead is not None and sequence is not None and ended.ended_at is not None
    if [each.enrolment_id for each in newest] != [ended.enrolment_id] or ended.ended_at + LATEST < work.now:
        return
    settings = await settings_of(work, ended.tenant_id)
    if exit_of(sequence.definition, await conditions_of(work, lead, settings, sequence)):
        return
    back = replace(ended, draft_id=await _still_under_way(work, ended), restored=ended.restored + 1)
    paused = back.paused_by is not None
    await enrolments.update(
        work,
        back,
        state="paused" if paused else "active",
        draft_id=back.draft_id,
        restored=back.restored,
        reason=None,
        detail=pauses.AS_BEFORE if paused else None,
        ended_at=None,
        ended_by=None,
        due_at=back.paused_until if paused else AT_ONCE,
    )
    if back.draft_id is not None:
        await of_enrolment.queue_again(work, back)
        await steps.reopen(work, back)
    if back.nurture and lead.stage == "nurture":
        await schedule_check_ins(work, {back.key: None})
    await enrolling.record_change(work, back, "restored", enrolling.SYSTEM, detail=why, cause=event)


async def _still_under_way(work: UnitOfWork, ended: StoredEnrolment) -> UUID | None:
    """The draft of the step that goes on; None where the step is written afresh, because its draft ended with it."""
    if ended.draft_id is None:
        return None
    state = await steps.under_way(work, ended.tenant_id, ended.draft_id)
    if state.dispatch is None and state.draft in (None, "superseded"):
        return None
    return ended.draft_id
