"""Taking the steps of an enrolment that is due: everything about it in one transaction, so that a crash loses nothing.

What happens next follows from the rules and from the rows of the step's draft and dispatch. So it may be looked at
again at any time, by any worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.outreach.drafts import store as drafts
from services.outreach.drafts.rules import WRITTEN_SINCE
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.addressing import SenderAddresses, addressed_message
from services.outreach.drafts.use_cases.events import publish_created
from services.outreach.drafts.use_cases.supersession import supersede_all
from services.outreach.keys import Keys
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store as dispatches
from services.outreach.sequences.rules import (
    Again,
    Done,
    Exit,
    LeadState,
    Over,
    Resume,
    Skip,
    Step,
    Take,
    Wait,
    blocked,
    exit_of,
    next_step,
    step_over,
    undecided,
)
from services.outreach.sequences.store import dispatches as of_enrolment
from services.outreach.sequences.store import enrolments, sequences, steps
from services.outreach.sequences.store.enrolments import StoredEnrolment
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.use_cases import enrolling, texts
from services.outreach.sequences.use_cases.conditions import approvals_of, conditions_of
from services.outreach.store import Lead, lead_of, settings_of
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.ids import uuid7


async def advance(work: UnitOfWork, keys: Keys, sender: SenderAddresses, tenant: str, enrolment_id: UUID) -> bool:
    """Do what is due in an enrolment, and set when it is looked at next; whether a composer has something to write."""
    seen = await enrolments.get(work, tenant, enrolment_id)
    if seen is None or not seen.running:
        return False
    lead = await lead_of(work, tenant, seen.lead_id, lock=True)
    if seen.draft_id is not None:
        await drafts.get(work, tenant, seen.draft_id, lock=True)
    enrolment = await enrolments.get(work, tenant, enrolment_id, lock=True, skip_locked=True)
    if lead is None or enrolment is None or not enrolment.running or enrolment.draft_id != seen.draft_id:
        return False
    if enrolment.due_at is None or enrolment.due_at > work.now:
        return False
    sequence = await sequences.get(work, tenant, enrolment.sequence_id, enrolment.version)
    assert sequence is not None, "a foreign key holds the version of an enrolment"
    if sequence.state != "active":
        await enrolments.update(work, enrolment, due_at=None)  # it stays where it is until the sequence is activated
        return False
    settings = await settings_of(work, tenant)
    state = await conditions_of(work, lead, settings, sequence)
    return await _Advance(work, keys, sender, lead, settings, sequence, state, enrolment).run()


@dataclass(slots=True)
class _Advance:
    """One look at a locked enrolment."""

    work: UnitOfWork
    keys: Keys
    sender: SenderAddresses
    lead: Lead
    settings: OutreachSettings
    sequence: StoredSequence
    state: LeadState
    enrolment: StoredEnrolment
    composing: bool = False

    async def run(self) -> bool:
        """Until there is nothing to do now. Each step is taken or left out once, so that this ends."""
        definition = self.sequence.definition
        for _ in range(4 * len(definition.steps) + 8):
            if self.enrolment.draft_id is not None and self.enrolment.state == "active":
                decision: object = await self._look_at_step()
            else:
                decision = next_step(definition, self.enrolment.progress(), self.state, self.work.now)
            match decision:
                case Skip(step, reason):
                    await self._skip(step, reason)
                case Take(step, channel):
                    if exit_ := await self._take(step, channel):
                        await self._end(exit_)
                        return False
                case Again():
                    self.enrolment = replace(self.enrolment, draft_id=None, attempt=self.enrolment.attempt + 1)
                case Resume():
                    over = {"paused_until": None, "paused_by": None, "other_pauses": []}
                    self.enrolment = replace(self.enrolment, state="active", **over)
                    await enrolling.record_change(
                        self.work, self.enrolment, "resumed", enrolling.SYSTEM, detail="the pause is over"
                    )
                    await of_enrolment.hasten_dispatch(self.work, self.enrolment)
                case Exit() as exit_:
                    await self._end(exit_)
                    return False
                case Done():
                    await self._end(Exit("done"))
                    return False
                case Wait(until, why):
                    planned = {} if self.enrolment.state == "paused" else {"planned_at": until, "why": why}
                    await self._save(due_at=until, **planned)
                    return self.composing
                case Over():
                    await self._save(due_at=None)
                    return self.composing
        raise RuntimeError("an enrolment does not come to rest")

    async def _save(self, **columns: Any) -> None:
        now = self.enrolment
        await enrolments.update(
            self.work,
            now,
            state=now.state,
            step=now.step,
            attempt=now.attempt,
            anchor_at=now.anchor_at,
            draft_id=now.draft_id,
            paused_until=now.paused_until,
            paused_by=now.paused_by,
            other_pauses=now.other_pauses,
            **columns,
        )

    async def _end(self, exit_: Exit) -> None:
        await self._save()
        reason = f"the enrolment has ended: {exit_.detail or exit_.reason}"
        await supersede_all(self.work, [self.enrolment.key], reason, kind="sequence")
        await enrolling.end(self.work, [self.enrolment], exit_)

    async def _look_at_step(self) -> object:
        """What the draft and the dispatch of the step under way have come to."""
        if ends := exit_of(self.sequence.definition, self.state):
            return ends
        draft_id = self.enrolment.draft_id
        assert draft_id is not None and self.enrolment.step is not None
        step = self.sequence.definition.step(self.enrolment.step)
        under_way = await steps.under_way(self.work, self.enrolment.tenant_id, draft_id)
        if under_way.rewritten_as and under_way.draft in (None, "superseded"):
            await steps.adopt_draft(self.work, self.enrolment, under_way.rewritten_as, draft_id)
            self.enrolment = replace(self.enrolment, draft_id=under_way.rewritten_as)
            return await self._look_at_step()
        columns: dict[str, Any] = {"drafted_at": under_way.drafted_at, "edited": under_way.edited}
        if under_way.draft in ("approved", "rejected", "expired"):
            columns |= {"decision": under_way.draft, "decided_at": under_way.decided_at or self.work.now}
        if under_way.dispatch == "sent":
            left_at = under_way.sent_at or self.work.now
            await self._store_step(**columns, state="sent", reason=None, ended_at=left_at)
            self._step_over(left_at)
            return next_step(self.sequence.definition, self.enrolment.progress(), self.state, self.work.now)
        if under_way.dispatch in ("failed", "refused"):
            reason = under_way.dispatch_reason or under_way.dispatch
            await self._store_step(**columns, state=under_way.dispatch, reason=reason, ended_at=self.work.now)
            return self._not_left(blocked(self.sequence.definition, step, reason))
        if under_way.dispatch is not None:
            await self._store_step(**columns, state="sending", reason=under_way.dispatch_reason)
            return Over()
        if under_way.draft == "pending":
            await self._store_step(**columns, state="review", reason=None)
            return Over()
        if under_way.draft is not None:
            why = under_way.draft_reason
            await self._store_step(**columns, state=under_way.draft, reason=why, ended_at=self.work.now)
            return self._not_left(
                undecided(self.sequence.definition, step, under_way.draft, self.enrolment.attempt + 1, why)
            )
        if under_way.request == "queued":
            return Over()
        reason = under_way.request_reason or "no draft could be written"
        if reason == WRITTEN_SINCE:  # which would have superseded the draft, had it been written before
            await self._store_step(state="superseded", reason=reason, ended_at=self.work.now)
            return self._not_left(
                undecided(self.sequence.definition, step, "superseded", self.enrolment.attempt + 1, reason)
            )
        await self._store_step(state="dropped", reason=reason, ended_at=self.work.now)
        return self._not_left(blocked(self.sequence.definition, step, reason))

    def _not_left(self, decision: Again | Skip | Exit) -> object:
        """The step did not leave: its attempt is stored, so a skip only goes on to the next one."""
        if not isinstance(decision, Skip):
            return decision
        self._step_over(self.work.now)
        return next_step(self.sequence.definition, self.enrolment.progress(), self.state, self.work.now)

    async def _store_step(self, **columns: Any) -> None:
        assert self.enrolment.draft_id is not None
        await steps.update(self.work, self.enrolment, self.enrolment.draft_id, **columns)

    def _step_over(self, at: Any) -> None:
        moved = step_over(self.sequence.definition, self.enrolment.progress(), at)
        self.enrolment = replace(self.enrolment, step=moved.step, anchor_at=moved.anchor_at, attempt=0, draft_id=None)

    async def _skip(self, step: Step, reason: str) -> None:
        await self._add_step(step, None, "skipped", reason=reason, ended=True)
        self._step_over(self.work.now)

    async def _add_step(
        self,
        step: Step,
        channel: str | None,
        state: str,
        *,
        draft_id: UUID | None = None,
        scope: UUID | None = None,
        reason: str | None = None,
        ended: bool = False,
    ) -> int:
        number = await steps.next_attempt(self.work, self.enrolment, step.number)
        window = self.sequence.body.get("window")
        new = steps.NewStep(
            tenant_id=self.enrolment.tenant_id,
            enrolment_id=self.enrolment.enrolment_id,
            step=step.number,
            attempt=number,
            sequence_id=self.sequence.sequence_id,
            lead_id=self.lead.lead_id,
            draft_id=draft_id,
            channel=channel,
            review=step.review,
            template_scope=scope,
            template_sha256=step.template_sha256 if scope else None,
            send_window={**window, "holidays": self.sequence.body.get("holidays")} if window else None,
            uses_up=self.lead.stage != "nurture",
            state=state,
            reason=reason,
            planned_at=self.enrolment.planned_at,
            begun_at=self.work.now,
            ended_at=self.work.now if ended else None,
        )
        await steps.add(self.work, new)
        return number

    async def _take(self, step: Step, channel: str) -> Exit | None:
        """Begin the step: by its approved template, or with a draft for a human. An exit where it cannot be written and
        the sequence ends then.
        """
        try:
            async with self.work.savepoint():
                approvals = await approvals_of(
                    self.work, self.enrolment.tenant_id, self.sequence, self.enrolment.enrolment_id
                )
                scope, approver = approvals.get(step.number, (None, ""))
                if scope is not None:
                    draft_id = await self._send_by_template(step, channel, scope, approver)
                elif step.strategy is not None:
                    draft_id = await self._ask_composer(step, channel)
                else:
                    draft_id = await self._draft(step, channel)
        except Invalid as error:
            reason = texts.fault_of(error)
            decision = blocked(self.sequence.definition, step, reason)
            if isinstance(decision, Exit):
                return decision
            await self._skip(step, reason)
            return None
        self.enrolment = replace(self.enrolment, draft_id=draft_id)
        return None

    async def _send_by_template(self, step: Step, channel: str, scope: UUID, approver: str) -> UUID:
        subject, body, values = texts.from_approved(step, channel, self.lead, self.settings, self.sender)
        draft_id = uuid7()
        await self._add_step(step, channel, "sending", draft_id=draft_id, scope=scope)
        new = self._new_draft(step, channel, draft_id, subject, body, {"composer": "template", "values": values})
        new = replace(new, approved_by=approver)
        await drafts.add(self.work, new)
        message, tenant = new.message, new.tenant
        approved = dispatches.Approved(
            tenant,
            draft_id,
            message.sha256,
            self.lead.lead_id,
            "sequence",
            channel,
            self.keys.address(tenant, message.to),
            message.from_,
            self.work.now,
        )
        of = (self.sequence.sequence_id, self.enrolment.enrolment_id, step.number, scope, str(step.template_sha256))
        template = dispatches.ByTemplate(*of, values)
        if not await dispatches.queue_by_template(self.work, approved, template):
            raise Invalid(f"there is a message of this step to the address by {channel} already")
        return draft_id

    async def _draft(self, step: Step, channel: str) -> UUID:
        text = texts.for_review(step, channel, self.lead, self.settings, self.sender)
        draft_id = uuid7()
        await self._add_step(step, channel, "review", draft_id=draft_id)
        new = self._new_draft(step, channel, draft_id, text.subject, text.body, text.made_from)
        new = replace(new, claims=text.claims)
        if not await drafts.add(self.work, new):
            raise Invalid("another draft of a sequence is pending for the lead")
        await compositions.add_written(
            self.work,
            self._request(step, channel, draft_id),
        )
        publish_created(self.work, new)
        return draft_id

    async def _ask_composer(self, step: Step, channel: str) -> UUID:
        draft_id = uuid7()
        await self._add_step(step, channel, "composing", draft_id=draft_id)
        await compositions.add(
            self.work,
            [self._request(step, channel, draft_id)],
        )
        self.composing = True
        return draft_id

    def _request(self, step: Step, channel: str, draft_id: UUID) -> compositions.CompositionRequest:
        return texts.request_for(self.sequence, self.enrolment, self.lead, step, channel, draft_id, self.work.now)

    def _new_draft(
        self, step: Step, channel: str, draft_id: UUID, subject: str | None, body: str, made_from: Mapping[str, Any]
    ) -> drafts.NewDraft:
        return drafts.NewDraft(
            tenant=self.enrolment.tenant_id,
            draft_id=draft_id,
            lead_id=self.lead.lead_id,
            kind="sequence",
            message=addressed_message(self.lead, self.settings, self.sender, channel, subject, body, None),
            author="agent:sequences",
            cause="sequence",
            cause_id=f"sequence:{draft_id}",
            cause_at=self.work.now,
            expires_at=self.work.now + timedelta(hours=self.settings.draft_ttl_hours),
            made_from={**made_from, **texts.shown(self.sequence, self.enrolment, step)},
        )
