"""A sequence lived through at once: for the preview of a lead, and for a made-up lead with a script of events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.outreach.sending import rules as sending
from services.outreach.sending.rules import SendLimits, delay, end_of_day
from services.outreach.sequences.rules.definition import SequenceVersion, Step
from services.outreach.sequences.rules.interruptions import Continue, Pause, on_reply, pause
from services.outreach.sequences.rules.next_step import (
    Done,
    Enrolment,
    Exit,
    LeadState,
    Resume,
    Skip,
    Take,
    Wait,
    due_at,
    exit_of,
    next_step,
    step_over,
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


def simulate(
    sequence: SequenceVersion,
    enrolment: Enrolment,
    lead: LeadState,
    now: datetime,
    script: Iterable[Happening] = (),
    review_takes: timedelta = timedelta(0),
) -> list[Entry]:
    """What happens from now on, in order. Each draft is approved `review_takes` after it was written.

    It ends with the enrolment, or after `HORIZON`.
    """
    story: list[Entry] = []
    ahead = sorted(script, key=lambda each: each.at)
    end, waited_for = now + HORIZON, ""
    ready: tuple[Step, str, datetime] | None = None
    while now <= end and enrolment.state in ("active", "paused"):
        if ready is not None and enrolment.state == "active" and exit_of(sequence, lead) is None:
            step, channel, ready_at = ready
            leaves_at = lead.calendar.opening(max(ready_at, now))
            if leaves_at <= now and channel in lead.limits:
                match delay(lead.limits[channel], now):
                    case sending.Wait(later, reason):
                        leaves_at, waited_for = later, reason
            if leaves_at <= now:
                story.append(Entry(now, "sent", waited_for, step, channel))
                lead = replace(lead, had=lead.had | {(step.number, channel)}, limits=once_sent(lead, channel, now))
                enrolment, ready = step_over(sequence, enrolment, now), None
                continue
        else:
            leaves_at = None
        decision = next_step(sequence, enrolment, lead, now)
        until: datetime | None = None
        match decision:
            case Take(step, channel):
                waited_for = due_at(sequence, enrolment, lead.calendar)[1]
                ready = (step, channel, now + (review_takes if step.review == "each" else timedelta(0)))
                enrolment = replace(enrolment, under_way=True)
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
