"""Status reports of an SMS provider on a message that it accepted: delivered, or why not.

A provider's signature covers no time, so a report could be repeated by whoever has seen it. Each message therefore has
one final status, and a report that comes long after the message is refused.
"""

from datetime import timedelta
from uuid import UUID

from services.outreach.rules import is_outcome_open
from services.outreach.sending import store
from services.outreach.sending.rules import Outcome
from services.outreach.sending.use_cases import outcomes
from services.outreach.suppression.use_cases import record_delivery
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound

_SENT = frozenset({"sent", "delivered", "read"})
_FAILED = frozenset({"failed", "undelivered"})
_FINAL = "the provider says"
"""How the note of a final status begins; it marks that the message has one."""

REPORTED_WITHIN = timedelta(days=7)
"""How long after an attempt its status is read. Twilio gives a message up after 10 hours (ValidityPeriod)."""


async def apply_sms_status(
    work: UnitOfWork, tenant: str, sid: str, status: str, code: str, dispatch_id: UUID | None = None
) -> str:
    """Apply a provider's status; the state of the dispatch afterwards. After a final status no other changes anything.

    `sid`: the provider's id for the message; `dispatch_id`: ours, for a provider that reports before its answer to
    the attempt was recorded. NotFound when neither is known, Conflict when the report
    comes more than `REPORTED_WITHIN` after the attempt.
    """
    known = await store.by_provider_id(work, tenant, sid)
    if known is not None:
        dispatch_id = known["dispatch_id"]
    row = await outcomes.lock_dispatch(work, tenant, dispatch_id) if dispatch_id is not None else None
    if row is None:
        raise NotFound("no such message")
    if row["sending_at"] is not None and row["sending_at"] + REPORTED_WITHIN < work.now:
        raise Conflict(f"the status of a message is read for {REPORTED_WITHIN.days} days")
    is_open = is_outcome_open(row["state"], row["message_id"])
    if (row["note"] or "").startswith(_FINAL):
        return str(row["state"])
    if status in _FAILED and row["state"] == "sending" and row["attempts"] > 1:
        # It may be about an earlier attempt. Of this one the sender will know the outcome.
        return str(row["state"])
    if status in _SENT:
        if is_open:
            await outcomes.record_sent(work, row, provider_id=sid, note=f"known by the provider's status {status}")
        if status == "delivered":
            await record_delivery(work, tenant, row["channel"], bytes(row["address_hash"]))
    elif status in _FAILED:
        if is_open:
            failed = Outcome("failed", f"{status} {code}", code)
            await outcomes.record_outcome(work, tenant, row["dispatch_id"], failed)
        await outcomes.record_address_failure(work, row, code, status)
    if status in _FAILED or status == "delivered":
        await store.annotate(work, row, f"{_FINAL} {status} {code}".strip())
    after = await store.lock(work, tenant, row["dispatch_id"])
    return str(after["state"]) if after else row["state"]
