"""Signals: the fields of events that the rules read. They hold no contact detail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

MANUAL_MOVE = "manual.move"
CHECKLIST_TICK = "checklist.tick"

Order = tuple[datetime, bytes, bytes]


class Signal(NamedTuple):
    """One event of a lead, reduced to the fields that the rules read.

    `type` and `digest` are its key in the store. `lead_id` is the id that the event was received with, which may be an
    alias. `type` is an event type, or `manual.move` or `checklist.tick` for what people did through the API.
    """

    digest: str
    id: str
    source: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any] = {}
    actor: str | None = None
    lead_id: str = ""

    @property
    def order(self) -> Order:
        """The position among the lead's signals: time, then event id, then source, compared as bytes."""
        return self.occurred_at, self.id.encode(), self.source.encode()

    def counts_for(self, lead_id: str) -> bool:
        """Whether the lead with this id folds the signal, which came with the id or with that of an alias of it."""
        return self.lead_id == lead_id or self.type not in _OF_ONE_ID


_KEPT: dict[str, tuple[str, ...]] = {
    "lead.captured": ("created_on", "owner", "version"),
    "lead.updated": ("version",),
    "lead.erased": (),
    "lead.scored": ("total",),
    "lead.assigned": ("owner",),
    "message.sent": ("channel", "kind"),
    "message.bounced": ("channel", "address_state"),
    "reply.received": ("reply_id", "channel", "label", "labelled_at", "later_until", "wrong_address"),
    "contact.opted_out": ("channel", "how", "reply_id"),
    "outreach.exhausted": ("mode", "channels"),
    "outreach.mode_changed": ("mode",),
    "sequence.enrolled": ("enrolment_id",),
    "sequence.exited": ("enrolment_id", "reason"),
    "sequence.changed": ("enrolment_id", "change"),
    "meeting.booked": ("meeting_id", "starts_at", "ends_at", "title"),
    "meeting.cancelled": ("meeting_id",),
    MANUAL_MOVE: ("to", "note", "disqualification_reason"),
    CHECKLIST_TICK: ("item", "ticked", "evidence"),
}
"""The fields that a signal keeps of each event. No other field is stored for the rules."""

SIGNAL_TYPES: frozenset[str] = frozenset(_KEPT) - {MANUAL_MOVE, CHECKLIST_TICK}
"""The event types that are signals."""

_OF_ONE_ID = frozenset({"lead.scored", "outreach.mode_changed"})
"""Types of signals about the very id that they came with. A merged lead has the score and the mode of the kept id."""

EVIDENCE_CHARACTERS = 500
"""The length of the sentence that is kept as the evidence of a tick."""


def signal_data(type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event's data that the rules read, as plain JSON; addresses become digests.

    Applied to its own result it changes nothing. Raises KeyError for a type that is not a signal.
    """
    kept = {name: _plain(data[name]) for name in _KEPT[type] if data.get(name) is not None}
    if type == "lead.captured" or type == "lead.updated":
        changed = data.get("changed") or ()
        for name in ("email", "phone"):
            key = name + "_key"
            if key in data:
                kept[key] = data[key]
            elif name in data:
                kept[key] = address_key(data[name]) if data[name] else None
            elif name in changed:
                kept[key] = None
    elif type == "message.bounced":
        if data.get("address_key"):
            kept["address_key"] = data["address_key"]
        elif data.get("address"):
            kept["address_key"] = address_key(data["address"])
    elif type == "reply.received" and data.get("evidence"):
        kept["evidence"] = [
            {"item": str(entry["item"]), "sentence": str(entry.get("sentence") or "")[:EVIDENCE_CHARACTERS]}
            for entry in data["evidence"]
            if entry.get("item")
        ]
    return kept


def address_key(address: str) -> str:
    """A stable digest of an e-mail address or phone number, to tell whether two are the same: 64 bits of SHA-256."""
    text = address.strip().lower()
    if "@" not in text:
        text = "".join(character for character in text if character.isdigit())
    return sha256(text.encode()).hexdigest()[:16]


def moment(value: Any) -> datetime:
    """An aware UTC datetime from a datetime or its RFC 3339 text; naive text counts as UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.upper())
    if not isinstance(value, datetime):
        raise ValueError(f"not a time: {value!r}")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (str, int, float, bool)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return str(value)
