"""What the timeline shows of an event."""

from collections.abc import Mapping
from typing import Any

_SHOWN: dict[str, tuple[str, ...]] = {
    "lead.captured": ("source", "campaign"),
    "lead.updated": ("changed", "before"),
    "lead.merged": ("lead_id", "alias_id", "merge_id", "undone"),
    "lead.enriched": ("providers",),
    "lead.scored": ("fit", "intent", "engagement", "total", "band", "model_version", "revision"),
    "engagement.recorded": ("kind", "page", "url"),
    "draft.created": ("draft_id", "kind", "channel", "sha256"),
    "draft.decided": ("draft_id", "decision", "sha256", "reason", "acknowledged_unsupported"),
    "message.sent": ("message_id", "draft_id", "channel", "kind", "sequence_id", "step"),
    "message.bounced": ("message_id", "channel", "severity", "code", "address_state"),
    "reply.received": ("confidence", "method", "message_id", "return_date", "excerpt"),
    "contact.opted_out": ("channel", "how"),
    "sequence.enrolled": ("sequence_id", "enrolment_id", "reason", "note"),
    "sequence.exited": ("sequence_id", "enrolment_id", "reason", "note"),
    "sequence.changed": ("sequence_id", "enrolment_id", "change", "reason", "note"),
}
"""The fields that the timeline shows of an event, besides those of its signal.

The only contact details among them are the values that an update replaced (`before`), until the person is erased."""


def shown_fields(type: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event that its activity keeps for the timeline; a field without a value is left out."""
    return {name: event[name] for name in _SHOWN.get(type, ()) if event.get(name) is not None}
