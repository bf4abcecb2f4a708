"""What is known of a lead at a moment, gathered from its signals; the same whatever order they arrived in."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

Data = Mapping[str, Any]

HUMAN_LABELS = frozenset({"interested", "question", "meeting_request", "later", "declined", "opt_out", "other"})
"""Reply labels that say a person wrote, and not a machine."""


class Signal(NamedTuple):
    """One event that a model can read."""

    lead_id: UUID
    type: str
    at: datetime
    id: str
    source: str
    data: Data

    @property
    def order(self) -> tuple[datetime, bytes, bytes]:
        return (self.at, self.id.encode(), self.source.encode())


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, of a kind (`visit`, `interested`, `booked`), with its details."""

    kind: str
    at: datetime
    event_id: str
    data: Data


Known = tuple[Any, datetime, str]
"""A value, the moment since when it has been so, and the id of the event that said it."""


@dataclass(slots=True)
class History:
    """All that a model looks at. `ends` are the coming ends of meetings: moments when the history changes by itself."""

    captured_at: datetime
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    facts: dict[str, Known] = dataclasses.field(default_factory=dict)
    engagements: list[Occurrence] = dataclasses.field(default_factory=list)
    replies: list[Occurrence] = dataclasses.field(default_factory=list)
    meetings: list[Occurrence] = dataclasses.field(default_factory=list)
    messages: list[Occurrence] = dataclasses.field(default_factory=list)
    ends: list[datetime] = dataclasses.field(default_factory=list)
    snapshots: list[Signal] = dataclasses.field(default_factory=list)

    def field(self, name: str) -> Any:
        return look_up(self.fields, name)

    def field_since(self, name: str) -> Known:
        """A field's value with the first event of those that have said so without a break."""
        value = look_up(self.fields, name)
        since: Signal | None = None
        for snapshot in self.snapshots:
            if look_up(snapshot.data, name) != value:
                since = None
            elif since is None:
                since = snapshot
        since = since or self.snapshots[-1]
        return value, since.at, since.id


def look_up(data: Data, path: str) -> Any:
    """The value at a dotted path (`consent.email`); None where there is none.

    A name that is no contact field is looked for in the attributes.
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


def gather(signals: Iterable[Signal], lead_id: UUID, moment: datetime) -> History | None:
    """The history at `moment` of the lead and of its aliases' signals; None if nobody had captured the lead by then.

    Where the lead and an alias disagree on a field or fact, the lead's own word counts, and the alias fills gaps.
    """
    by_type: dict[str, list[Signal]] = {}
    for signal in sorted((signal for signal in signals if signal.at <= moment), key=lambda signal: signal.order):
        by_type.setdefault(signal.type, []).append(signal)
    captured = by_type.get("lead.captured")
    if not captured:
        return None
    history = History(captured_at=captured[0].at)
    _read_fields(history, captured + by_type.get("lead.updated", []), lead_id)
    _read_facts(history, by_type.get("lead.enriched", ()), lead_id)
    history.engagements = [
        Occurrence(str(signal.data["kind"]), signal.at, signal.id, signal.data)
        for signal in by_type.get("engagement.recorded", ())
    ]
    history.messages = [
        Occurrence(str(signal.data.get("kind", "other")), signal.at, signal.id, signal.data)
        for signal in by_type.get("message.sent", ())
    ]
    if "reply.received" in by_type:
        _read_replies(history, by_type["reply.received"])
    if "meeting.booked" in by_type:
        _read_meetings(history, by_type["meeting.booked"] + by_type.get("meeting.cancelled", []), moment)
    return history


def _read_fields(history: History, snapshots: list[Signal], lead_id: UUID) -> None:
    """Capture decides what the newest details are, by its version; each event tells all of them."""
    if len(snapshots) == 1:
        history.snapshots = snapshots
        history.fields = dict(snapshots[0].data)
        return
    snapshots.sort(key=lambda s: (s.lead_id == lead_id, s.lead_id.bytes, s.data.get("version", 1), s.order))
    last: dict[UUID, Signal] = {snapshot.lead_id: snapshot for snapshot in snapshots}
    for snapshot in last.values():
        history.fields.update((name, value) for name, value in snapshot.data.items() if value is not None)
    history.snapshots = snapshots


def _read_facts(history: History, enriched: Collection[Signal], lead_id: UUID) -> None:
    """Each source tells all it knows each time, so its newest word replaces its older ones; of two sources that know
    the same fact the one that spoke last counts. A value keeps the moment since when its source has said so."""
    told: dict[tuple[bool, UUID, str], dict[str, Known]] = {}
    for signal in enriched:
        key = (signal.lead_id == lead_id, signal.lead_id, signal.source)
        before = told.pop(key, {})
        facts: dict[str, Known] = {}
        for name, fact in signal.data.get("facts", {}).items():
            value = fact.get("value")
            if value is not None:
                known = before.get(name)
                facts[name] = known if known and known[0] == value else (value, signal.at, signal.id)
        told[key] = facts
    for key in sorted(told, key=lambda key: key[0]):
        history.facts.update(told[key])


def _read_replies(history: History, signals: list[Signal]) -> None:
    """One reply is one occurrence, at its own time; the label with the greatest (labelled_at, event id) counts."""
    first: dict[str, Signal] = {}
    label: dict[str, Signal] = {}
    for signal in signals:
        reply_id = str(signal.data.get("reply_id", signal.id))
        first.setdefault(reply_id, signal)
        if reply_id not in label or _labelled(signal) > _labelled(label[reply_id]):
            label[reply_id] = signal
    history.replies = [
        Occurrence(str(signal.data["label"]), first[reply_id].at, signal.id, signal.data)
        for reply_id, signal in label.items()
    ]
    history.replies.sort(key=lambda reply: (reply.at, reply.event_id.encode()))


def _labelled(signal: Signal) -> tuple[datetime, bytes]:
    return (datetime.fromisoformat(str(signal.data["labelled_at"])), signal.id.encode())


def _read_meetings(history: History, signals: list[Signal], moment: datetime) -> None:
    """A meeting is booked; moved by booking it again; cancelled while it is ahead; held once its end has passed."""
    booked: dict[str, Signal] = {}
    over: dict[str, datetime] = {}
    gone: list[Occurrence] = []
    for signal in sorted(signals, key=lambda signal: signal.order):
        meeting_id = str(signal.data["meeting_id"])
        if signal.type == "meeting.booked":
            booked.setdefault(meeting_id, signal)
            over[meeting_id] = max(datetime.fromisoformat(str(signal.data["ends_at"])), signal.at)
        elif meeting_id in booked and over[meeting_id] > signal.at:
            gone.append(Occurrence("cancelled", signal.at, signal.id, signal.data))
            del booked[meeting_id], over[meeting_id]
    for meeting_id, signal in booked.items():
        history.meetings.append(Occurrence("booked", signal.at, signal.id, signal.data))
        if over[meeting_id] <= moment:
            history.meetings.append(Occurrence("held", over[meeting_id], signal.id, signal.data))
        else:
            history.ends.append(over[meeting_id])
    history.meetings.extend(gone)
    history.meetings.sort(key=lambda meeting: (meeting.at, meeting.event_id.encode(), meeting.kind))


def unanswered(history: History) -> list[Occurrence]:
    """The messages sent since the lead's last word (a person's reply or a meeting that took place)."""
    words = [reply.at for reply in history.replies if reply.kind in HUMAN_LABELS]
    words += [meeting.at for meeting in history.meetings if meeting.kind == "held"]
    last = max(words, default=None)
    return [message for message in history.messages if last is None or message.at > last]
