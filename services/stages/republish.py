"""State of the stages as events: for each lead, its last `stage.changed`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.stages.store import corrections, leads
from services.stages.store.leads import LeadRecord
from shared.db import UnitOfWork
from shared.events import JourneySummary, StageChanged
from shared.ids import revision_id
from shared.limits import REVISIONS_RAISED
from shared.messaging.republish import ReadPage, StateEvent
from shared.store.leads import lock_page


async def stage_changed(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The `stage.changed` of the highest revision of each lead that changed since then, with its present facts."""
    records = await leads.changed_since(work, since, last, limit)
    moves = await corrections.moves(work, [record.key for record in records])
    return [_state_event(record, moves.get(record.key, [])) for record in records]


async def raise_page(work: UnitOfWork, after: UUID | None, limit: int) -> dict[UUID, int]:
    """A `stage.changed` for each captured lead that is no alias, also for those that never moved: readers may know a
    move that was lost. It has the rule and time of the last move, and `from` = `to`: nothing moves because of it."""
    records = await leads.raise_revisions(work, await lock_page(work, after, limit), REVISIONS_RAISED)
    published = [record for record in records if record.captured and record.merged_into is None]
    moves = await corrections.moves(work, [record.key for record in published])
    for record in published:
        state = _state_event(record, moves.get(record.key, []))
        stays = {"from_": state.event.to, "from_status": state.event.status, "corrects": []}
        work.emit(
            state.event.model_copy(update=stays),
            tenant=record.tenant,
            subject=state.subject,
            time=state.time,
            event_id=state.event_id,
        )
    return {record.lead_id: record.revision for record in records}


def _state_event(record: LeadRecord, moves: Sequence[corrections.PublishedMove]) -> StateEvent:
    journey = record.journey
    move = moves[-1].transition if moves else None
    at = move.occurred_at if move else journey.entered_at or record.last_activity_on
    event = StageChanged(
        lead_id=record.lead_id,
        from_=move.from_.value if move else journey.stage.value,
        to=journey.stage.value,
        from_status=move.from_status if move else record.status,
        status=record.status,
        rule=move.rule if move else "fact",
        actor=move.actor if move else "system:fact",
        reason=move.reason if move else None,
        caused_by=move.caused_by if move else None,
        occurred_at=at,
        recorded_at=record.updated_at,
        revision=record.revision,
        journey=JourneySummary(**journey.facts()),
        disqualification_reason=journey.disqualification_reason,
    )
    return StateEvent(event, record.lead_id, at, revision_id(StageChanged.type, record.lead_id, record.revision))


PAGES: dict[str, ReadPage] = {StageChanged.type: stage_changed}
