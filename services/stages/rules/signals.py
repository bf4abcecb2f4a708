"""Signals: what the fold keeps and reads of an event, without any contact detail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

MANUAL_MOVE = "manual.move"
CHECKLIST_TICK = "checklist.tick"

Order = tuple[datetime, bytes, bytes]


class Signal(NamedTuple):
    """One thing that happened to a lead, reduced to what the rules read.

    `digest` is the key under which it is stored, `lead_id` the id the event came with (an alias keeps its own),
    `type` an event type, or `manual.move` and `checklist.tick` for what people did through the API.
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
        """The place among the lead's signals: time, then event id, then source, compared as bytes."""
        return self.occurred_at, self.id.encode(), self.source.encode()


# What is kept of each event. A field that is not named here never reaches the store of signals.
_KEPT: dict[str, tuple[str, ...]] = {
    "lead.captured": ("lead_id", "created_on", "owner", "version"),
    "lead.updated": ("lead_id", "version"),
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
    "meeting.booked": ("meeting_id", "starts_at", "ends_at", "title"),
    "meeting.cancelled": ("meeting_id",),
    MANUAL_MOVE: ("to", "note", "disqualification_reason"),
    CHECKLIST_TICK: ("item", "ticked", "evidence"),
}
READ_TYPES: frozenset[str] = frozenset(_KEPT) - {MANUAL_MOVE, CHECKLIST_TICK}
EVIDENCE_CHARACTERS = 500


def signal_data(type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event's data that the rules read, as plain JSON; addresses become digests.

    Running it over its own result changes nothing. Raises KeyError for a type that the fold does not read.
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
    """A stable digest of an e-mail address or phone number: enough to know whether it is the same one."""
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
