"""Replies: which label of a reply counts, and which trigger it is."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from .journey import Journey
from .settings import ALWAYS
from .signals import Signal, moment
from .transitions import Trigger

INTERESTED, QUESTION, MEETING_REQUEST, OTHER = "interested", "question", "meeting_request", "other"
LATER, DECLINED, OPT_OUT, MOVED_COMPANY = "later", "declined", "opt_out", "moved_company"
WRONG_PERSON, OUT_OF_OFFICE, AUTO_REPLY, BOUNCE = "wrong_person", "out_of_office", "auto_reply", "bounce"

TRIGGERS: dict[str, Trigger] = {
    INTERESTED: Trigger.REPLIED,
    QUESTION: Trigger.REPLIED,
    MEETING_REQUEST: Trigger.REPLIED,
    OTHER: Trigger.REPLIED,
    LATER: Trigger.REPLIED_LATER,
    DECLINED: Trigger.DECLINED,
    MOVED_COMPANY: Trigger.LEFT_COMPANY,
    OPT_OUT: Trigger.OPTED_OUT,
}
"""The labels of replies that the lead wrote, each with its trigger."""

NOT_BY_THE_LEAD: dict[str, str] = {
    WRONG_PERSON: "somebody else answered",
    OUT_OF_OFFICE: "an out-of-office notice is no answer",
    AUTO_REPLY: "an automatic reply is no answer",
    BOUNCE: "a bounce is no answer",
}
"""The labels of replies that the lead did not write, each with the reason why it does not move the lead."""

INDEPENDENT_OF_LABEL = frozenset({"stop_word", "unsubscribe", "blocklist"})
"""The opt-outs that count whatever the label of the reply that they name."""


def known_label(label: str | None) -> str:
    """The label, or `other` for a label that this version does not know."""
    return label if label in TRIGGERS or label in NOT_BY_THE_LEAD else OTHER


def with_last_labels(signals: Sequence[Signal]) -> tuple[list[Signal], dict[str, str]]:
    """The signals with one event for each reply, which carries the last label; and the label that counts, by reply.

    `signals` are in order. The first event of a reply is kept, at the reply's own time, with the data of the event that
    has the greatest (`labelled_at`, event id); the others are dropped.
    """
    last: dict[str, Signal] = {}
    several = False
    for signal in signals:
        if signal.type == "reply.received":
            reply_id = signal.data["reply_id"]
            known = last.get(reply_id)
            several = several or known is not None
            if known is None or _rank(signal) > _rank(known):
                last[reply_id] = signal
    labels = {reply_id: known_label(signal.data.get("label")) for reply_id, signal in last.items()}
    if not several:
        return list(signals), labels
    labelled: list[Signal] = []
    seen: set[str] = set()
    for signal in signals:
        if signal.type == "reply.received":
            reply_id = signal.data["reply_id"]
            if reply_id in seen:
                continue
            seen.add(reply_id)
            signal = signal._replace(data=last[reply_id].data)
        labelled.append(signal)
    return labelled, labels


def needs_refold(journey: Journey, signals: Iterable[Signal]) -> bool:
    """Whether a new reply changes what was folded: a known reply has another label, or an opt-out was wrongly trusted.

    An opt-out that names a reply is trusted until that reply is received.
    """
    for signal in signals:
        if signal.type == "reply.received":
            reply_id = signal.data["reply_id"]
            if reply_id in journey.replies:
                return True
            if reply_id in journey.trusted and known_label(signal.data.get("label")) != OPT_OUT:
                return True
    return False


def _rank(signal: Signal) -> tuple[datetime, bytes, bytes]:
    labelled_at = signal.data.get("labelled_at")
    return moment(labelled_at) if labelled_at else ALWAYS, signal.id.encode(), signal.source.encode()
