"""Engagement of leads: published as events, not stored here."""

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
    work: UnitOfWork, tenant: str, lead_id: UUID, data: Mapping[str, Any], occurred_at: datetime | None
) -> str:
    """Publish `engagement.recorded` under this lead id, be it an alias; the event's id. `occurred_at`: None for now.

    Raises NotFound for an unknown lead, Invalid for a time more than five minutes in the future.
    """
    if await store.read(work, tenant, lead_id) is None:
        raise NotFound(f"there is no lead {lead_id}")
    if occurred_at is not None and occurred_at > work.now + AHEAD:
        message = "is more than five minutes in the future"
        raise Invalid(f"occurred_at {message}", [{"field": "occurred_at", "message": message}])
    envelope = work.emit(EngagementRecorded(**data), tenant=tenant, subject=lead_id, time=occurred_at or work.now)
    return envelope.id
