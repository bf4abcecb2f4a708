"""The end of drafts on which nobody decided in time."""

from uuid import UUID

from services.outreach.drafts import store
from services.outreach.drafts.use_cases.events import SYSTEM, publish_decided
from shared.db import UnitOfWork

_REASON = "nobody decided in time"


async def expire(work: UnitOfWork, tenant: str, draft_id: UUID) -> None:
    """End a draft if it is still pending and its time has run out."""
    row = await store.get(work, tenant, draft_id, lock=True)
    if row is None or row["state"] != "pending" or row["expires_at"] > work.now:
        return
    await store.update(work, row, state="expired", reason=_REASON)
    publish_decided(work, row, "expired", SYSTEM, _REASON)
