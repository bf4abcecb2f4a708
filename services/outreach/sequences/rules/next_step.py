"""What happens next in an enrolment: one function, for production, the preview and the simulation alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.outreach.drafts.rules import LeadChannel, choose_channel
from services.outreach.rules import KIND_STAGES, MODES
from services.outreach.sending.rules import SendLimits
from services.outreach.sequences.rules.calendar import Calendar
from services.outreach.sequences.rules.definition import MOST_ATTEMPTS, SequenceVersion, Step


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Where one lead is in a sequence. `state`: active, paused, done, exited.

    `anchor_at`: when the step before left, or the enrolment began. `not_before`: until when the lead asked to be left
    alone. `attempt`: how often the step was drafted before. `under_way`: whether the step has been begun.
    """

    state: str
    step: int | None
    anchor_at: datetime
    not_before: datetime | None = None
    paused_until: datetime | None = None
    attempt: int = 0
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class LeadState:
    """What counts of a lead. `had`: the (step, channel) of this sequence that its present addresses have had."""

    stage: str
    mode: str
    channels: Mapping[str, LeadChannel]
    calendar: Calendar
    unknown_allows: tuple[str, ...] = ("email",)
    closed: str | None = None
    """Why nothing is sent to the lead any more: opted_out, merged, erased."""
    had: frozenset[tuple[int, str]] = field(default_factory=frozenset)
    limits: Mapping[str, SendLimits] = field(default_factory=dict)
    """By channel what delays a message besides the windows; for looking ahead, since the sender judges each itself."""


@dataclass(frozen=True, slots=True)
class Over:
    """The enrolment has ended, or nothing happens before somebody does something."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens before `until`. `why`: what delays the step (delay, window, the lead's wish, a pause)."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The pause is over."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The step cannot leave, with the reason; the enrolment goes on."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Take:
    """The step is taken now, on this channel."""

    step: Step
    channel: str


@dataclass(frozen=True, slots=True)
class Exit:
    """The enrolment ends. `reason`: a word of `EXITS`; `detail`: a sentence."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The last step has left: the enrolment is done."""


@dataclass(frozen=True, slots=True)
class Again:
    """The step is drafted again at once: its draft was rejected, expired or became void."""


Decision = Over | Wait | Resume | Skip | Take | Exit | Done
"""What `next_step` answers."""


def next_step(sequence: SequenceVersion, enrolment: Enrolment, lead: LeadState, now: datetime) -> Decision:
    """What is to be done in the enrolment now, or until when nothing is."""
    if enrolment.state not in ("active", "paused"):
        return Over()
    if exit_ := exit_of(sequence, lead):
        return exit_
    if enrolment.state == "paused":
        if enrolment.paused_until is None:
            return Over()
        return Resume() if enrolment.paused_until <= now else Wait(enrolment.paused_until, "paused")
    if enrolment.step is None:
        return Done()
    if enrolment.under_way:
        return Over()
    step = sequence.step(enrolment.step)
    due, why = due_at(sequence, enrolment, lead.calendar)
    if due > now:
        return Wait(due, why)
    # A worker that comes late, or a pause that ended in the night, must not send outside the windows either.
    opens = lead.calendar.opening(now)
    if opens > now:
        return Wait(opens, WINDOW)
    return _take(sequence, step, lead)


DELAY = "the delay of the step"
WINDOW = "the sending window"
ASKED = "the lead asked to be left alone until then"


def due_at(sequence: SequenceVersion, enrolment: Enrolment, calendar: Calendar) -> tuple[datetime, str]:
    """When the present step falls due, and what it waits for last."""
    assert enrolment.step is not None
    at, why = calendar.after(sequence.step(enrolment.step), enrolment.anchor_at), DELAY
    if enrolment.not_before and enrolment.not_before > at:
        at, why = enrolment.not_before, ASKED
    opens = calendar.opening(at)
    return (opens, WINDOW) if opens > at else (at, why)


def _take(sequence: SequenceVersion, step: Step, lead: LeadState) -> Decision:
    if step.channel == "best":
        channel, why = choose_channel(lead.mode, lead.channels, lead.unknown_allows)
    elif step.channel in MODES[lead.mode]:
        channel, why = choose_channel(f"{step.channel}_only", lead.channels, lead.unknown_allows)
    else:
        channel, why = None, f"outreach mode {lead.mode} does not use {step.channel}"
    if channel is None:
        return blocked(sequence, step, why)
    if (step.number, channel) in lead.had:
        return Skip(step, f"there is a message of this step to the address by {channel} already")
    return Take(step, channel)


def blocked(sequence: SequenceVersion, step: Step, reason: str) -> Skip | Exit:
    """A step that cannot leave: it is skipped, or the enrolment ends, by the rule of the sequence."""
    return Skip(step, reason) if sequence.if_blocked == "skip" else Exit("blocked", reason)


def undecided(
    sequence: SequenceVersion, step: Step, state: str, attempt: int, reason: str | None
) -> Again | Skip | Exit:
    """A draft that was rejected, expired or superseded: its step is drafted again, skipped, or the enrolment ends."""
    why = f"the draft was {state}" + (f": {reason}" if reason else "")
    rule = {"rejected": sequence.if_rejected, "expired": sequence.if_expired}.get(state, "ask_again")
    if rule == "ask_again":
        return Again() if attempt < MOST_ATTEMPTS else Exit(state, f"{why}, {MOST_ATTEMPTS} times")
    return Skip(step, why) if rule == "skip" else Exit(state, why)


def exit_of(sequence: SequenceVersion, lead: LeadState) -> Exit | None:
    """Why the enrolment ends by itself, by what is true of the lead now; None while it goes on."""
    if lead.closed:
        return Exit(lead.closed)
    if reason := exit_by_stage(sequence, lead.stage):
        return reason
    works = [each for each in lead.channels.values() if each.address and each.state != "invalid"]
    if not any(each.channel in MODES[lead.mode] for each in works):
        return Exit("no_channel", f"no address of outreach mode {lead.mode} works")
    return None


_EXIT_OF_STAGE = {"scheduled": "meeting", "won": "won", "exhausted": "exhausted", "dead": "opted_out"}


def exit_by_stage(sequence: SequenceVersion, stage: str) -> Exit | None:
    """Why an enrolment ends in a stage; None where it goes on."""
    if stage in sequence.exit_stages:
        return Exit("stage", f"the lead is in stage {stage}")
    if stage not in KIND_STAGES["sequence"]:
        return Exit(_EXIT_OF_STAGE.get(stage, "disqualified"), f"the lead is in stage {stage}")
    return None


def exit_by_move(sequence: SequenceVersion, to: str, *, meeting: bool) -> Exit | None:
    """Why an enrolment ends when its lead moves there, wherever it has moved since; None where it goes on.

    `meeting`: whether a meeting was booked or passed. One that is over when it becomes known ends it as well.
    """
    if exit_ := exit_by_stage(sequence, to):
        return exit_
    return Exit("meeting", "the lead has had a meeting") if meeting else None


def step_over(sequence: SequenceVersion, enrolment: Enrolment, at: datetime) -> Enrolment:
    """The enrolment once its step has left or was skipped at that moment: the delay of the next one counts from it."""
    assert enrolment.step is not None
    following = sequence.following(enrolment.step)
    return replace(
        enrolment,
        step=following.number if following else None,
        anchor_at=max(at, enrolment.anchor_at),
        attempt=0,
        under_way=False,
    )
