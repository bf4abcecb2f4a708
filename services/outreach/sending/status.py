"""What an SMS provider says later of a message: that it arrived, or why not."""

from uuid import UUID

from services.outreach.sending import store, use_cases
from services.outreach.sending.rules import Outcome
from services.outreach.suppression.store import lock_addresses
from services.outreach.suppression.use_cases import delivered
from shared.db import UnitOfWork
from shared.errors import NotFound

LEFT = frozenset({"sent", "delivered", "read"})
FAILED = frozenset({"failed", "undelivered"})


async def take_status(
    work: UnitOfWork, tenant: str, sid: str, status: str, code: str, dispatch_id: UUID | None = None
) -> str:
    """Settle the message by its provider's word; the state of its dispatch afterwards. Repeating it changes nothing."""
    row = await store.by_provider_id(work, tenant, sid)
    if row is None and dispatch_id is not None:
        row = await store.lock(work, tenant, dispatch_id)
    if row is None:
        raise NotFound("no such message")
    # The address before the dispatch and the lead, as everybody locks them.
    await lock_addresses(work, [(tenant, row["channel"], bytes(row["address_hash"]))])
    row = await store.lock(work, tenant, row["dispatch_id"])
    assert row is not None
    undecided = row["state"] in ("unknown", "sending")
    if status in LEFT:
        if undecided:
            await use_cases.sent(work, row, provider_id=sid, note=f"known by the provider's status {status}")
        if status == "delivered":
            await delivered(work, tenant, row["channel"], bytes(row["address_hash"]))
    elif status in FAILED and row["note"] != _told(status, code):
        if undecided:
            await use_cases.settle(work, tenant, row["dispatch_id"], Outcome("failed", f"{status} {code}", code))
        await use_cases.blame(work, row, code, status)
        await store.annotate(work, row, _told(status, code))
    again = await store.lock(work, tenant, row["dispatch_id"])
    return str(again["state"]) if again else row["state"]


def _told(status: str, code: str) -> str:
    return f"the provider says {status} {code}".strip()
