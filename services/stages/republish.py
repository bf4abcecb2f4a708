"""State of the stages as events again: for each lead the last `stage.changed`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.stages.store import activities
from services.stages.store.leads import standing_of
from shared.db import UnitOfWork
from shared.events import JourneySummary, StageChanged
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def stage_changed(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """Where each lead stands that ever moved and changed since then: its highest revision, as it is now."""
    rows = await work.fetch(
        """
        SELECT * FROM lead
        WHERE tenant_id = :tenant AND captured AND merged_into IS NULL AND revision > 0 AND updated_at >= :since
          AND (CAST(:last AS uuid) IS NULL OR lead_id > :last)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=work.tenants[0],
        since=since,
        last=last,
        limit=limit,
    )
    told = await activities.told(work, [(row["tenant_id"], row["lead_id"]) for row in rows])
    restated = []
    for row in rows:
        standing = standing_of(row)
        journey = standing.journey
        moves = told.get(standing.key, [])
        before = moves[-1].transition if moves else None
        at = before.occurred_at if before else journey.entered_at or standing.last_activity_on
        restated.append(
            StateEvent(
                StageChanged(
                    lead_id=standing.lead_id,
                    from_=before.from_.value if before else journey.stage.value,
                    to=journey.stage.value,
                    from_status=before.from_status if before else standing.status,
                    status=standing.status,
                    rule=before.rule if before else "fact",
                    actor=before.actor if before else "system:fact",
                    reason=before.reason if before else None,
                    caused_by=before.caused_by if before else None,
                    occurred_at=at,
                    recorded_at=row["updated_at"],
                    revision=standing.revision,
                    journey=JourneySummary(**journey.facts()),
                    disqualification_reason=journey.disqualification_reason,
                ),
                standing.lead_id,
                at,
                revision_id(StageChanged.type, standing.lead_id, standing.revision),
            )
        )
    return restated


PAGES: dict[str, ReadPage] = {StageChanged.type: stage_changed}
