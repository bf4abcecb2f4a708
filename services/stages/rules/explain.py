"""Why a lead stands where it stands, and what would move it, in sentences."""

from datetime import datetime
from typing import Any

from . import channels, checklist
from .journey import BOOKED, Journey
from .settings import SettingsHistory
from .stages import DEAD, END, WON, title_of
from .table import RULES, Rule
from .timers import MEETING_PASSED, next_due, next_timer, quiet_since


def explain(journey: Journey, history: SettingsHistory, now: datetime) -> dict[str, Any]:
    """`because`: a sentence; `would_move`: what would move the lead from here, nearest first."""
    return {"because": because(journey), "would_move": would_move(journey, history, now)}


def because(journey: Journey) -> str:
    """The sentence for the present stage."""
    if journey.because is None or journey.entered_at is None:
        sentence = "New: captured, and nothing has moved it yet."
    else:
        who = " by hand" if journey.rule == "manual" and journey.because != "moved by hand" else ""
        sentence = f"{title_of(journey.stage)}{who} since {_day(journey.entered_at)}: {journey.because}."
    if journey.stage is WON and journey.opted_out:
        sentence += " The customer opted out: nothing is sent any more."
    return sentence


def would_move(journey: Journey, history: SettingsHistory, now: datetime) -> list[str]:
    """One sentence for each rule that starts from here; what people can do comes last."""
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
    """Leaves out what cannot happen to this lead: a phone is no only way where there is an e-mail."""
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
        lacking = checklist.to_qualify(journey, settings)
        if lacking:
            return f"to qualify: {lacking}"
        if checklist.is_complete(journey, settings):
            return "to qualify: by hand, the checklist was completed before"
        return "to qualify: the next score completes the checklist"
    if rule.id == "quiet":
        if quiet_since(journey) is None:
            return "to nurture when no word comes after the running sequence"
        timer = next_timer(journey, history)
        if timer is not None and timer.kind == MEETING_PASSED:
            return "to nurture when no word comes after the meeting"
        due = next_due(journey, history)
        return f"to nurture on {_day(due)} when no word comes" if due else "to nurture when no word comes"
    if rule.id == "meeting-passed":
        due = next_due(journey, history)
        return f"to {to} on {_day(due)} when the meeting ends" if due else f"to {to} by hand: no meeting is booked"
    return f"to {to} when {rule.would}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
