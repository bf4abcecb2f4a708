"""What capture reads: `lead.submitted` of other systems."""

from typing import Any

from services.capture.use_cases.submissions import Submission, submit
from shared.db import UnitOfWork
from shared.events import Received


async def on_lead_submitted(work: UnitOfWork, batch: list[Received[Any]]) -> None:
    """A whole batch at once; the consumer runs it again where another one was about the same new lead."""
    await submit(
        work,
        [Submission(received.tenant, received.event.contact, received.occurred_at, received) for received in batch],
    )
