"""Workers of outreach as a whole."""

from services.outreach.store.modes import tenant_to_announce
from services.outreach.use_cases.modes import announce_page
from shared.db import Database
from shared.store import outbox


async def announce_tenant_modes(database: Database) -> int:
    """Announce a tenant's changed mode to a page of its leads; how many. Waits while the outbox is long."""
    async with database.worker() as work:
        tenant = await tenant_to_announce(work)
        if tenant is None or not await outbox.is_short(work):
            return 0
    async with database.worker([tenant]) as work:
        return await announce_page(work, tenant)
