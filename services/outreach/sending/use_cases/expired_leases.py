"""A lease that runs out in `sending`: whether the message was sent is unknown, so it is never sent again by itself."""

from uuid import UUID

from services.outreach.sending import store
from shared.db import UnitOfWork


async def expire_lease(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> None:
    """The lease ran out in `sending`: the sender may have died before or after the message was sent."""
    row = await store.lock(work, tenant, dispatch_id)
    if row is not None and row["state"] == "sending":
        reason = "the sender did not report an outcome; the message may have been sent"
        await store.change_state(work, row, "unknown", reason=reason, lease_until=None)
