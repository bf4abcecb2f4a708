"""Who the leads are, as events again: under the ids that they had, with the state of now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.capture.store.leads import lead_of
from services.capture.use_cases.events import captured, updated
from shared.db import UnitOfWork
from shared.events import LeadCaptured, LeadErased, LeadMerged, LeadUpdated
from shared.ids import revision_id
from shared.messaging.republish import ReadPage, StateEvent


async def lead_captured(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The first word of each lead; it tells the details of now, since those of then are not kept."""
    leads = map(lead_of, await _leads(work, since, last, limit, "true"))
    return [
        StateEvent(
            captured(lead).model_copy(update={"version": 1}),
            lead.lead_id,
            lead.created_on,
            revision_id(LeadCaptured.type, lead.lead_id, 1),
        )
        for lead in leads
    ]


async def lead_updated(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The last word of each lead that ever changed; which field it was is not kept."""
    leads = map(lead_of, await _leads(work, since, last, limit, "version > 1"))
    return [
        StateEvent(
            updated(lead, []),
            lead.lead_id,
            lead.updated_on,
            revision_id(LeadUpdated.type, lead.lead_id, lead.version),
        )
        for lead in leads
    ]


async def _leads(
    work: UnitOfWork, since: datetime, last: UUID | None, limit: int, condition: str
) -> Sequence[RowMapping]:
    return await work.fetch(
        f"""
        SELECT * FROM lead
        WHERE tenant_id = :tenant AND updated_on >= :since AND {condition}
          AND (CAST(:last AS uuid) IS NULL OR lead_id > :last)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=work.tenants[0],
        since=since,
        last=last,
        limit=limit,
    )


async def lead_merged(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    """The last merge, or undo, of each alias. A page holds all of as many kept leads as it is long."""
    rows = await work.fetch(
        """
        WITH latest AS (
            SELECT DISTINCT ON (alias_id) * FROM merge WHERE tenant_id = :tenant ORDER BY alias_id, version DESC
        ), kept AS (
            SELECT DISTINCT lead_id FROM latest
            WHERE coalesce(undone_on, merged_on) >= :since AND (CAST(:last AS uuid) IS NULL OR lead_id > :last)
            ORDER BY lead_id LIMIT :limit
        )
        SELECT latest.*, lead.merge_version
        FROM kept JOIN latest USING (lead_id)
        JOIN lead ON lead.tenant_id = :tenant AND lead.lead_id = latest.alias_id
        WHERE coalesce(undone_on, merged_on) >= :since
        ORDER BY latest.lead_id, latest.alias_id
        """,
        tenant=work.tenants[0],
        since=since,
        last=last,
        limit=limit,
    )
    restated = []
    for row in rows:
        undo: dict[str, Any] = {"undone": True} if row["undone_on"] is not None else {}
        event = LeadMerged(
            lead_id=row["lead_id"],
            alias_id=row["alias_id"],
            merge_id=row["merge_id"],
            version=row["merge_version"],
            **undo,
        )
        id = revision_id(LeadMerged.type, row["alias_id"], row["merge_version"])
        restated.append(StateEvent(event, row["lead_id"], row["undone_on"] or row["merged_on"], id))
    return restated


async def lead_erased(work: UnitOfWork, since: datetime, last: UUID | None, limit: int) -> Sequence[StateEvent]:
    rows = await work.fetch(
        """
        SELECT lead_id, at FROM erased
        WHERE tenant_id = :tenant AND at >= :since AND (CAST(:last AS uuid) IS NULL OR lead_id > :last)
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=work.tenants[0],
        since=since,
        last=last,
        limit=limit,
    )
    return [
        StateEvent(
            LeadErased(lead_id=row["lead_id"]),
            row["lead_id"],
            row["at"],
            revision_id(LeadErased.type, row["lead_id"], 1),
        )
        for row in rows
    ]


PAGES: dict[str, ReadPage] = {
    LeadCaptured.type: lead_captured,
    LeadUpdated.type: lead_updated,
    LeadMerged.type: lead_merged,
    LeadErased.type: lead_erased,
}
