"""The reasons why a signal did not move the lead, as sentences for people.

A reason is part of the id of the entry "ignored" in the timeline: a changed sentence gives the entry a new id.
"""

from . import channels
from .journey import Journey
from .signals import Signal
from .stages import DEAD, END, NURTURE, SCHEDULED, WON, title_of
from .transitions import Trigger

_ROUTINE: dict[Trigger, str] = {
    Trigger.MESSAGE_SENT: "not the first message",
    Trigger.REPLIED: "the lead was answering already",
    Trigger.REPLIED_LATER: "the lead was in Nurture already",
}


def ignored_reason(journey: Journey, trigger: Trigger, signal: Signal) -> tuple[str, bool]:
    """The reason why no rule moved the lead, and whether that is routine: then the timeline does not show it."""
    stage = journey.stage
    if stage is DEAD:
        return "the lead is dead", False
    if stage is WON and trigger is Trigger.OPTED_OUT:
        return "the lead is won and keeps its stage; nothing is sent to it any more", False
    if stage in END:
        routine = trigger is Trigger.MESSAGE_SENT  # people write to their customers
        return f"the lead is in the end stage {title_of(stage)}, which only a person can leave", routine
    if trigger is Trigger.CHANNELS_CHANGED:
        return "no channel of the outreach mode is usable", False
    if trigger is Trigger.MEETING_CANCELLED:
        if stage is SCHEDULED:
            return "another meeting is ahead", False
        return f"the lead is {title_of(stage)}: no meeting kept it there", True
    if trigger in (Trigger.CHANNEL_FAILED, Trigger.CHANNEL_SUPPRESSED):
        if channels.mode_works(journey):
            return "another channel of the outreach mode works", False
        if stage is SCHEDULED:
            return "a meeting is on the calendar", False
        return "the lead is paused already", False
    if trigger is Trigger.USED_UP:
        if not channels.covers_mode(journey, signal.data.get("channels") or ()):
            return "a channel of the outreach mode is left", False
        return f"the lead is {title_of(stage)}: it is not waiting for a first answer", False
    if trigger is Trigger.CHECKLIST_COMPLETED:
        if stage is NURTURE:
            return "in Nurture only a person or a reply completes the checklist", False
        return f"the checklist is complete, which moves nobody out of {title_of(stage)}", False
    return _ROUTINE.get(trigger, f"nothing to do in {title_of(stage)}"), True
