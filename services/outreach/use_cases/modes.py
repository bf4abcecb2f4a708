"""The outreach mode: of one lead at once, of a tenant page by page. Each lead that it changes for gets an event."""

from datetime import datetime
from uuid import UUID

from services.outreach.sending.use_cases.exhaustion import check_soon
from services.outreach.store import hold_settings, lead_of
from services.outreach.store import modes as store
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.events import Envelope, OutreachModeChanged

PAGE = 500
"""Leads in one transaction while a tenant's mode is announced."""


def announce(
    work: UnitOfWork, tenant: str, lead_id: UUID, mode: str, previous: str, at: datetime, cause: Envelope | None = None
) -> None:
    """Publish that other channels may be used for a (locked) lead.

    `at`: a moment under that lock, so that the last of several announcements is also the latest by its time.
    """
    event = OutreachModeChanged(mode=mode, previous=previous)
    work.emit(event, tenant=tenant, subject=lead_id, time=at, cause=cause)


async def set_lead_mode(work: UnitOfWork, tenant: str, lead_id: UUID, mode: str | None) -> str:
    """Give a lead its own mode, or with None the tenant's; the mode that counts now. NotFound for an unknown lead."""
    settings = (await hold_settings(work, [tenant]))[tenant]
    lead = await lead_of(work, tenant, lead_id, lock=True)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    effective = mode or settings.mode
    await store.set_lead_mode(work, tenant, lead_id, mode, effective)
    if effective != lead.announced_mode:
        announce(work, tenant, lead_id, effective, lead.announced_mode, await store.present(work))
        await check_soon(work, tenant, [lead_id])
    return effective


async def announce_page(work: UnitOfWork, tenant: str) -> int:
    """Announce the tenant's mode to one page of its leads; how many, 0 once all is announced.

    A batch of new leads that still goes by the mode before ends first: it holds the settings.
    """
    mode = await store.lock_mode_to_announce(work, tenant)
    if mode is None:
        return 0
    changed = await store.apply_tenant_mode(work, tenant, mode, PAGE)
    at = await store.present(work)
    for lead_id, previous in changed:
        announce(work, tenant, lead_id, mode, previous, at)
    await check_soon(work, tenant, [lead_id for lead_id, _ in changed])
    if len(changed) < PAGE:
        await store.finish_announcement(work, tenant)
    return max(1, len(changed))
