"""Capture's state-carrying events, republished under the ids that they had, with the present state."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.capture.store import erasure, leads, merges
from services.capture.use_cases.lead_events import captured_event, emit_updated, updated_event
from shared.db import Row, UnitOfWork
from shared.events import LeadCaptured, LeadErased, LeadMerged, LeadUpdated
from shared.ids import revision_id
from shared.limits import REVISIONS_RAISED
from shared.messaging.republish import ReadPage, StateEvent
from shared.store.leads import lock_page


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
    rows = await merges.page_of_latest(work, work.tenants[0], since, after, limit)
    return [_merged(row, row["undone_on"] or row["merged_on"]) for row in rows]


def _merged(row: Row, time: datetime) -> StateEvent:
    undo: dict[str, Any] = {"undone": True} if row["undone_on"] is not None else {}
    event = LeadMerged(
        lead_id=row["lead_id"], alias_id=row["alias_id"], merge_id=row["merge_id"], version=row["merge_version"], **undo
    )
    event_id = revision_id(LeadMerged.type, row["alias_id"], row["merge_version"])
    return StateEvent(event, row["lead_id"], time, event_id)


async def erased_page(work: UnitOfWork, since: datetime, after: UUID | None, limit: int) -> Sequence[StateEvent]:
    return [
        StateEvent(LeadErased(lead_id=lead_id), lead_id, at, revision_id(LeadErased.type, lead_id, 1))
        for lead_id, at in await erasure.page_of_erased(work, work.tenants[0], since, after, limit)
    ]


async def raise_page(work: UnitOfWork, after: UUID | None, limit: int) -> dict[UUID, int]:
    """`lead.updated` for each lead, with an empty `changed`, and its latest merge as an alias. The ids of
    `lead.captured` and `lead.erased` have no version that could be published twice."""
    (tenant,) = work.tenants
    page = await lock_page(work, after, limit)
    raised = {lead.lead_id: lead for lead in await leads.raise_versions(work, page, REVISIONS_RAISED)}
    for lead in raised.values():
        emit_updated(work, lead, [])
    for row in await merges.latest_of(work, tenant, list(raised)):
        state = _merged(row, raised[row["alias_id"]].updated_on)
        work.emit(state.event, tenant=tenant, subject=state.subject, time=state.time, event_id=state.event_id)
    return {lead_id: max(lead.version, lead.merge_version) for lead_id, lead in raised.items()}


PAGES: dict[str, ReadPage] = {
    LeadCaptured.type: captured_page,
    LeadUpdated.type: updated_page,
    LeadMerged.type: merged_page,
    LeadErased.type: erased_page,
}
