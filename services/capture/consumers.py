"""The events that capture consumes: `lead.submitted` of other systems, each of which gets an answer."""

from collections.abc import Sequence
from typing import Any

from services.capture.use_cases.answers import answer_recorded, answer_refused
from services.capture.use_cases.submissions import Submission, record_submissions
from shared.db import UnitOfWork
from shared.events import Received
from shared.store.dead_letters import DeadLetter


async def on_lead_submitted(work: UnitOfWork, batch: list[Received[Any]]) -> None:
    """Record a whole batch. The consumer retries it when another transaction captures one of its leads first."""
    results = await record_submissions(
        work,
        [Submission(received.tenant, received.event.contact, received.occurred_at, received) for received in batch],
    )
    for received, result in zip(batch, results, strict=True):
        answer_recorded(work, received, result, received.event.errors)


async def on_submission_refused(work: UnitOfWork, letters: Sequence[DeadLetter]) -> None:
    """Answer the records that became dead letters."""
    await answer_refused(work, letters)
