"""The rules that move a lead, as one table. The fold executes it, and docs/stages.md is generated from it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from . import channels, meetings
from .journey import Journey
from .signals import Signal
from .stages import (
    ACTIVE,
    BAD_CONTACT,
    BAD_PHONE,
    CONTACTED,
    DEAD,
    END,
    ENGAGED,
    EXHAUSTED,
    LOST,
    MEETING_COMPLETED,
    MOVED_COMPANY,
    NEW,
    NURTURE,
    OPEN,
    QUALIFIED,
    SCHEDULED,
    WON,
    Stage,
)


class Trigger(StrEnum):
    """What happened, in the words of the rules. One signal may bring about several triggers, one after the other."""

    MESSAGE_SENT = "message_sent"
    REPLIED = "replied"
    SAID_LATER = "said_later"
    DECLINED = "declined"
    LEFT_COMPANY = "left_company"
    OPTED_OUT = "opted_out"
    CHECKLIST_COMPLETED = "checklist_completed"
    MEETING_BOOKED = "meeting_booked"
    MEETING_PASSED = "meeting_passed"
    MEETING_CANCELLED = "meeting_cancelled"
    WENT_QUIET = "went_quiet"
    USED_UP = "used_up"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    REACHABLE_ANEW = "reachable_anew"

    __hash__ = str.__hash__


def _always(journey: Journey, signal: Signal) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One automatic transition.

    `signal` says for people what must happen, `reason` what the timeline then shows, and `would` completes "to <stage>
    when ..."; `when` is the condition beyond trigger and stage; `disqualifies` the reason of a disqualified lead.
    """

    id: str
    on: tuple[Trigger, ...]
    from_: frozenset[Stage]
    to: Stage
    signal: str
    reason: str
    would: str
    when: Callable[[Journey, Signal], bool] = _always
    disqualifies: str | None = None

    @property
    def actor(self) -> str:
        return f"system:{self.id}"


def _not_by_score_in_nurture(journey: Journey, signal: Signal) -> bool:
    return journey.stage is not NURTURE or signal.type != "lead.scored"


def _no_other_meeting_ahead(journey: Journey, signal: Signal) -> bool:
    return not meetings.ahead(journey, signal.occurred_at)


def _used_up_covers_mode(journey: Journey, signal: Signal) -> bool:
    return channels.covers_mode(journey, signal.data.get("channels") or ())


def _only_phone_fails(journey: Journey, signal: Signal) -> bool:
    return channels.every_known_is_invalid(journey) and channels.only_a_phone_was_ever_known(journey)


def _every_address_fails(journey: Journey, signal: Signal) -> bool:
    return channels.every_known_is_invalid(journey) and not channels.only_a_phone_was_ever_known(journey)


def _no_channel_of_mode(journey: Journey, signal: Signal) -> bool:
    return not channels.mode_works(journey)  # where every known address fails, the two rules above come first


def _usable_again(journey: Journey, signal: Signal) -> bool:
    return channels.mode_is_usable(journey)


RULES: tuple[Rule, ...] = (
    Rule(
        id="first-message",
        on=(Trigger.MESSAGE_SENT,),
        from_=frozenset({NEW}),
        to=CONTACTED,
        signal="the first message is sent",
        reason="the first message was sent",
        would="the first message is sent",
    ),
    Rule(
        id="reply",
        on=(Trigger.REPLIED,),
        from_=frozenset({NEW, CONTACTED, NURTURE, EXHAUSTED}),
        to=ENGAGED,
        signal="the lead replies (and says none of what is below)",
        reason="the lead replied",
        would="the lead replies",
    ),
    Rule(
        id="checklist",
        on=(Trigger.CHECKLIST_COMPLETED,),
        from_=frozenset({NEW, CONTACTED, ENGAGED, NURTURE}),
        to=QUALIFIED,
        when=_not_by_score_in_nurture,
        signal="the tick that completes the qualification checklist (in Nurture: by a person or from a reply)",
        reason="the qualification checklist is complete",
        would="the qualification checklist is complete",
    ),
    Rule(
        id="meeting-booked",
        on=(Trigger.MEETING_BOOKED,),
        from_=frozenset({NEW, CONTACTED, ENGAGED, QUALIFIED, MEETING_COMPLETED, NURTURE, EXHAUSTED}),
        to=SCHEDULED,
        signal="a meeting is confirmed on the calendar",
        reason="a meeting was booked",
        would="a meeting is booked",
    ),
    Rule(
        id="meeting-passed",
        on=(Trigger.MEETING_PASSED,),
        from_=frozenset({SCHEDULED}),
        to=MEETING_COMPLETED,
        signal="the meeting's end time passes",
        reason="the meeting's end time has passed",
        would="the meeting's end has passed",
    ),
    Rule(
        id="meeting-cancelled",
        on=(Trigger.MEETING_CANCELLED,),
        from_=frozenset({SCHEDULED}),
        to=ENGAGED,
        when=_no_other_meeting_ahead,
        signal="the meeting is cancelled, and no other is ahead",
        reason="the meeting was cancelled and no other is ahead",
        would="the meeting is cancelled",
    ),
    Rule(
        id="later",
        on=(Trigger.SAID_LATER,),
        from_=OPEN,
        to=NURTURE,
        signal='the lead says "later"',
        reason='the lead said "later"',
        would='the lead says "later"',
    ),
    Rule(
        id="quiet",
        on=(Trigger.WENT_QUIET,),
        from_=frozenset({CONTACTED, ENGAGED, QUALIFIED, MEETING_COMPLETED}),
        to=NURTURE,
        signal="no word from the lead for the quiet period (30 days, unless you set another)",
        reason="no word from the lead for {days:g} days",
        would="no word comes",
    ),
    Rule(
        id="used-up",
        on=(Trigger.USED_UP,),
        from_=frozenset({NEW, CONTACTED}),
        to=EXHAUSTED,
        when=_used_up_covers_mode,
        signal="every channel of the outreach mode is used up without a word from the lead",
        reason="every channel of the outreach mode is used up without a word from the lead",
        would="every channel of the outreach mode is used up",
    ),
    Rule(
        id="bad-phone",
        on=(Trigger.FAILED,),
        from_=OPEN,
        to=BAD_PHONE,
        when=_only_phone_fails,
        signal="the phone is invalid, unreachable or rejected by the carrier, and no other channel was ever known",
        reason="the phone does not work, and it was the only way to reach the lead",
        would="the phone fails",
        disqualifies="the phone number does not work",
    ),
    Rule(
        id="bad-contact",
        on=(Trigger.FAILED,),
        from_=OPEN,
        to=BAD_CONTACT,
        when=_every_address_fails,
        signal="every known address has failed",
        reason="every known address has failed",
        would="every known address fails",
        disqualifies="there is no valid way to reach the lead",
    ),
    Rule(
        id="no-channel",
        on=(Trigger.FAILED, Trigger.SUPPRESSED),
        from_=ACTIVE - {SCHEDULED},
        to=EXHAUSTED,
        when=_no_channel_of_mode,
        signal="a failure or an operator's suppression leaves no working channel of the outreach mode, "
        "and not every known address is invalid",
        reason="no channel of the outreach mode works any more",
        would="no channel of the outreach mode works",
    ),
    Rule(
        id="revived",
        on=(Trigger.REACHABLE_ANEW,),
        from_=frozenset({EXHAUSTED}),
        to=CONTACTED,
        when=_usable_again,
        signal="the outreach mode changes or a new e-mail or phone is found, and a channel of the mode is usable again "
        "(the lead is queued for follow-up)",
        reason="a channel of the outreach mode is usable again: queued for follow-up",
        would="the outreach mode changes or a new e-mail or phone is found",
    ),
    Rule(
        id="moved",
        on=(Trigger.LEFT_COMPANY,),
        from_=OPEN,
        to=MOVED_COMPANY,
        signal="an auto-reply or the lead says that they left the company",
        reason="the contact is no longer at the company",
        would="the contact has left the company",
        disqualifies="the contact is no longer at the company",
    ),
    Rule(
        id="declined",
        on=(Trigger.DECLINED,),
        from_=OPEN,
        to=LOST,
        signal="the lead says no or chose someone else",
        reason="the lead declined",
        would="the lead declines",
        disqualifies="the lead declined",
    ),
    Rule(
        id="opted-out",
        on=(Trigger.OPTED_OUT,),
        from_=OPEN | (END - {WON}),
        to=DEAD,
        signal='opt-out, blocklist, or "never contact me"',
        reason="the lead opted out or is blocklisted",
        would="the lead opts out",
        disqualifies="opted out",
    ),
)

RULE_BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}

# Which rules a trigger tries in a stage, in the order of the table.
CANDIDATES: dict[tuple[Trigger, Stage], tuple[Rule, ...]] = {
    (trigger, stage): tuple(rule for rule in RULES if trigger in rule.on and stage in rule.from_)
    for trigger in Trigger
    for stage in Stage
}
