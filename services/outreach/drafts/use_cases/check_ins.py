"""Check-ins with leads in nurture."""

from uuid import UUID

from services.outreach.drafts.store import check_ins, compositions
from services.outreach.rules import CHECK_IN_INTERVAL
from services.outreach.store import settings_of
from shared.db import UnitOfWork
from shared.ids import uuid7


async def request_check_in(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Request a nurture draft for a lead whose check-in is due, and set the next one."""
    lead = await check_ins.lock(work, tenant, lead_id)
    if lead is None:
        return
    in_nurture = lead["stage"] == "nurture"
    await check_ins.set_next(work, tenant, lead_id, work.now + CHECK_IN_INTERVAL if in_nurture else None)
    if not in_nurture or not (await settings_of(work, tenant)).drafts_automatically("nurture"):
        return
    request = compositions.CompositionRequest(
        tenant=tenant,
        draft_id=uuid7(),
        lead_id=lead_id,
        kind="nurture",
        cause="nurture",
        cause_id=f"nurture:{lead['nurture_due'].isoformat()}",
        cause_at=work.now,
    )
    await compositions.add(work, [request])
