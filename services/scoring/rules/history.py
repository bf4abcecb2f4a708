"""What is known about a lead at a moment: a pure function of its signals, whatever the order of their arrival."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.scoring.rules.meetings import meetings_at
from services.scoring.rules.signals import Data, Signal

HUMAN_LABELS = frozenset({"interested", "question", "meeting_request", "later", "declined", "opt_out", "other"})
"""The labels of replies that a person wrote."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, with its kind (`visit`, `interested`, `booked`) and the data of its event."""

    kind: str
    at: datetime
    event_id: str
    data: Data


class DatedValue(NamedTuple):
    """The value of a fact or field, the moment since when it has been so, and the id of the event that set it."""

    value: Any
    since: datetime
    event_id: str


@dataclass(slots=True)
class History:
    """All that a model reads of a lead."""

    captured_at: datetime
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    facts: dict[str, DatedValue] = dataclasses.field(default_factory=dict)
    engagements: list[Occurrence] = dataclasses.field(default_factory=list)
    replies: list[Occurrence] = dataclasses.field(default_factory=list)
    meetings: list[Occurrence] = dataclasses.field(default_factory=list)
    messages: list[Occurrence] = dataclasses.field(default_factory=list)
    ends: list[datetime] = dataclasses.field(default_factory=list)
    """When meetings that are ahead will pass: moments when the history changes without an event."""
    snapshots: list[Signal] = dataclasses.field(default_factory=list)
    """Capture's events of the lead, or else of its aliases, each with all contact fields, by version."""

    def field(self, name: str) -> Any:
        """The value of a contact field or attribute now; None if there is none."""
        return look_up(self.fields, name)

    def field_since(self, name: str) -> DatedValue:
        """The value of a field, dated by the first snapshot since which it has not changed."""
        value = look_up(self.fields, name)
        since: Signal | None = None
        for snapshot in self.snapshots:
            if look_up(snapshot.data, name) != value:
                since = None
            elif since is None:
                since = snapshot
        since = since or self.snapshots[-1]
        return DatedValue(value, since.at, since.id)


def look_up(data: Data, path: str) -> Any:
    """The value at a dotted path (`consent.email`); None if there is none.

    A name that is not a contact field is looked up in the attributes.
    """
    value = data.get(path)
    if value is not None:
        return value
    attributes = data.get("attributes")
    if attributes and path in attributes:
        return attributes[path]
    if "." in path:
        value = data
        for part in path.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value
    return None


def history_at(signals: Iterable[Signal], lead_id: UUID, moment: datetime) -> History | None:
    """The history of a lead at a moment, from its own signals and those of its aliases; None before its capture.

    Where the lead and an alias have different values of a fact, the lead's value counts; of fields see `_add_fields`.
    """
    by_type: dict[str, list[Signal]] = {}
    for signal in sorted((signal for signal in signals if signal.at <= moment), key=lambda signal: signal.order):
        by_type.setdefault(signal.type, []).append(signal)
    captured = by_type.get("lead.captured")
    if not captured:
        return None
    history = History(captured_at=captured[0].at)
    _add_fields(history, captured + by_type.get("lead.updated", []), lead_id)
    _add_facts(history, by_type.get("lead.enriched", ()), lead_id)
    history.engagements = [
        Occurrence(str(signal.data["kind"]), signal.at, signal.id, signal.data)
        for signal in by_type.get("engagement.recorded", ())
    ]
    history.messages = [
        Occurrence(str(signal.data.get("kind", "other")), signal.at, signal.id, signal.data)
        for signal in by_type.get("message.sent", ())
    ]
    if "reply.received" in by_type:
        _add_replies(history, by_type["reply.received"])
    if "meeting.booked" in by_type:
        _add_meetings(history, by_type["meeting.booked"] + by_type.get("meeting.cancelled", []), moment)
    return history


def _add_fields(history: History, snapshots: list[Signal], lead_id: UUID) -> None:
    """Add the contact fields of the lead's snapshot with the greatest version.

    Capture decides which values are newest, and puts into a kept lead what it takes over from an alias, so a field that
    is missing there was removed or not taken. The snapshots of aliases count only until the lead has one.
    """
    snapshots = [snapshot for snapshot in snapshots if snapshot.lead_id == lead_id] or snapshots
    snapshots.sort(key=lambda s: (s.lead_id.bytes, s.data.get("version", 1), s.order))
    last: dict[UUID, Signal] = {snapshot.lead_id: snapshot for snapshot in snapshots}
    for snapshot in last.values():
        history.fields.update((name, value) for name, value in snapshot.data.items() if value is not None)
    history.snapshots = snapshots


def _add_facts(history: History, enriched: Collection[Signal], lead_id: UUID) -> None:
    """Add the facts of each source's newest `lead.enriched`, which replaces its earlier ones.

    If two sources publish the same fact, the later event counts. A value is dated by the first event of its source
    since which it has not changed.
    """
    by_source: dict[tuple[bool, UUID, str], dict[str, DatedValue]] = {}
    for signal in enriched:
        source = (signal.lead_id == lead_id, signal.lead_id, signal.source)
        before = by_source.pop(source, {})  # removed first, so that the source of the latest event becomes the last
        facts: dict[str, DatedValue] = {}
        for name, fact in signal.data.get("facts", {}).items():
            value = fact.get("value")
            if value is not None:
                dated = before.get(name)
                facts[name] = dated if dated and dated.value == value else DatedValue(value, signal.at, signal.id)
        by_source[source] = facts
    for source in sorted(by_source, key=lambda source: source[0]):
        history.facts.update(by_source[source])


def _add_replies(history: History, signals: list[Signal]) -> None:
    """Add one occurrence for each reply, at its own time, with the label of the greatest (labelled_at, event id)."""
    first: dict[str, Signal] = {}
    labelled: dict[str, Signal] = {}
    for signal in signals:
        reply_id = str(signal.data.get("reply_id", signal.id))
        first.setdefault(reply_id, signal)
        if reply_id not in labelled or _label_order(signal) > _label_order(labelled[reply_id]):
            labelled[reply_id] = signal
    history.replies = [
        Occurrence(str(signal.data["label"]), first[reply_id].at, signal.id, signal.data)
        for reply_id, signal in labelled.items()
    ]
    history.replies.sort(key=lambda reply: (reply.at, reply.event_id.encode()))


def _label_order(signal: Signal) -> tuple[datetime, bytes]:
    return (datetime.fromisoformat(str(signal.data["labelled_at"])), signal.id.encode())


def _add_meetings(history: History, signals: list[Signal], moment: datetime) -> None:
    """Add the occurrences of meetings: `booked`, `held`, `cancelled`."""
    meetings = meetings_at(signals, moment)
    for meeting_id, signal in meetings.booked.items():
        history.meetings.append(Occurrence("booked", signal.at, signal.id, signal.data))
        if meeting_id in meetings.held:
            history.meetings.append(Occurrence("held", meetings.held[meeting_id], signal.id, signal.data))
    history.meetings += [Occurrence("cancelled", signal.at, signal.id, signal.data) for signal in meetings.cancelled]
    history.meetings.sort(key=lambda meeting: (meeting.at, meeting.event_id.encode(), meeting.kind))
    history.ends = list(meetings.ahead.values())


def unanswered_messages(history: History) -> list[Occurrence]:
    """The messages sent since the last human reply or the last held meeting."""
    contacts = [reply.at for reply in history.replies if reply.kind in HUMAN_LABELS]
    contacts += [meeting.at for meeting in history.meetings if meeting.kind == "held"]
    last = max(contacts, default=None)
    return [message for message in history.messages if last is None or message.at > last]
