"""Manual changes: what a person does to a lead by hand (stage, checklist, meetings, owner, notes).

A decision of a person is later than everything they saw: its time is the later of the clock and just after the lead's
newest signal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.stages.rules import (
    CHECKLIST_TICK,
    DISQUALIFIED,
    MANUAL_MOVE,
    Stage,
    decided_at,
    has_passed,
    manual_move_refusal,
)
from services.stages.store import activities
from services.stages.store.activities import ActivityRecord
from services.stages.store.leads import LeadRecord
from services.stages.use_cases.lead_batch import LeadBatch
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, LeadflowError, NotFound
from shared.events import Event, LeadAssigned, MeetingBooked, MeetingCancelled
from shared.http import Principal, check_if_match
from shared.ids import digest, uuid7


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """A move that a person requests."""

    lead_id: UUID
    stage: Stage
    note: str | None = None
    disqualification_reason: str | None = None


async def move_lead(
    work: UnitOfWork, principal: Principal, request: MoveRequest, *, if_match: str | None = None
) -> LeadRecord:
    """Set a lead's stage by hand; returns the lead after it. A move to the present stage changes nothing.

    Raises NotFound; Conflict for a dead or erased lead, and for a move that an opt-out makes void; Invalid for a
    disqualified stage without a reason; Stale when `if_match` is not the lead's revision.
    """
    batch, record = await _lock_lead(work, request.lead_id)
    check_if_match(if_match, record.revision)
    entry = _move_entry(work, principal, record, request)
    if entry is not None:
        await _apply(batch, [(record, entry)])
        if record.journey.stage is not request.stage:
            raise Conflict(f"the move is void: {record.journey.because}")
    return record


async def move_leads(
    work: UnitOfWork, principal: Principal, requests: Sequence[MoveRequest]
) -> list[LeadflowError | LeadRecord]:
    """A result for each request, in order; a lead that is named twice is moved once, and its second move refused."""
    tenant = work.tenants[0]
    batch, resolved = await LeadBatch.lock_resolved(work, [(tenant, request.lead_id) for request in requests])
    results: list[LeadflowError | LeadRecord] = []
    changes: list[tuple[LeadRecord, ActivityRecord]] = []
    seen: set[UUID] = set()
    for request in requests:
        record = batch.records[tenant, resolved[tenant, request.lead_id]]
        try:
            _require_changeable(record, request.lead_id)
            if record.lead_id in seen:
                raise Conflict("the request names this lead twice")
            seen.add(record.lead_id)
            entry = _move_entry(work, principal, record, request)
            if entry is not None:
                changes.append((record, entry))
            results.append(record)
        except LeadflowError as refusal:
            results.append(refusal)
    changed = {record.key for record, _ in changes}
    for key in batch.records.keys() - changed:  # what is saved is a change, and waits anew for its capture
        del batch.records[key]
    await _apply(batch, changes)
    return results


def _move_entry(
    work: UnitOfWork, principal: Principal, record: LeadRecord, request: MoveRequest
) -> ActivityRecord | None:
    journey = record.journey
    if journey.stage is request.stage:
        return None
    refusal = manual_move_refusal(journey.stage, journey.opted_out, request.stage)
    if refusal is not None:
        raise Conflict(refusal)
    if request.stage in DISQUALIFIED and not (request.disqualification_reason or "").strip():
        raise Invalid(
            f"a lead that is moved to {request.stage.value} needs a reason",
            [{"field": "disqualification_reason", "message": "give the reason why the lead is disqualified"}],
        )
    data = {"to": request.stage.value}
    if request.note:
        data["note"] = request.note
    if request.disqualification_reason and request.stage in DISQUALIFIED:
        data["disqualification_reason"] = request.disqualification_reason
    return _entry(work, principal, record, MANUAL_MOVE, data, shown=False)


async def tick_item(
    work: UnitOfWork, principal: Principal, lead_id: UUID, item: str, ticked: bool, evidence: str | None
) -> LeadRecord:
    """Tick or untick an item of the present checklist; NotFound for another item, Conflict if it follows the score."""
    batch, record = await _lock_lead(work, lead_id)
    settings = batch.histories[record.tenant].at(work.now)
    found = next((each for each in settings.checklist if each.id == item), None)
    if found is None:
        raise NotFound(f"the checklist has no item {item!r}")
    if found.score_at_least is not None:
        raise Conflict(f"{item!r} follows the score (at least {found.score_at_least}); it is not ticked by hand")
    data = {"item": item, "ticked": ticked} | ({"evidence": evidence} if evidence else {})
    await _apply(batch, [(record, _entry(work, principal, record, CHECKLIST_TICK, data))])
    return record


async def book_meeting(
    work: UnitOfWork,
    principal: Principal,
    lead_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    title: str | None,
    meeting_id: str | None,
) -> str:
    """Book a meeting, or move the one with this id; returns its id."""
    batch, record = await _lock_lead(work, lead_id)
    meeting_id = meeting_id or str(uuid7())
    event = MeetingBooked(meeting_id=meeting_id, starts_at=starts_at, ends_at=ends_at, title=title)
    data = {"meeting_id": meeting_id, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    if title:
        data["title"] = title
    await _apply(batch, [(record, _entry(work, principal, record, event.type, data, event=event))])
    return meeting_id


async def cancel_meeting(work: UnitOfWork, principal: Principal, lead_id: UUID, meeting_id: str) -> None:
    """Cancel a meeting. A second cancellation changes nothing. Raises NotFound for an unknown meeting, and Conflict for
    one that has taken place."""
    batch, record = await _lock_lead(work, lead_id)
    meeting = record.journey.meetings.get(meeting_id)
    if meeting is None:
        raise NotFound(f"the lead has no meeting {meeting_id!r}")
    if has_passed(meeting, work.now):
        raise Conflict("the meeting has already taken place")
    if meeting.state != "cancelled":
        event = MeetingCancelled(meeting_id=meeting_id)
        entry = _entry(work, principal, record, event.type, {"meeting_id": meeting_id}, event=event)
        await _apply(batch, [(record, entry)])


async def assign_owner(work: UnitOfWork, principal: Principal, lead_id: UUID, owner: str | None) -> LeadRecord:
    """Set the owner of a lead; None removes it."""
    batch, record = await _lock_lead(work, lead_id)
    if record.owner != owner:
        event = LeadAssigned(owner=owner, previous=record.owner, actor=principal.actor)
        data = {"owner": owner, "previous": record.owner}
        await _apply(batch, [(record, _entry(work, principal, record, event.type, data, event=event))])
    return record


async def add_note(work: UnitOfWork, principal: Principal, lead_id: UUID, text: str) -> UUID:
    """Add a note to the timeline; returns its id."""
    batch, record = await _lock_lead(work, lead_id)
    entry = _entry(work, principal, record, activities.NOTE, {"text": text}, folded=False)
    await _apply(batch, [(record, entry)])
    return entry.digest


async def _lock_lead(work: UnitOfWork, lead_id: UUID) -> tuple[LeadBatch, LeadRecord]:
    """Lock the lead, or the lead that this alias was merged into. Raises NotFound."""
    key = (work.tenants[0], lead_id)
    batch, resolved = await LeadBatch.lock_resolved(work, [key])
    record = batch.records[key[0], resolved[key]]
    _require_changeable(record, lead_id)
    return batch, record


def _require_changeable(record: LeadRecord, lead_id: UUID) -> None:
    if not record.captured or record.journey.erased:
        raise NotFound(f"there is no lead {lead_id}")


def _entry(
    work: UnitOfWork,
    principal: Principal,
    record: LeadRecord,
    type: str,
    data: Mapping[str, Any],
    *,
    folded: bool = True,
    shown: bool = True,
    event: Event | None = None,
) -> ActivityRecord:
    """A manual change as an activity. With an `event`, that event is published under the activity's id."""
    at = decided_at(record.journey, work.now)
    id = str(uuid7())
    if event is not None:
        work.emit(event, tenant=record.tenant, subject=record.lead_id, time=at, event_id=id)
    return ActivityRecord(
        tenant=record.tenant,
        digest=digest(work.source, id),
        lead_id=record.lead_id,
        type=type,
        event_id=id,
        source=work.source,
        occurred_at=at,
        recorded_at=work.now,
        actor=principal.actor,
        data=data,
        folded=folded,
        shown=shown,
    )


async def _apply(batch: LeadBatch, changes: Sequence[tuple[LeadRecord, ActivityRecord]]) -> None:
    for record, entry in changes:
        record.count_activity(entry.type, entry.occurred_at)
    await activities.add(batch.work, [entry for _, entry in changes])
    await batch.apply_signals({record.key: [entry.signal] for record, entry in changes if entry.folded})
