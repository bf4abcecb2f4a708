"""The events of a draft: `draft.created` and `draft.decided`."""

from collections.abc import Sequence
from typing import Any

from services.outreach.drafts.store import NewDraft
from shared.db import Row, UnitOfWork
from shared.events import DraftCreated, DraftDecided, Envelope

SYSTEM = "system:outreach"
"""The actor of decisions that no person made: superseded, expired."""


def publish_created(work: UnitOfWork, new: NewDraft, cause: Envelope | None = None) -> None:
    """Publish that a draft waits for review. `cause`: the event that brought it about, if one did."""
    work.emit(
        DraftCreated(draft_id=new.draft_id, kind=new.kind, channel=new.message.channel, sha256=new.message.sha256),
        tenant=new.tenant,
        subject=new.lead_id,
        cause=cause,
    )


MAX_ACKNOWLEDGED = 20
"""Acknowledged sentences that the event names; the approval has all."""


def publish_decided(
    work: UnitOfWork,
    row: Row,
    decision: str,
    actor: str,
    reason: str | None,
    acknowledged: Sequence[str] = (),
) -> None:
    """Publish that a draft no longer waits for review: by whose decision, and on which text.

    `acknowledged`: the unsupported sentences that the person approved knowingly.
    """
    fields: dict[str, Any] = {"reason": reason} if reason else {}
    if acknowledged:
        fields["acknowledged_unsupported"] = list(acknowledged[:MAX_ACKNOWLEDGED])
    fields |= {"draft_id": row["draft_id"], "decision": decision, "actor": actor, "sha256": row["sha256"]}
    work.emit(DraftDecided(**fields), tenant=row["tenant_id"], subject=row["lead_id"])
