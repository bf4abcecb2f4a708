"""Saving a tenant's settings, and letting work that already waits follow the new ones."""

from services.outreach import store
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store as dispatches
from services.outreach.sending.rules import LONGEST_BACK_OFF
from shared.db import UnitOfWork


async def save(work: UnitOfWork, tenant: str, body: OutreachSettings) -> tuple[OutreachSettings, int]:
    """Save the settings that the body names, the others stay. All settings as they are now, and their version."""
    present = await store.settings_of(work, tenant)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    if "auto_drafts" in given:
        given["auto_drafts"] = present.auto_drafts | body.auto_drafts
    saved = present.model_copy(update=given)
    version = await store.save_settings(work, tenant, saved)
    if (present.window, present.mailboxes) != (saved.window, saved.mailboxes):
        await dispatches.hasten_queued(work, tenant, work.now + LONGEST_BACK_OFF)
    if _exhaustion(present) != _exhaustion(saved):
        await dispatches.check_all_for_exhaustion(work, tenant)
    return saved, version


def _exhaustion(settings: OutreachSettings) -> tuple[float, int]:
    return settings.exhaust_after_days, settings.exhaust_after_messages
