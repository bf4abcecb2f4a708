"""The explanation of a lead's stage in sentences: why the lead is there, and what would move it."""

from datetime import datetime
from typing import Any

from . import channels, checklist
from .journey import BOOKED, Journey
from .settings import SettingsHistory
from .stages import DEAD, END, WON, title_of
from .timers import MEETING_PASSED, next_due, next_timer, quiet_since
from .transitions import RULES, Rule


def explain(journey: Journey, history: SettingsHistory, now: datetime) -> dict[str, Any]:
    """`because`: the reason for the stage, as a sentence; `would_move`: a sentence for each way out of it."""
    return {"because": because(journey), "would_move": would_move(journey, history, now)}


def because(journey: Journey) -> str:
    """Why the lead is in its stage."""
    if journey.because is None or journey.entered_at is None:
        sentence = "New: captured, and nothing has moved it yet."
    else:
        by_hand = " by hand" if journey.rule == "manual" and journey.because != "moved by hand" else ""
        sentence = f"{title_of(journey.stage)}{by_hand} since {_day(journey.entered_at)}: {journey.because}."
    if journey.stage is WON and journey.opted_out:
        sentence += " The customer opted out: nothing is sent any more."
    return sentence


def would_move(journey: Journey, history: SettingsHistory, now: datetime) -> list[str]:
    """A sentence for each rule that can move the lead from its stage, in the order of the table; manual moves last."""
    stage = journey.stage
    if journey.erased:
        return ["nothing: the person was erased"]
    if stage is DEAD:
        return ["nothing: a dead lead is never revived"]
    rules = [rule for rule in RULES if stage in rule.from_ and rule.to is not stage and _possible(rule, journey)]
    sentences = [_sentence(rule, journey, history, now) for rule in rules]
    if stage is WON and journey.opted_out:
        return ["to dead by hand: the customer opted out"]
    if stage in END:
        sentences.append("to any other stage by hand only")
    return sentences


def _possible(rule: Rule, journey: Journey) -> bool:
    """Whether the rule can ever move this lead: `bad-phone` cannot move one that has an e-mail address."""
    if rule.id == "bad-phone":
        return bool(journey.addresses) and channels.only_a_phone_was_ever_known(journey)
    if rule.id == "bad-contact":
        return not channels.only_a_phone_was_ever_known(journey)
    if rule.id in ("used-up", "no-channel"):
        return channels.mode_works(journey)
    if rule.id == "meeting-cancelled":
        return any(meeting.state == BOOKED for meeting in journey.meetings.values())
    return True


def _sentence(rule: Rule, journey: Journey, history: SettingsHistory, now: datetime) -> str:
    to = rule.to.value.replace("_", " ")
    if rule.id == "checklist":
        settings = history.at(now)
        if not any(item.required for item in settings.checklist):
            return "to qualify: by hand, the checklist has no required item"
        lacking = checklist.describe_missing(journey, settings)
        if lacking:
            return f"to qualify: {lacking}"
        if checklist.is_complete(journey, settings):
            return "to qualify: by hand, the checklist was completed before"
        return "to qualify: the next score completes the checklist"
    if rule.id == "quiet":
        if quiet_since(journey) is None:
            return "to nurture when the lead stays quiet after the running sequence"
        timer = next_timer(journey, history)
        if timer is not None and timer.kind == MEETING_PASSED:
            return "to nurture when the lead stays quiet after the meeting"
        due = next_due(journey, history)
        on = f" on {_day(due)}" if due else ""
        return f"to nurture{on} when the lead stays quiet"
    if rule.id == "meeting-passed":
        due = next_due(journey, history)
        return f"to {to} on {_day(due)} when the meeting ends" if due else f"to {to} by hand: no meeting is booked"
    return f"to {to} when {rule.when}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
