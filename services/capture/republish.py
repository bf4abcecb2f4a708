"""Capture's state-carrying events, republished under the ids that they had, with the present state."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.capture.store import erasure, leads, merges
from services.capture.use_cases.lead_events import captured_event, updated_event
from shared.db import UnitOfWork
from shared.events import LeadCaptured, LeadErased, LeadMerged, LeadUpdated
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def captured_page(work: UnitOfWork, since: datetime, after: UUID | None, limit: int) -> Sequence[StateEvent]:
    """`lead.captured` of each lead, with its present details: those at capture are not stored."""
    return [
        StateEvent(
            captured_event(lead).model_copy(update={"version": 1}),
            lead.lead_id,
            lead.created_on,
            revision_id(LeadCaptured.type, lead.lead_id, 1),
        )
        for lead in await leads.page(work, work.tenants[0], since, after, limit)
    ]


async def updated_page(work: UnitOfWork, since: datetime, after: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The last `lead.updated` of each changed lead, with an empty `changed`: the changed fields are not stored."""
    return [
        StateEvent(
            updated_event(lead, []),
            lead.lead_id,
            lead.updated_on,
            revision_id(LeadUpdated.type, lead.lead_id, lead.version),
        )
        for lead in await leads.page(work, work.tenants[0], since, after, limit, only_changed=True)
    ]


async def merged_page(work: UnitOfWork, since: datetime, after: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The last `lead.merged` of each alias. A page has those of up to `limit` kept leads."""
    events = []
    for row in await merges.page_of_latest(work, work.tenants[0], since, after, limit):
        undo: dict[str, Any] = {"undone": True} if row["undone_on"] is not None else {}
        event = LeadMerged(
            lead_id=row["lead_id"],
            alias_id=row["alias_id"],
            merge_id=row["merge_id"],
            version=row["merge_version"],
            **undo,
        )
        event_id = revision_id(LeadMerged.type, row["alias_id"], row["merge_version"])
        events.append(StateEvent(event, row["lead_id"], row["undone_on"] or row["merged_on"], event_id))
    return events


async def erased_page(work: UnitOfWork, since: datetime, after: UUID | None, limit: int) -> Sequence[StateEvent]:
    return [
        StateEvent(LeadErased(lead_id=lead_id), lead_id, at, revision_id(LeadErased.type, lead_id, 1))
        for lead_id, at in await erasure.page_of_erased(work, work.tenants[0], since, after, limit)
    ]


PAGES: dict[str, ReadPage] = {
    LeadCaptured.type: captured_page,
    LeadUpdated.type: updated_page,
    LeadMerged.type: merged_page,
    LeadErased.type: erased_page,
}
