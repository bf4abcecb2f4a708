"""A lead's state as events and answers say it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.capture.rules.lead import Lead, changed_fields
from shared.db import UnitOfWork
from shared.events import Consent, LeadCaptured, LeadUpdated
from shared.ids import revision_id


def captured(lead: Lead) -> LeadCaptured:
    return LeadCaptured(**content(lead))


def updated(lead: Lead, changed: Sequence[str]) -> LeadUpdated:
    return LeadUpdated(**content(lead), changed=list(changed))


def say_updated(work: UnitOfWork, lead: Lead, changed: Sequence[str]) -> None:
    """Let `lead.updated` leave for a change whose version is counted up already. `changed` as `rules.lead` names it."""
    event = updated(lead, changed_fields(changed))
    work.emit(
        event,
        tenant=lead.tenant,
        subject=lead.lead_id,
        time=lead.updated_on,
        event_id=revision_id(event.type, lead.lead_id, lead.version),
    )


def content(lead: Lead) -> dict[str, Any]:
    """All that is known of the lead, normalised; what is not known is absent."""
    data: dict[str, Any] = {
        "lead_id": lead.lead_id,
        "source": lead.source,
        "created_on": lead.created_on,
        "version": lead.version,
        **lead.fields,
        "consent": _consent(lead.consent),
    }
    if lead.external_id is not None:
        data["external_id"] = lead.external_id
    if lead.owner is not None:
        data["owner"] = lead.owner
    if lead.attributes:
        data["attributes"] = dict(lead.attributes)
    return data


def _consent(stored: dict[str, Any]) -> Consent:
    said: dict[str, Any] = {part: value for part, value in stored.items() if value is not None}
    if "at" in said:
        said["at"] = datetime.fromisoformat(said["at"])
    return Consent(**{"email": "unknown", "sms": "unknown", **said})
