"""What interrupts enrolments by itself: replies, stages, closed channels, merges, erasure; and what begins them.

Each runs in the transaction of its cause, so that nothing is sent after it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach.hooks import ChannelClosed, DraftApproved, ReplyLabelled
from services.outreach.rules import HUMAN, MEETING_RULES, is_recent
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store as sending
from services.outreach.sequences.rules import (
    Continue,
    Exit,
    OpenPause,
    Pause,
    ends_nothing,
    exit_by_move,
    longest_first,
    on_reply,
)
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store import enrolments, erasure, sequences
from services.outreach.sequences.store.enrolments import StoredEnrolment
from services.outreach.sequences.store.pauses import pauses_of
from services.outreach.sequences.store.pauses import save as save_pauses
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.use_cases import enrolling, restoring
from services.outreach.sequences.use_cases.conditions import calendar_of
from services.outreach.store import (
    Lead,
    lead_ids_of,
    lead_of,
    leads_of,
    replies_since,
    reply_ids_of,
    schedule_check_ins,
    settings_of,
    settings_of_all,
)
from services.outreach.store.lead_state import StageUpdate
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import Envelope, LeadMerged, Received, StageChanged
from shared.ids import LeadKey


async def interrupt_on_reply(work: UnitOfWork, reply: ReplyLabelled) -> None:
    """A reply was labelled: it ends the enrolment, pauses it, or takes back what an earlier label of it did."""
    lead = await lead_of(work, reply.tenant, reply.lead_id, lock=True)
    assert lead is not None, "a reply belongs to a lead"
    cause = restoring.by_reply(reply.reply_id)
    of_reply = [(reply.tenant, each) for each in (reply.lead_id, reply.alias_id) if each]
    for present in await enrolments.current_of(work, of_reply):
        if reply.received_at < present.created_at:
            continue
        sequence = await sequences.get(work, reply.tenant, present.sequence_id, present.version)
        assert sequence is not None, "a foreign key holds the version of an enrolment"
        calendar = calendar_of(lead, await settings_of(work, reply.tenant), sequence.definition)
        # What has ended, and may come back, has the pause that it would have if it ran.
        effect = on_reply(reply.label, reply.return_date, reply.received_at, calendar, by_human=reply.by_human)
        match effect:
            case Exit() as exit_:
                await _end(work, present, exit_, cause, event=reply.event)
            case Pause(until, why):
                await _pause(work, present, until, why, reply)
            case Continue():
                await _resume(work, present, reply)
    if ends_nothing(reply.label, by_human=reply.by_human):
        of_lead = await lead_ids_of(work, reply.tenant, reply.lead_id)
        changed = f"the reply was labelled {reply.label}"
        await restoring.take_back(work, reply.tenant, of_lead, [cause], changed, reply.event)


async def _end(work: UnitOfWork, present: StoredEnrolment, exit_: Exit, *causes: str, event: Envelope | None) -> None:
    """End an enrolment that runs; one that has ended, and may come back, has one more reason not to."""
    if present.running:
        await enrolling.end_with_drafts(work, [present], exit_, cause=event, ended_by=causes)
    else:
        await restoring.hold(work, present, causes)


async def _pause(work: UnitOfWork, running: StoredEnrolment, until: datetime, cause: str, reply: ReplyLabelled) -> None:
    detail = f"{cause}, until {until.isoformat()}"
    others = [each for each in pauses_of(running) if each.reply_id != reply.reply_id]  # its label before is void
    await _hold(work, running, [*others, OpenPause(until, enrolling.SYSTEM, detail, reply.reply_id)], reply)


async def _resume(work: UnitOfWork, running: StoredEnrolment, reply: ReplyLabelled) -> None:
    others = [each for each in pauses_of(running) if each.reply_id != reply.reply_id]
    if len(others) != len(pauses_of(running)):
        await _hold(work, running, others, reply)


async def _hold(work: UnitOfWork, running: StoredEnrolment, pauses: Sequence[OpenPause], reply: ReplyLabelled) -> None:
    """The enrolment has these pauses now, because of the label of a reply: the longest counts, without any it goes on.

    One that has ended, and may come back, has the pauses that it would have if it ran.
    """
    before, now = pauses_of(running), longest_first(pauses, work.now)
    takes_effect = running.running and now[:1] != before[:1]
    await save_pauses(work, running, now, takes_effect=takes_effect)
    if not takes_effect:
        return
    if now:
        detail = now[0].detail
        await enrolling.record_change(work, running, "paused", enrolling.SYSTEM, detail=detail, cause=reply.event)
        return
    await of_enrolment.hasten_dispatch(work, running)
    detail = f"the reply was labelled {reply.label}"
    await enrolling.record_change(work, running, "resumed", enrolling.SYSTEM, detail=detail, cause=reply.event)


async def interrupt_on_channel_closed(work: UnitOfWork, closed: ChannelClosed) -> None:
    """Nothing may be sent to the lead any more: its enrolment ends. One channel less: a worker looks what is left."""
    key = (closed.tenant, closed.lead_id)
    if closed.channel != "all":
        await enrolments.wake(work, [key])
        return
    exit_ = Exit("opted_out", closed.reason)
    if closed.reply_id is not None:
        cause = restoring.by_reply(closed.reply_id)
    elif closed.alias_id is not None:
        cause = restoring.by_alias(closed.alias_id)
    else:
        await enrolling.end_with_drafts(work, await enrolments.running_of(work, [key]), exit_, cause=closed.event)
        return
    for present in await enrolments.current_of(work, [key]):
        await _end(work, present, exit_, cause, event=closed.event)


async def interrupt_on_stages(
    work: UnitOfWork, leads: Mapping[LeadKey, Lead], updates: Mapping[LeadKey, StageUpdate]
) -> None:
    """What happened to the stages of these leads ends enrolments, brings back those ended by mistake, begins others.

    Ends come first: a correction may state again what ended an enrolment, which then stays ended.
    """
    moved = {key: each for key, each in updates.items() if each.moves or each.corrected}
    if not moved:
        return
    settings = await settings_of_all(work, {tenant for tenant, _ in moved})
    await _end_by_stages(work, leads, moved, settings)
    await _take_back_moves(work, moved)
    last = {key: each.last_move for key, each in moved.items() if each.last_move is not None}
    for key, move in last.items():
        lead, of_tenant = leads[key], settings[key[0]]
        if not _may_be_enrolled(lead) or not is_recent(move.occurred_at, work.now, of_tenant.react_within_hours):
            continue
        if lead.stage == "nurture" and of_tenant.nurture_sequence_id:
            await _enter_nurture(work, lead, move)
    await enrol_by_rule(work, last, leads)


async def _end_by_stages(
    work: UnitOfWork,
    leads: Mapping[LeadKey, Lead],
    updates: Mapping[LeadKey, StageUpdate],
    settings: Mapping[str, OutreachSettings],
) -> None:
    """Every move counts, also one that others followed at once: through a meeting that is over, or out of nurture."""
    for present in await enrolments.current_of(work, updates):
        lead, update = leads[present.key], updates[present.key]
        sequence = await sequences.get(work, present.tenant_id, present.sequence_id, present.version)
        assert sequence is not None
        counting = [(event, update.has_new_meeting(event)) for event in update.moves]
        counting += [(event, event.event.rule in MEETING_RULES) for event in _stating_again(present, update)]
        ends = [
            (event, exit_)
            for event, meeting in counting
            if (exit_ := exit_by_move(sequence.definition, event.event.to, meeting=meeting))
        ]
        nurtures = present.cause == "nurture" or (
            present.sequence_id == settings[present.tenant_id].nurture_sequence_id
        )
        if not ends and nurtures and lead.stage != "nurture":
            left = [move for move in update.moves if move.event.from_ == "nurture"][-1:]
            ends = [(move, Exit("left_nurture", f"the lead moved from nurture to {lead.stage}")) for move in left]
        if ends:
            first, exit_ = ends[0]
            await _end(work, present, exit_, *(restoring.by_move(event.id) for event, _ in ends), event=first.envelope)


def _stating_again(present: StoredEnrolment, update: StageUpdate) -> list[Received[StageChanged]]:
    """The corrections of what has ended the enrolment: where they say the same, it stays ended because of them."""
    held = set(present.ended_by or ())
    return [each for each in update.corrections if held & {restoring.by_move(id) for id in each.event.corrects or ()}]


async def _take_back_moves(work: UnitOfWork, updates: Mapping[LeadKey, StageUpdate]) -> None:
    """Earlier moves of these leads were mistakes: what only they ended goes on."""
    for (tenant, lead_id), update in updates.items():
        if update.corrected:
            causes = [restoring.by_move(each) for each in update.corrected]
            why = "the move that ended it was corrected"
            await restoring.take_back(work, tenant, [lead_id], causes, why, update.newest.envelope)


async def _enter_nurture(work: UnitOfWork, lead: Lead, move: Received[StageChanged]) -> None:
    """Enrol into the nurture sequence: now, or once the enrolment that runs is over."""
    settings = await settings_of(work, lead.tenant)
    running = await enrolments.running_of(work, [(lead.tenant, lead.lead_id)], lock=True)
    if not running:
        await enrolling.enrol_in_nurture(work, lead, settings, f"stage:{move.id}", move.envelope)
    else:
        if running[0].sequence_id != settings.nurture_sequence_id:
            await enrolments.update(work, running[0], nurture_next=f"stage:{move.id}")
        await schedule_check_ins(work, {running[0].key: None})


async def enrol_by_rule(
    work: UnitOfWork, causes: Mapping[LeadKey, Received[Any]], leads: Mapping[LeadKey, Lead] | None = None
) -> None:
    """Enrol leads by the tenants' own rules on stage and source. The first sequence that matches takes a lead.

    `causes`: for each lead the event that brought it into its stage. `leads`: the leads, where they are known already.
    """
    rules = await sequences.enrolling_by_stage(work, sorted({tenant for tenant, _ in causes}))
    if not rules:
        return
    leads = leads if leads is not None else await leads_of(work, causes)
    settings = await settings_of_all(work, {tenant for tenant, _ in causes})
    for tenant, sequence in rules:
        for key, cause in causes.items():
            lead = leads.get(key)
            if key[0] != tenant or lead is None or not _may_be_enrolled(lead) or not _fits(sequence, lead):
                continue
            if not is_recent(cause.occurred_at, work.now, settings[tenant].react_within_hours):
                continue
            reason = enrolling.Cause("rule", f"rule:{cause.type}:{cause.id}", event=cause.envelope)
            try:
                await enrolling.enrol(work, tenant, lead.lead_id, sequence, reason)
            except (Conflict, NotFound):
                continue


def _may_be_enrolled(lead: Lead) -> bool:
    """Whether what happens to the lead may begin an enrolment. What happened to an alias says nothing of its lead."""
    return lead.captured and lead.merged_into is None


def _fits(sequence: StoredSequence, lead: Lead) -> bool:
    """Whether the sequence's rule enrols leads in this stage and of this source."""
    rule = sequence.body["enrol_when"]
    return lead.stage == rule["stage"] and (not rule["sources"] or lead.fields.get("source") in rule["sources"])


async def end_merged(work: UnitOfWork, merges: Sequence[Received[LeadMerged]]) -> None:
    """Leads were merged into others: their enrolments end, and those of the kept leads that have opted out by it, or
    that have answered under the alias since they began."""
    for merge in merges:
        cause, alias = restoring.by_merge(merge.event.merge_id), (merge.tenant, merge.event.alias_id)
        for present in await enrolments.current_of(work, [alias]):
            await _end(work, present, Exit("merged"), cause, event=merge.envelope)
        kept = await lead_of(work, merge.tenant, merge.event.lead_id)
        if kept is None:
            continue
        for present in await enrolments.current_of(work, [(merge.tenant, kept.lead_id)]):
            if kept.opted_out:
                await _end(work, present, Exit("opted_out"), cause, event=merge.envelope)
            else:
                await _end_by_answers(work, present, merge)


async def _end_by_answers(work: UnitOfWork, present: StoredEnrolment, merge: Received[LeadMerged]) -> None:
    """End an enrolment of the kept lead that has answered under the alias since it began."""
    answers = [
        (reply_id, label)
        for reply_id, label, method in await replies_since(work, merge.tenant, merge.event.alias_id, present.created_at)
        if not ends_nothing(label, by_human=method == HUMAN)
    ]
    if answers:
        exit_ = Exit("reply", f"the lead replied: {answers[0][1]}")
        await _end(work, present, exit_, *(restoring.by_reply(id) for id, _ in answers), event=merge.envelope)


async def undo_merges(work: UnitOfWork, undone: Sequence[Received[LeadMerged]]) -> None:
    """Merges were undone: the enrolments that they ended go on, unless something else has ended them meanwhile.

    What the alias wrote or asked for holds those of the kept lead no longer. Both leads get what a lead that nothing
    may be sent to does not: the check of their channels, and check-ins in nurture.
    """
    why = "the merge was undone"
    for undo in undone:
        tenant, alias, cause = undo.tenant, undo.event.alias_id, restoring.by_merge(undo.event.merge_id)
        of_alias = [restoring.by_reply(each) for each in await reply_ids_of(work, tenant, alias)]
        causes = [cause, restoring.by_alias(alias), *of_alias]
        await restoring.take_back(work, tenant, [alias], [cause], why, undo.envelope)
        await restoring.take_back(work, tenant, [undo.event.lead_id], causes, why, undo.envelope)
        for lead_id in (alias, undo.event.lead_id):
            await sending.check_at_latest(work, tenant, lead_id, work.now)
            await enrolling.resume_check_ins(work, tenant, lead_id)


async def erase(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """A person is erased: the enrolment ends, what people wrote about it is deleted, ids and counts stay."""
    running = await enrolments.running_of(work, [(tenant, lead_id)], lock=True)
    await enrolling.end(work, running, Exit("erased"))
    await erasure.forget(work, tenant, lead_id)


async def approve_templates_with_draft(work: UnitOfWork, approved: DraftApproved) -> None:
    """A reviewer approved the first draft of an enrolment, and with it the templates that were shown beside it."""
    templates = approved.made_from.get("approves_templates") or []
    if approved.kind == "sequence" and templates:
        await sequences.approve_templates(
            work,
            approved.tenant,
            UUID(approved.made_from["sequence_id"]),
            sorted({each["sha256"] for each in templates}),
            approved.actor,
            enrolment_id=UUID(approved.made_from["enrolment_id"]),
            draft=(approved.draft_id, approved.sha256),
        )
