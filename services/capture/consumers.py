"""The events that capture consumes: `lead.submitted` of other systems."""

from typing import Any

from services.capture.use_cases.submissions import Submission, record_submissions
from shared.db import UnitOfWork
from shared.events import Received


async def on_lead_submitted(work: UnitOfWork, batch: list[Received[Any]]) -> None:
    """Record a whole batch. The consumer retries it when another transaction captures one of its leads first."""
    await record_submissions(
        work,
        [Submission(received.tenant, received.event.contact, received.occurred_at, received) for received in batch],
    )
