"""The automatic transitions, as one table of rules. The fold executes it, and docs/stages.md is generated from it."""

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
    """What happened, as the rules see it. One signal may cause several triggers, one after the other."""

    MESSAGE_SENT = "message_sent"
    REPLIED = "replied"
    REPLIED_LATER = "replied_later"
    DECLINED = "declined"
    LEFT_COMPANY = "left_company"
    OPTED_OUT = "opted_out"
    CHECKLIST_COMPLETED = "checklist_completed"
    MEETING_BOOKED = "meeting_booked"
    MEETING_PASSED = "meeting_passed"
    MEETING_CANCELLED = "meeting_cancelled"
    WENT_QUIET = "went_quiet"
    USED_UP = "used_up"
    CHANNEL_FAILED = "channel_failed"
    CHANNEL_SUPPRESSED = "channel_suppressed"
    CHANNELS_CHANGED = "channels_changed"

    # The hash of Enum is Python code, and triggers are looked up for every signal.
    __hash__ = str.__hash__


def _always(journey: Journey, signal: Signal) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One automatic transition.

    A rule moves a lead when one of its triggers happens, the lead is in one of the stages `from_`, and `condition` is
    true. Three texts are for people: `signal` describes the rule in the table, `when` completes "to <stage> when ...",
    and `reason` is shown in the timeline. `disqualification` is the disqualification reason that the lead gets.
    """

    id: str
    triggers: tuple[Trigger, ...]
    from_: frozenset[Stage]
    to: Stage
    signal: str
    when: str
    reason: str
    condition: Callable[[Journey, Signal], bool] = _always
    disqualification: str | None = None

    @property
    def actor(self) -> str:
        return f"system:{self.id}"


def _not_by_score_in_nurture(journey: Journey, signal: Signal) -> bool:
    return journey.stage is not NURTURE or signal.type != "lead.scored"


def _no_other_meeting_ahead(journey: Journey, signal: Signal) -> bool:
    return not meetings.has_meeting_ahead(journey, signal.occurred_at)


def _used_up_covers_mode(journey: Journey, signal: Signal) -> bool:
    return channels.covers_mode(journey, signal.data.get("channels") or ())


def _only_phone_fails(journey: Journey, signal: Signal) -> bool:
    return channels.every_known_is_invalid(journey) and channels.only_a_phone_was_ever_known(journey)


def _every_address_fails(journey: Journey, signal: Signal) -> bool:
    return channels.every_known_is_invalid(journey) and not channels.only_a_phone_was_ever_known(journey)


def _no_channel_of_mode(journey: Journey, signal: Signal) -> bool:
    # Where every known address fails, one of the two rules before it in the table moves the lead.
    return not channels.mode_works(journey)


def _mode_is_usable(journey: Journey, signal: Signal) -> bool:
    return channels.mode_is_usable(journey)


RULES: tuple[Rule, ...] = (
    Rule(
        id="first-message",
        triggers=(Trigger.MESSAGE_SENT,),
        from_=frozenset({NEW}),
        to=CONTACTED,
        signal="the first message is sent",
        reason="the first message was sent",
        when="the first message is sent",
    ),
    Rule(
        id="reply",
        triggers=(Trigger.REPLIED,),
        from_=frozenset({NEW, CONTACTED, NURTURE, EXHAUSTED}),
        to=ENGAGED,
        signal="the lead replies (and no other rule for replies applies)",
        reason="the lead replied",
        when="the lead replies",
    ),
    Rule(
        id="checklist",
        triggers=(Trigger.CHECKLIST_COMPLETED,),
        from_=frozenset({NEW, CONTACTED, ENGAGED, NURTURE}),
        to=QUALIFIED,
        condition=_not_by_score_in_nurture,
        signal="the tick that completes the qualification checklist (in Nurture: by a person or from a reply)",
        reason="the qualification checklist is complete",
        when="the qualification checklist is complete",
    ),
    Rule(
        id="meeting-booked",
        triggers=(Trigger.MEETING_BOOKED,),
        from_=frozenset({NEW, CONTACTED, ENGAGED, QUALIFIED, MEETING_COMPLETED, NURTURE, EXHAUSTED}),
        to=SCHEDULED,
        signal="a meeting is confirmed on the calendar",
        reason="a meeting was booked",
        when="a meeting is booked",
    ),
    Rule(
        id="meeting-passed",
        triggers=(Trigger.MEETING_PASSED,),
        from_=frozenset({SCHEDULED}),
        to=MEETING_COMPLETED,
        signal="the meeting's end time passes",
        reason="the meeting's end time has passed",
        when="the meeting's end has passed",
    ),
    Rule(
        id="meeting-cancelled",
        triggers=(Trigger.MEETING_CANCELLED,),
        from_=frozenset({SCHEDULED}),
        to=ENGAGED,
        condition=_no_other_meeting_ahead,
        signal="the meeting is cancelled, and no other is ahead",
        reason="the meeting was cancelled and no other is ahead",
        when="the meeting is cancelled",
    ),
    Rule(
        id="later",
        triggers=(Trigger.REPLIED_LATER,),
        from_=OPEN,
        to=NURTURE,
        signal='the lead says "later"',
        reason='the lead said "later"',
        when='the lead says "later"',
    ),
    Rule(
        id="quiet",
        triggers=(Trigger.WENT_QUIET,),
        from_=frozenset({CONTACTED, ENGAGED, QUALIFIED, MEETING_COMPLETED}),
        to=NURTURE,
        signal="no contact from the lead for the quiet period (30 days, unless you set another)",
        reason="no contact from the lead for {days:g} days",
        when="the lead stays quiet",
    ),
    Rule(
        id="used-up",
        triggers=(Trigger.USED_UP,),
        from_=frozenset({NEW, CONTACTED}),
        to=EXHAUSTED,
        condition=_used_up_covers_mode,
        signal="every channel of the outreach mode is used up without a contact from the lead",
        reason="every channel of the outreach mode is used up without a contact from the lead",
        when="every channel of the outreach mode is used up",
    ),
    Rule(
        id="bad-phone",
        triggers=(Trigger.CHANNEL_FAILED,),
        from_=OPEN,
        to=BAD_PHONE,
        condition=_only_phone_fails,
        signal="the phone is invalid, unreachable or rejected by the carrier, and no other channel was ever known",
        reason="the phone does not work, and it was the only way to reach the lead",
        when="the phone fails",
        disqualification="the phone number does not work",
    ),
    Rule(
        id="bad-contact",
        triggers=(Trigger.CHANNEL_FAILED,),
        from_=OPEN,
        to=BAD_CONTACT,
        condition=_every_address_fails,
        signal="every known address has failed",
        reason="every known address has failed",
        when="every known address fails",
        disqualification="there is no valid way to reach the lead",
    ),
    Rule(
        id="no-channel",
        triggers=(Trigger.CHANNEL_FAILED, Trigger.CHANNEL_SUPPRESSED),
        from_=ACTIVE - {SCHEDULED},
        to=EXHAUSTED,
        condition=_no_channel_of_mode,
        signal="a failure or an operator's suppression leaves no working channel of the outreach mode, "
        "and not every known address is invalid",
        reason="no channel of the outreach mode works any more",
        when="no channel of the outreach mode works",
    ),
    Rule(
        id="revived",
        triggers=(Trigger.CHANNELS_CHANGED,),
        from_=frozenset({EXHAUSTED}),
        to=CONTACTED,
        condition=_mode_is_usable,
        signal="the outreach mode changes or a new e-mail or phone is found, and a channel of the mode is usable again "
        "(the lead is queued for follow-up)",
        reason="a channel of the outreach mode is usable again: queued for follow-up",
        when="the outreach mode changes or a new e-mail or phone is found",
    ),
    Rule(
        id="moved",
        triggers=(Trigger.LEFT_COMPANY,),
        from_=OPEN,
        to=MOVED_COMPANY,
        signal="an auto-reply or the lead says that they left the company",
        reason="the contact is no longer at the company",
        when="the contact has left the company",
        disqualification="the contact is no longer at the company",
    ),
    Rule(
        id="declined",
        triggers=(Trigger.DECLINED,),
        from_=OPEN,
        to=LOST,
        signal="the lead says no or chose someone else",
        reason="the lead declined",
        when="the lead declines",
        disqualification="the lead declined",
    ),
    Rule(
        id="opted-out",
        triggers=(Trigger.OPTED_OUT,),
        from_=OPEN | (END - {WON}),
        to=DEAD,
        signal='opt-out, blocklist, or "never contact me"',
        reason="the lead opted out or is blocklisted",
        when="the lead opts out",
        disqualification="opted out",
    ),
)

CANDIDATES: dict[tuple[Trigger, Stage], tuple[Rule, ...]] = {
    (trigger, stage): tuple(rule for rule in RULES if trigger in rule.triggers and stage in rule.from_)
    for trigger in Trigger
    for stage in Stage
}
"""The rules that a trigger tries in a stage, in the order of the table."""
