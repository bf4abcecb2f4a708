"""What leads do that we see: passed on as events, not kept here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.capture.store import leads as store
from shared.db import UnitOfWork
from shared.errors import Invalid, NotFound
from shared.events import EngagementRecorded
from shared.events.envelope import AHEAD


async def record_engagement(
    work: UnitOfWork, tenant: str, lead_id: UUID, said: Mapping[str, Any], occurred_at: datetime | None
) -> str:
    """Publish `engagement.recorded` for a lead; the event's id. It keeps the lead id that it came with.

    NotFound where the tenant has no such lead, Invalid for a time ahead of the clock.
    """
    if await store.read(work, tenant, lead_id) is None:
        raise NotFound(f"there is no lead {lead_id}")
    if occurred_at is not None and occurred_at > work.now + AHEAD:
        message = "lies more than five minutes ahead"
        raise Invalid(f"occurred_at {message}", [{"field": "occurred_at", "message": message}])
    envelope = work.emit(EngagementRecorded(**said), tenant=tenant, subject=lead_id, time=occurred_at or work.now)
    return envelope.id
