"""Replies: which label of a reply counts, and what it says."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from .journey import Journey
from .settings import ALWAYS
from .signals import Signal, moment
from .table import Trigger

INTERESTED, QUESTION, MEETING_REQUEST, OTHER = "interested", "question", "meeting_request", "other"
LATER, LABEL_DECLINED, OPT_OUT, LABEL_MOVED = "later", "declined", "opt_out", "moved_company"
WRONG_PERSON, OUT_OF_OFFICE, AUTO_REPLY, BOUNCE = "wrong_person", "out_of_office", "auto_reply", "bounce"

TRIGGERS: dict[str, Trigger] = {
    INTERESTED: Trigger.REPLIED,
    QUESTION: Trigger.REPLIED,
    MEETING_REQUEST: Trigger.REPLIED,
    OTHER: Trigger.REPLIED,
    LATER: Trigger.SAID_LATER,
    LABEL_DECLINED: Trigger.DECLINED,
    LABEL_MOVED: Trigger.LEFT_COMPANY,
    OPT_OUT: Trigger.OPTED_OUT,
}
# No word of the lead, and no transition.
SILENT: dict[str, str] = {
    WRONG_PERSON: "somebody else answered",
    OUT_OF_OFFICE: "an out-of-office notice is no answer",
    AUTO_REPLY: "an automatic reply is no answer",
    BOUNCE: "a bounce is no answer",
}
# Of the opt-outs with a reply_id, these are the machine's own evidence and stand whatever a human labels.
STANDING = frozenset({"stop_word", "unsubscribe", "blocklist"})


def known_label(label: str | None) -> str:
    """The label, or `other` for one that this version does not know."""
    return label if label in TRIGGERS or label in SILENT else OTHER


def settle(signals: Sequence[Signal]) -> tuple[list[Signal], dict[str, str]]:
    """Lets the last label of each reply count, at the reply's own time.

    `signals` are in order. The first event of a reply takes the data of the one with the greatest (`labelled_at`, event
    id), and the others fall away. Also answers the labels that count, by reply.
    """
    winners: dict[str, Signal] = {}
    several = False
    for signal in signals:
        if signal.type == "reply.received":
            reply_id = signal.data["reply_id"]
            known = winners.get(reply_id)
            several = several or known is not None
            if known is None or _rank(signal) > _rank(known):
                winners[reply_id] = signal
    labels = {reply_id: known_label(signal.data.get("label")) for reply_id, signal in winners.items()}
    if not several:
        return list(signals), labels
    settled: list[Signal] = []
    seen: set[str] = set()
    for signal in signals:
        if signal.type == "reply.received":
            reply_id = signal.data["reply_id"]
            if reply_id in seen:
                continue
            seen.add(reply_id)
            signal = signal._replace(data=winners[reply_id].data)
        settled.append(signal)
    return settled, labels


def disturbs(journey: Journey, signals: Iterable[Signal]) -> bool:
    """Whether a newer reply changes what was folded before: it is labelled again, or its opt-out was believed."""
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
