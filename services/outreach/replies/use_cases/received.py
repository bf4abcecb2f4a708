"""The result of receiving a message, and what every message from outside proves about one of ours."""

from dataclasses import dataclass
from uuid import UUID

from services.outreach import hooks
from services.outreach.rules import is_outcome_open
from shared.db import Row, UnitOfWork


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """The outcome of receiving a message: matched, unmatched, own_copy, duplicate, bounce, complaint or received.

    `received`: it is stored, and a worker will read it.
    """

    reply_id: UUID | None
    outcome: str


async def notify_sent(work: UnitOfWork, dispatch: Row, source: str) -> None:
    """The message of this dispatch was sent, as far as its outcome is still open."""
    if is_outcome_open(dispatch["state"], dispatch["message_id"]):
        evidence = hooks.SentEvidence(dispatch["tenant_id"], dispatch["dispatch_id"], source)
        await hooks.sent_evidence.notify(work, evidence)
