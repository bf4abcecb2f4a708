"""Status reports of an SMS provider on a message that it accepted: delivered, or why not."""

from uuid import UUID

from services.outreach.rules import OUTCOME_OPEN
from services.outreach.sending import store
from services.outreach.sending.rules import Outcome
from services.outreach.sending.use_cases import outcomes
from services.outreach.suppression.store import lock_addresses
from services.outreach.suppression.use_cases import record_delivery
from shared.db import UnitOfWork
from shared.errors import NotFound

_SENT = frozenset({"sent", "delivered", "read"})
_FAILED = frozenset({"failed", "undelivered"})


async def apply_sms_status(
    work: UnitOfWork, tenant: str, sid: str, status: str, code: str, dispatch_id: UUID | None = None
) -> str:
    """Apply a provider's status; the state of the dispatch afterwards. Repeating a status changes nothing.

    `sid`: the provider's id for the message; `dispatch_id`: ours, for a provider that reports before its answer to
    the attempt was recorded. NotFound when neither is known.
    """
    row = await store.by_provider_id(work, tenant, sid)
    if row is None and dispatch_id is not None:
        row = await store.lock(work, tenant, dispatch_id)
    if row is None:
        raise NotFound("no such message")
    # The address is locked before the dispatch and the lead, in the same order as everywhere.
    await lock_addresses(work, [(tenant, row["channel"], bytes(row["address_hash"]))])
    row = await store.lock(work, tenant, row["dispatch_id"])
    assert row is not None
    is_open = row["state"] in OUTCOME_OPEN
    note = f"the provider says {status} {code}".strip()  # a stored note marks a repeated report: keep its wording
    if status in _SENT:
        if is_open:
            await outcomes.record_sent(work, row, provider_id=sid, note=f"known by the provider's status {status}")
        if status == "delivered":
            await record_delivery(work, tenant, row["channel"], bytes(row["address_hash"]))
    elif status in _FAILED and row["note"] != note:
        if is_open:
            failed = Outcome("failed", f"{status} {code}", code)
            await outcomes.record_outcome(work, tenant, row["dispatch_id"], failed)
        await outcomes.record_address_failure(work, row, code, status)
        await store.annotate(work, row, note)
    after = await store.lock(work, tenant, row["dispatch_id"])
    return str(after["state"]) if after else row["state"]
