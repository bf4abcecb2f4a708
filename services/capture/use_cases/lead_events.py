"""The events that carry a lead's state."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.capture.rules.lead import Lead, changed_fields
from shared.db import UnitOfWork
from shared.events import Consent, LeadCaptured, LeadUpdated
from shared.ids import revision_id


def captured_event(lead: Lead) -> LeadCaptured:
    return LeadCaptured(**_state(lead))


def updated_event(lead: Lead, changed: Sequence[str]) -> LeadUpdated:
    """`changed`: names as the rules return them, such as `attributes.plan`."""
    before = lead.take_replaced(changed)
    return LeadUpdated(**_state(lead), changed=changed_fields(changed), **({"before": before} if before else {}))


def emit_updated(work: UnitOfWork, lead: Lead, changed: Sequence[str]) -> None:
    """Publish `lead.updated` for a change whose version is counted already. `changed`: names as the rules return."""
    event = updated_event(lead, changed)
    work.emit(
        event,
        tenant=lead.tenant,
        subject=lead.lead_id,
        time=lead.updated_on,
        event_id=revision_id(event.type, lead.lead_id, lead.version),
    )


def _state(lead: Lead) -> dict[str, Any]:
    """All known facts of a lead; unknown ones are absent."""
    state: dict[str, Any] = {
        "lead_id": lead.lead_id,
        "source": lead.source,
        "created_on": lead.created_on,
        "version": lead.version,
        **lead.fields,
        "consent": _consent(lead.consent),
    }
    if lead.external_id is not None:
        state["external_id"] = lead.external_id
    if lead.owner is not None:
        state["owner"] = lead.owner
    if lead.attributes:
        state["attributes"] = dict(lead.attributes)
    return state


def _consent(stored: dict[str, Any]) -> Consent:
    parts: dict[str, Any] = {part: value for part, value in stored.items() if value is not None}
    if "at" in parts:
        parts["at"] = datetime.fromisoformat(parts["at"])
    return Consent(**{"email": "unknown", "sms": "unknown", **parts})
