"""What interrupts an enrolment: replies by their label. Stages and closed channels are in `next_step.exit_of`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.outreach.sequences.rules.calendar import Calendar
from services.outreach.sequences.rules.next_step import Enrolment, Exit

UNTIL_LABELLED = timedelta(days=3)
"""How long a reply of label `other` pauses, unless a human labels it before."""
ABSENCE = timedelta(days=7)
"""How long an out-of-office reply without a return date pauses."""
LONGEST_ABSENCE = timedelta(days=365)

EXITS = {
    "reply": "the lead replied",
    "meeting": "a meeting was booked",
    "won": "the lead became a customer",
    "disqualified": "the lead was disqualified",
    "opted_out": "the lead opted out",
    "exhausted": "every channel is used up",
    "merged": "the lead was merged into another",
    "erased": "the lead was erased",
    "no_channel": "no address of the outreach mode works",
    "left_nurture": "the lead left nurture",
    "stage": "the lead reached a stage that ends the sequence",
    "rejected": "a draft was rejected",
    "expired": "nobody decided on a draft in time",
    "superseded": "drafts became void again and again",
    "blocked": "a step could not leave",
    "manual": "a person ended it",
    "done": "the last step has left",
}
"""Why an enrolment ends: the `reason` of `sequence.exited`, each with a sentence for people."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The enrolment is paused until then. `cause`: out_of_office or other."""

    until: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class OpenPause:
    """A pause that an enrolment has: until when (None: until somebody resumes it), by whom, and why, for people.

    `reply_id`: the reply whose label pauses it; a corrected label ends this pause and no other.
    """

    until: datetime | None
    by: str
    detail: str | None
    reply_id: UUID | None = None


def longest_first(pauses: Iterable[OpenPause], now: datetime) -> list[OpenPause]:
    """Those of the pauses that are not over, the one that counts first: the longest, of equal ones the earlier."""
    open_now = [each for each in pauses if each.until is None or each.until > now]
    return sorted(open_now, key=lambda each: (each.until is None, each.until or now), reverse=True)


@dataclass(frozen=True, slots=True)
class Continue:
    """The reply interrupts nothing: a pause that it caused before is over."""


_ENDS_NOTHING = frozenset({"out_of_office", "other", "auto_reply", "bounce"})
"""Labels of replies that end no enrolment: a machine wrote, or nobody knows yet what the reply says."""


def ends_nothing(label: str, *, by_human: bool) -> bool:
    """Whether the reply ends no enrolment. A human who labels it `other` says that the lead wrote."""
    return label in _ENDS_NOTHING and not (label == "other" and by_human)


def pause(enrolment: Enrolment, until: datetime) -> Enrolment:
    """The enrolment, paused until then. A longer pause stays, and so does one that only a person ends."""
    if enrolment.state == "paused" and enrolment.paused_until is None:
        return enrolment
    longest = max(until, enrolment.paused_until) if enrolment.paused_until else until
    return replace(enrolment, state="paused", paused_until=longest)


def on_reply(
    label: str, return_date: datetime | None, received_at: datetime, calendar: Calendar, *, by_human: bool = False
) -> Exit | Pause | Continue:
    """What a reply does to an enrolment, by its present label.

    A machine's answer (auto-reply, bounce) does nothing. A person's answer ends the enrolment.
    """
    if not ends_nothing(label, by_human=by_human):
        return Exit("opted_out" if label == "opt_out" else "reply", f"the lead replied: {label}")
    if label == "out_of_office":
        until = calendar.return_of(return_date) if return_date else received_at + ABSENCE
        return Pause(min(until, received_at + LONGEST_ABSENCE), "out_of_office")
    if label == "other":
        return Pause(received_at + UNTIL_LABELLED, "other")
    return Continue()
