"""May a message be sent now: yes, not yet, or never."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from services.outreach.rules import MODES, Window, consent_refusal, open_in_all, stage_refusal

SPACING = "spacing between two messages of the mailbox"
"""The reason of a dispatch that waits for its mailbox. It is stored, and finds those that wait for the same."""


LEAD_SPACING = "the least time between two messages to one lead (lead_spacing_minutes)"
"""The reason of a dispatch that waits because of another message to its lead; stored and found like SPACING."""
_LOOK_AGAIN = timedelta(hours=1)
"""When a message is judged afresh that waits for something whose moment nobody knows."""

WRITTEN_SINCE = "the lead has written since the draft was made"


@dataclass(frozen=True, slots=True)
class Go:
    """The message may be sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The message may not be sent now; decide afresh at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message may never be sent."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimits:
    """What delays messages of a mailbox to a lead.

    `windows`: the tenant's, and that of the message's sequence. `per_day`: the mailbox's cap, `day_ends` when it is
    reset. `lead_last_sent_at`: when another message was sent to the lead, on any channel; `lead_turn_of_other`: an
    earlier one has waited for `lead_spacing` and is due.
    """

    timezone: str | None
    windows: tuple[Window, ...]
    sent_today: int
    per_day: int | None
    day_ends: datetime
    last_sent_at: datetime | None
    spacing: timedelta
    lead_last_sent_at: datetime | None = None
    lead_spacing: timedelta = timedelta(0)
    lead_turn_of_other: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SendConditions(SendLimits):
    """What is true of the lead, the address and the mailbox at the moment of sending.

    `to`: the address that was approved; `address`: the lead's present one. `own_sender`: whether the tenant may send
    from the mailbox's domain, or text from the number or name. `suppressed`: why the address is suppressed.
    `last_reply_at`: when the lead last replied. `no_answer`: why the message answers no reply of the lead any more.
    `enrolment`: the state of the enrolment that the message belongs to, None for any other message.
    """

    channel: str
    kind: str
    to: str
    own_sender: bool
    cause_at: datetime
    lead_known: bool
    address: str | None
    address_state: str
    suppressed: str | None
    opted_out: bool
    merged: bool
    consent: str
    unknown_allows: tuple[str, ...]
    mode: str
    stage: str
    stage_rule: str | None
    last_reply_at: datetime | None
    no_answer: str | None = None
    enrolment: str | None = None
    paused_until: datetime | None = None


def decide(conditions: SendConditions, now: datetime) -> Go | Wait | Refuse:
    """Go, wait (window, spacing of the lead, cap, spacing of the mailbox), or refuse for good with the reason.

    What waits is never due at once again, or the senders would do nothing but look at it. The pause of an enrolment may
    have ended while its whole sequence is paused.
    """
    refusal = _refusal(conditions)
    if refusal:
        return Refuse(refusal)
    paused = conditions.enrolment == "paused"
    decision = Wait(conditions.paused_until or now, "its sequence is paused") if paused else delay(conditions, now)
    if isinstance(decision, Wait) and decision.until <= now:
        return replace(decision, until=now + _LOOK_AGAIN)
    return decision


def delay(limits: SendLimits, now: datetime) -> Go | Wait | Refuse:
    """Go, or wait for a window, the spacing of the lead, the cap or the spacing of the mailbox; for the sender and for
    the preview of what a lead will get.
    """
    opens = open_in_all(limits.windows, now, limits.timezone)
    if opens is None:
        return Refuse("the windows of the tenant and of the sequence are never open together")
    if opens > now:
        return Wait(opens, "outside the sending window")
    if limits.lead_spacing:
        last = now if limits.lead_turn_of_other else limits.lead_last_sent_at
        if last and last + limits.lead_spacing > now:
            return Wait(last + limits.lead_spacing, LEAD_SPACING)
    if limits.per_day is not None and limits.sent_today >= limits.per_day:
        return Wait(limits.day_ends, f"the mailbox has sent its {limits.per_day} messages of today")
    if limits.last_sent_at and limits.last_sent_at + limits.spacing > now:
        return Wait(limits.last_sent_at + limits.spacing, SPACING)
    return Go()


def end_of_day(now: datetime) -> datetime:
    """When the caps of the mailboxes are reset: they count by UTC days."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(0), UTC)


def _refusal(conditions: SendConditions) -> str | None:
    if not conditions.lead_known:
        return "the lead is not known any more"
    if conditions.merged:
        return "the lead was merged into another"
    if conditions.opted_out:
        return "the lead has opted out"
    if conditions.suppressed:
        return conditions.suppressed
    if conditions.address != conditions.to:
        return "the lead's address has changed"
    if conditions.address_state == "invalid":
        return "the address does not work any more"
    if not conditions.own_sender:
        return "the tenant may not send from this address"
    if conditions.channel not in MODES[conditions.mode]:
        return f"outreach mode {conditions.mode} does not use {conditions.channel}"
    refusal = consent_refusal(conditions.channel, conditions.consent, conditions.unknown_allows)
    if refusal:
        return refusal
    if conditions.no_answer:
        return conditions.no_answer
    # A reply that nobody understands pauses its sequence: what it says of the message is known once it has its label.
    if conditions.enrolment != "paused" and conditions.last_reply_at and conditions.last_reply_at > conditions.cause_at:
        return WRITTEN_SINCE
    if conditions.enrolment in ("exited", "done"):
        return "the enrolment has ended"
    return stage_refusal(conditions.kind, conditions.stage, conditions.stage_rule)
