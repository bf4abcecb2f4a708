"""The details of a lead that the queue shows besides its journey: contact details, score, open drafts."""

from collections.abc import Callable
from typing import Any

from services.stages.store.leads import DRAFT_CLOSED, DRAFT_OPEN, LeadRecord
from shared.events import LeadCaptured, LeadScored, LeadUpdated, Received

_KEPT_DRAFTS = 20
"""The newest drafts of a lead that are remembered. A closed draft is remembered too: its end may be received first."""


def apply_details(record: LeadRecord, received: Received[Any]) -> None:
    """Store the details that an event has about its lead."""
    record.count_activity(received.type, received.occurred_at)
    apply = _APPLY.get(received.type)
    if apply is not None:
        apply(record, received)


def _captured(record: LeadRecord, received: Received[LeadCaptured]) -> None:
    event = received.event
    if received.lead_id != record.lead_id and record.contact_version:
        return  # the details of an alias do not replace those of the lead that it was merged into
    if event.version >= record.contact_version:
        _apply_contact(record, event)


def _updated(record: LeadRecord, received: Received[LeadUpdated]) -> None:
    event = received.event
    if received.lead_id == record.lead_id and event.version > record.contact_version:
        _apply_contact(record, event)


def _apply_contact(record: LeadRecord, event: LeadCaptured | LeadUpdated) -> None:
    record.contact_version = event.version
    record.source, record.campaign = event.source, event.campaign
    names = (event.first_name, event.last_name)
    record.name = event.full_name or " ".join(part for part in names if part) or None
    record.company = event.company


def _scored(record: LeadRecord, received: Received[LeadScored]) -> None:
    """The newest score counts, by its time like every signal: so total, band and hot flag follow the same one.

    Of two at the same time, the one with the greater revision counts.
    """
    event = received.event
    order, last = (received.occurred_at, event.revision or 0), (record.scored_at, record.score_revision)
    newer = last[0] is None or order >= last
    if newer and received.lead_id == record.lead_id:
        record.score_revision = event.revision or record.score_revision
        record.scored_at = received.occurred_at
        record.score_total = event.total
        record.band = event.band


def _draft_created(record: LeadRecord, received: Received[Any]) -> None:
    record.drafts.setdefault(str(received.event.draft_id), DRAFT_OPEN)
    _keep_newest_drafts(record)


def _draft_closed(record: LeadRecord, received: Received[Any]) -> None:
    record.drafts[str(received.event.draft_id)] = DRAFT_CLOSED
    _keep_newest_drafts(record)


def _keep_newest_drafts(record: LeadRecord) -> None:
    for draft_id in list(record.drafts)[:-_KEPT_DRAFTS]:
        del record.drafts[draft_id]


_APPLY: dict[str, Callable[[LeadRecord, Received[Any]], None]] = {
    "lead.captured": _captured,
    "lead.updated": _updated,
    "lead.scored": _scored,
    "draft.created": _draft_created,
    "draft.decided": _draft_closed,
    "message.sent": _draft_closed,
}
