"""A sequence lived through at once: for the preview of a lead, and for a made-up lead with a script of events."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.outreach.drafts.rules import WRITTEN_SINCE
from services.outreach.rules import AUTOMATIC_LABELS, MODES
from services.outreach.sending import rules as sending
from services.outreach.sending.rules import SendLimits, delay, end_of_day
from services.outreach.sequences.rules.definition import SequenceVersion, Step
from services.outreach.sequences.rules.interruptions import Continue, Pause, on_reply, pause
from services.outreach.sequences.rules.next_step import (
    Again,
    Decision,
    Done,
    Enrolment,
    Exit,
    LeadState,
    Resume,
    Skip,
    Take,
    Wait,
    blocked,
    due_at,
    exit_of,
    next_step,
    step_over,
    undecided,
)

HORIZON = timedelta(days=2 * 365)
"""How far ahead is looked."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a script. `kind`: reply, stage, mode, pause, resume, opt_out."""

    at: datetime
    kind: str
    value: str = ""
    """The label of the reply, the stage, or the mode."""
    until: datetime | None = None
    """When the lead is back, or when the pause ends."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happens. `what`: sent, skipped, paused, resumed, exited, done, or the kind of a happening."""

    at: datetime
    what: str
    why: str
    step: Step | None = None
    channel: str | None = None
    reviewed: bool = False
    """Whether a human looked at the message."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A step that was taken: its message leaves at that moment at the earliest, after its review."""

    step: Step
    channel: str
    at: datetime
    reviewed: bool

    def after_reply(self, sequence: SequenceVersion, enrolment: Enrolment, now: datetime) -> Again | Skip | Exit:
        """What becomes of the step when the lead writes before it has left."""
        if self.reviewed and now < self.at:
            return undecided(sequence, self.step, "superseded", enrolment.attempt + 1, WRITTEN_SINCE)
        return blocked(sequence, self.step, sending.WRITTEN_SINCE)


Fault = Callable[[Step, str, bool], str | None]
"""Why a step cannot be written for the lead on a channel, for a human to review or not; None where it can."""


def simulate(
    sequence: SequenceVersion,
    enrolment: Enrolment,
    lead: LeadState,
    now: datetime,
    script: Iterable[Happening] = (),
    review_takes: timedelta = timedelta(0),
    approved: Collection[int] = (),
    fault: Fault = lambda step, channel, reviewed: None,
) -> list[Entry]:
    """What happens from now on, in order. Each draft is approved `review_takes` after it was written.

    `approved`: the numbers of the steps whose template is approved already; the drafts of all others wait for a human,
    and what is approved with one of them needs no other. It ends with the enrolment, or after `HORIZON`.
    """
    by_template = set(approved)
    void: Again | Skip | Exit | None = None
    story: list[Entry] = []
    ahead = sorted(script, key=lambda each: each.at)
    end, waited_for = now + HORIZON, ""
    ready: _Ready | None = None
    while now <= end and enrolment.state in ("active", "paused"):
        leaves_at: datetime | None = None
        if ready is not None and enrolment.state == "active" and exit_of(sequence, lead) is None:
            step, channel = ready.step, ready.channel
            leaves_at = lead.calendar.opening(max(ready.at, now))
            if leaves_at <= now and channel in lead.limits:
                match delay(lead.limits[channel], now):
                    case sending.Wait(later, reason):
                        leaves_at, waited_for = later, reason
            if leaves_at <= now and channel not in MODES[lead.mode]:
                void = blocked(sequence, step, f"outreach mode {lead.mode} does not use {channel}")
                ready = leaves_at = None
            elif leaves_at <= now:
                story.append(Entry(now, "sent", waited_for, step, channel, ready.reviewed))
                if ready.reviewed:
                    by_template |= {each.number for each in sequence.approved_with(step)}
                lead = replace(lead, had=lead.had | {(step.number, channel)}, limits=once_sent(lead, channel, now))
                enrolment, ready = step_over(sequence, enrolment, now), None
                continue
        decision: Decision | Again = next_step(sequence, enrolment, lead, now)
        if void is not None and enrolment.state == "active" and not isinstance(decision, Exit):
            decision, void = void, None
        if isinstance(decision, Take):
            reviewed = decision.step.number not in by_template
            if why_not := fault(decision.step, decision.channel, reviewed):
                decision = blocked(sequence, decision.step, why_not)
        until: datetime | None = None
        match decision:
            case Take(step, channel):
                waited_for = due_at(sequence, enrolment, lead.calendar)[1]
                ready = _Ready(step, channel, now + (review_takes if reviewed else timedelta(0)), reviewed)
                enrolment = replace(enrolment, under_way=True)
                continue
            case Again():
                enrolment = replace(enrolment, under_way=False, attempt=enrolment.attempt + 1)
                continue
            case Skip(step, reason):
                story.append(Entry(now, "skipped", reason, step))
                enrolment = step_over(sequence, enrolment, now)
                continue
            case Exit(reason, detail):
                story.append(Entry(now, "exited", detail or reason))
                return story
            case Done():
                story.append(Entry(enrolment.anchor_at, "done", "the last step has left"))
                return story
            case Resume():
                story.append(Entry(now, "resumed", "the pause is over"))
                enrolment = replace(enrolment, state="active", paused_until=None)
                continue
            case Wait(at, _):
                until = at
        if leaves_at is not None:
            until = leaves_at
        if ahead and (until is None or ahead[0].at <= until):
            happening = ahead.pop(0)
            now = max(now, happening.at)
            if ready is not None and happening.kind == "reply" and happening.value not in AUTOMATIC_LABELS:
                void, ready = ready.after_reply(sequence, enrolment, now), None
            enrolment, lead, entries = _apply(happening, enrolment, lead, now)
            story += entries
        elif until is None:
            return story
        else:
            now = until
        lead = replace(lead, limits={name: _of_day(each, now) for name, each in lead.limits.items()})
    return story


def once_sent(lead: LeadState, channel: str, at: datetime) -> dict[str, SendLimits]:
    """What delays the next message once one was sent to the lead on this channel."""
    limits = {name: replace(each, lead_last_sent_at=at) for name, each in lead.limits.items()}
    if channel in limits:
        own = limits[channel]
        limits[channel] = replace(own, last_sent_at=at, sent_today=own.sent_today + 1)
    return limits


def _of_day(limits: SendLimits, now: datetime) -> SendLimits:
    """On another day the mailbox has sent nothing yet, as far as anybody knows today."""
    return limits if now < limits.day_ends else replace(limits, sent_today=0, day_ends=end_of_day(now))


def _apply(
    happening: Happening, enrolment: Enrolment, lead: LeadState, now: datetime
) -> tuple[Enrolment, LeadState, list[Entry]]:
    entries = [Entry(now, happening.kind, f"{happening.kind} {happening.value}".strip())]
    match happening.kind:
        case "reply":
            effect = on_reply(happening.value, happening.until, now, lead.calendar)
            match effect:
                case Exit(reason, detail):
                    entries.append(Entry(now, "exited", detail or reason))
                    enrolment = replace(enrolment, state="exited")
                case Pause(until, cause):
                    enrolment = pause(enrolment, until)
                    until = enrolment.paused_until or until
                    entries.append(Entry(now, "paused", f"{cause}, until {until.isoformat()}"))
                case Continue():
                    pass
        case "stage":
            lead = replace(lead, stage=happening.value)
        case "mode":
            lead = replace(lead, mode=happening.value)
        case "opt_out":
            lead = replace(lead, closed="opted_out")
        case "pause":
            entries.append(Entry(now, "paused", "by hand"))
            enrolment = replace(enrolment, state="paused", paused_until=happening.until)
        case "resume":
            enrolment = replace(enrolment, state="active", paused_until=None)
    return enrolment, lead, entries
